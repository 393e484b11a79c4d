import type { Call } from '../../command.js';
import { EXIT, type ExitCode } from '../../exit.js';
import { bytesOf, countOf, natsOf } from './settings.js';

export async function init(call: Call): Promise<ExitCode> {
  const { initGateway } = await import('../../../gateway.js');
  const [replicas, partitions] = [countOf(call, 'replicas'), countOf(call, 'partitions')];
  const [maxBytes, maxMessagesPerDevice] = [bytesOf(call, 'max-bytes'), countOf(call, 'max-messages')];
  await initGateway({ nats: natsOf(call), replicas, partitions, maxBytes, maxMessagesPerDevice });
  if (call.isJson) call.out.json({ initialized: true });
  else call.out.line('The streams, consumers and buckets exist. On every machine, run: nikdev-iot gateway run', 'good');
  return EXIT.ok;
}
