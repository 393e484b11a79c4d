import type { StoredMsg } from '@nats-io/jetstream';
import { cleanText } from '../core/model/foreign-text.js';
import { decodeId, deviceCodeOf, encodeId, QUARANTINE, UPLOADS, uploadSubjectOf } from './names.js';
import type { Nats } from './nats.js';
import { checkQueue } from './needs.js';
import type { GatewayNatsOptions } from './options.js';
import type { ClusterSettings } from './settings.js';
import { noSpaceException } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';
import { withCluster } from './with-cluster.js';
import { fieldsOf } from './worker/parked-messages.js';
import { AGAIN, QUARANTINE_HEADERS } from './worker/quarantine.js';

/** Something that upstream refuses: an entry, or a message that no gateway of the cluster wrote. */
export interface QuarantinedUpload {
  /** Its number in the quarantine. */
  readonly id: number;
  /** The Device ID. */
  readonly deviceId: string;
  /** When it was quarantined, in Unix seconds. */
  readonly since: number;
  /** The HTTP status; 0 if there was none. */
  readonly status: number;
  /** The reason of the quarantine. */
  readonly reason: string;
}

/** Selects entries in quarantine. */
export interface QuarantineOptions {
  /** How to reach the NATS cluster. Default: a server on this machine. */
  readonly nats?: GatewayNatsOptions | undefined;
  /** The numbers. Unknown ones are ignored. Default: all. */
  readonly ids?: readonly number[] | undefined;
}

/**
 * Lists the quarantine, oldest first.
 *
 * @throws GatewayException if the cluster can't be reached or has no gateway.
 * @example
 * ```ts
 * for (const { id, deviceId, reason } of await listQuarantined()) console.log(id, deviceId, reason)
 * ```
 */
export async function listQuarantined(options: QuarantineOptions = {}): Promise<QuarantinedUpload[]> {
  return withMessages(options, async (messages) => {
    const listed: QuarantinedUpload[] = [];
    for await (const message of messages) listed.push(describe(message));
    return listed;
  });
}

/**
 * Puts entries back into the queue, behind all others of their device, and out of the quarantine.
 *
 * @returns How many.
 * @throws GatewayException if the cluster can't be reached or has no gateway, or the queue is full: the rest stays in quarantine.
 * @example
 * ```ts
 * const count = await retryQuarantined({ ids: [12, 13] })
 * ```
 */
export async function retryQuarantined(options: QuarantineOptions = {}): Promise<number> {
  return withMessages(options, async (messages, nats, { partitions }) => {
    await checkQueue(nats);
    let count = 0;
    for await (const message of messages) {
      await untilAnswered(`the stream ${UPLOADS}`, () => requeue(nats, message, partitions)).catch((error: unknown) => {
        throw noSpaceException(
          error,
          (reason) => `entry ${message.seq} stays in quarantine, as ${reason}; put back before it: ${count}`,
        );
      });
      await remove(nats, message);
      count += 1;
    }
    return count;
  });
}

/**
 * Deletes entries that are in quarantine. They are lost.
 *
 * @returns How many.
 * @throws GatewayException if the cluster can't be reached or has no gateway.
 * @example
 * ```ts
 * const count = await dropQuarantined({ ids: [12, 13] })
 * ```
 */
export async function dropQuarantined(options: QuarantineOptions = {}): Promise<number> {
  return withMessages(options, async (messages, nats) => {
    let count = 0;
    for await (const message of messages) {
      await remove(nats, message);
      count += 1;
    }
    return count;
  });
}

const withMessages = <Result>(
  { nats: given, ids }: QuarantineOptions,
  use: (messages: AsyncIterable<StoredMsg>, nats: Nats, settings: ClusterSettings) => Promise<Result>,
): Promise<Result> =>
  withCluster(given, (nats, settings) =>
    use(ids === undefined ? allMessages(nats) : messagesWith(nats, ids), nats, settings),
  );

/** The messages at the time of the call; entries that are quarantined again meanwhile are skipped. */
async function* allMessages({ jsm }: Nats): AsyncGenerator<StoredMsg> {
  const { last_seq: last } = (await ofQuarantine(() => jsm.streams.info(QUARANTINE))).state;
  for (let from = 1; from <= last; ) {
    const query = { next_by_subj: 'quarantine.*', seq: from };
    const message = await ofQuarantine(() => jsm.streams.getMessage(QUARANTINE, query));
    if (message === null || message.seq > last) return;
    yield message;
    from = message.seq + 1;
  }
}

async function* messagesWith({ jsm }: Nats, ids: readonly number[]): AsyncGenerator<StoredMsg> {
  for (const seq of new Set(ids)) {
    const message = await ofQuarantine(() => jsm.streams.getMessage(QUARANTINE, { seq }));
    if (message !== null) yield message;
  }
}

const ofQuarantine = <Result>(request: () => Promise<Result>): Promise<Result> =>
  untilAnswered(`the stream ${QUARANTINE}`, request);

const remove = (nats: Nats, { seq }: StoredMsg): Promise<void> =>
  ofQuarantine(() => nats.deleteMessage(QUARANTINE, seq));

/** With a mark that the entries are to be sent although they count as settled. */
async function requeue(nats: Nats, message: StoredMsg, partitions: number): Promise<void> {
  const { [QUARANTINE_HEADERS.status]: _, [QUARANTINE_HEADERS.reason]: __, ...fields } = fieldsOf(message.header);
  const device = deviceOf(message);
  const headers = { ...fields, [AGAIN]: '1', 'Nats-Msg-Id': `again/${message.seq}/${message.timestamp}` };
  const subject = uploadSubjectOf(device, partitions);
  await nats.publish(UPLOADS, { subject, headers, body: message.data });
}

const deviceOf = ({ subject }: StoredMsg): string => {
  const code = deviceCodeOf(subject);
  return decodeId(code) ?? encodeId(code);
};

const describe = (message: StoredMsg): QuarantinedUpload => ({
  id: message.seq,
  deviceId: cleanText(deviceOf(message)),
  since: Math.floor(message.time.getTime() / 1000),
  status: Number(message.header.get(QUARANTINE_HEADERS.status)) || 0,
  reason: cleanText(message.header.get(QUARANTINE_HEADERS.reason)),
});
