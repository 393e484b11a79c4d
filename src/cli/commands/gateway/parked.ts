import type { ParkedDeviceStatus } from '../../../gateway.js';
import type { Call } from '../../command.js';
import { EXIT, type ExitCode, usage } from '../../exit.js';
import { plural, timeText } from '../../words.js';
import { done } from './quarantine.js';
import { natsOf } from './settings.js';

export async function parked(call: Call): Promise<ExitCode> {
  const [, action = 'list', ...rest] = call.args;
  const { listParked, retryParked } = await import('../../../gateway.js');
  const options = { nats: natsOf(call), deviceIds: rest.length === 0 ? undefined : rest };
  const check = (count: number): void => {
    if (count === 0 && rest.length > 0)
      throw usage('none of these devices is parked', 'See: nikdev-iot gateway parked');
  };
  if (action === 'list') {
    const devices = await listParked(options);
    check(devices.length);
    return list(call, devices);
  }
  if (action !== 'retry') throw usage('the actions of gateway parked are list and retry');
  const retried = await retryParked(options);
  check(retried);
  return done(call, { retried }, `${plural(retried, 'device')} will be tried again now.`);
}

function list({ isJson, out }: Call, devices: readonly ParkedDeviceStatus[]): ExitCode {
  if (isJson) for (const device of devices) out.json(device);
  else if (devices.length === 0) out.line('No device is parked.');
  else out.table(devices.map(rowOf));
  return EXIT.ok;
}

const rowOf = ({ deviceId, uploads, retryAt, reasons }: ParkedDeviceStatus): string[] => [
  deviceId,
  plural(uploads, 'upload'),
  `again at ${timeText(retryAt)}`,
  reasons.join('; '),
];
