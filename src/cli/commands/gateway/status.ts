import type { GatewayStatus, StreamStatus } from '../../../gateway.js';
import type { Call } from '../../command.js';
import { EXIT, type ExitCode } from '../../exit.js';
import { plural } from '../../words.js';
import { natsOf } from './settings.js';

export async function status(call: Call): Promise<ExitCode> {
  const { gatewayStatus } = await import('../../../gateway.js');
  const found = await gatewayStatus({ nats: natsOf(call) });
  const { out } = call;
  if (call.isJson) {
    out.json(found);
    return codeOf(found);
  }
  const { streams, waiting, partitions, missing, strays } = found;
  out.table([['stream', 'messages', 'devices', 'full', 'leader', 'replicas'], ...streams.map(rowOf)], (row) =>
    row === 0 ? 'strong' : isComplete(streams[row - 1]) ? undefined : 'bad',
  );
  const oldest = Math.max(0, ...waiting.map(({ oldestSeconds }) => oldestSeconds));
  out.line(
    `${waiting.length} of ${plural(partitions, 'partition')} have messages, the oldest for ${Math.round(oldest)} s`,
  );
  if (strays > 0)
    out.line(`${plural(strays, 'message')} in no partition, which nothing takes: no gateway wrote them`, 'bad');
  if (missing.length > 0) out.line(`missing: ${missing.join(', ')}. ${RESTORE}`, 'bad');
  return codeOf(found);
}

const codeOf = ({ missing }: GatewayStatus): ExitCode => (missing.length === 0 ? EXIT.ok : EXIT.refused);

const RESTORE = 'Restore a backup, or accept the loss and run: nikdev-iot gateway init';

const rowOf = (stream: StreamStatus): string[] => [
  stream.name,
  String(stream.messages),
  String(stream.devices),
  `${Math.round((100 * stream.bytes) / stream.maxBytes)} %`,
  stream.leader ?? 'none',
  `${stream.currentReplicas} of ${stream.replicas}`,
];

const isComplete = (stream: StreamStatus | undefined): boolean =>
  stream?.leader !== undefined && stream.currentReplicas === stream.replicas;
