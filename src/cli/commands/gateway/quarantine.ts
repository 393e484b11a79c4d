import type { QuarantinedUpload } from '../../../gateway.js';
import type { Call } from '../../command.js';
import { EXIT, type ExitCode, usage } from '../../exit.js';
import { parseCount } from '../../option-values.js';
import { plural, timeText } from '../../words.js';
import { natsOf } from './settings.js';

export async function quarantine(call: Call): Promise<ExitCode> {
  const [, action = 'list', ...rest] = call.args;
  const ids = rest.length === 0 ? undefined : rest.map((id) => parseCount(id, 'the number of an entry'));
  const { listQuarantined, retryQuarantined, dropQuarantined } = await import('../../../gateway.js');
  const options = { nats: natsOf(call), ids };
  const check = (count: number): void => {
    if (count === 0 && ids !== undefined)
      throw usage('none of these entries is in quarantine', 'See: nikdev-iot gateway quarantine');
  };
  switch (action) {
    case 'list': {
      const uploads = await listQuarantined(options);
      check(uploads.length);
      return list(call, uploads);
    }
    case 'retry': {
      const retried = await retryQuarantined(options);
      check(retried);
      return done(call, { retried }, `Put back ${plural(retried, 'entry', 'entries')} into the queue.`);
    }
    case 'drop': {
      if (ids === undefined && call.options['yes'] !== true)
        throw usage('this would drop all entries in quarantine', 'Name entries, or add --yes.');
      const dropped = await dropQuarantined(options);
      check(dropped);
      return done(call, { dropped }, `Dropped ${plural(dropped, 'entry', 'entries')}.`);
    }
    default:
      throw usage('the actions of gateway quarantine are list, retry and drop');
  }
}

function list({ isJson, out }: Call, uploads: readonly QuarantinedUpload[]): ExitCode {
  if (isJson) for (const upload of uploads) out.json(upload);
  else if (uploads.length === 0) out.line('Nothing is in quarantine.');
  else out.table(uploads.map(({ id, deviceId, since, reason }) => [String(id), deviceId, timeText(since), reason]));
  return EXIT.ok;
}

/** Reports the result of an action. */
export function done({ isJson, out }: Call, result: object, text: string): ExitCode {
  if (isJson) out.json(result);
  else out.line(text);
  return EXIT.ok;
}
