import { GatewayException } from './gateway-exception.js';
import { BUCKETS, PARKED, QUARANTINE, UPLOADS } from './names.js';
import type { Nats } from './nats.js';
import { isStreamMissing, RESTORE } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';

/** A stream or bucket that a gateway can't work without. */
export interface Need {
  readonly name: string;
  /** `the stream NIKDEV`. */
  readonly title: string;
  /** A read that fails if it does not exist. */
  readonly request: (nats: Nats) => Promise<unknown>;
}

const streamNeed = (name: string): Need => ({
  name,
  title: `the stream ${name}`,
  request: ({ jsm }) => jsm.streams.info(name),
});

/** The information about the stream of a bucket needs a right that `run` need not have. */
const bucketNeed = (name: string): Need => ({
  name,
  title: `the bucket ${name}`,
  request: async (nats) => (await nats.kv(name)).get('probe'),
});

const FRONT: readonly Need[] = [streamNeed(UPLOADS), bucketNeed(BUCKETS.keys), bucketNeed(BUCKETS.config)];
const WORKER: readonly Need[] = [
  streamNeed(PARKED),
  streamNeed(QUARANTINE),
  bucketNeed(BUCKETS.marks),
  bucketNeed(BUCKETS.devices),
];

export const needsOf = (hasWorker: boolean): readonly Need[] => (hasWorker ? [...FRONT, ...WORKER] : FRONT);

/** @returns Those that do not exist. One whose servers do not answer may exist. */
export async function findMissing(nats: Nats, needs: readonly Need[]): Promise<Need[]> {
  const exists = await Promise.all(
    needs.map((need) =>
      need.request(nats).then(
        () => true,
        (error) => !isStreamMissing(error),
      ),
    ),
  );
  return needs.filter((_, index) => !exists[index]);
}

/**
 * Checks at the start of a gateway that its streams and buckets exist.
 *
 * @param signal - Ends the wait for a cluster that elects a leader.
 * @throws GatewayException naming those that do not, or if the cluster does not answer.
 */
export async function checkNeeds(nats: Nats, needs: readonly Need[], signal: AbortSignal): Promise<void> {
  const missing: string[] = [];
  for (const { title, request } of needs) {
    const read = () =>
      request(nats).catch((error: unknown) => {
        if (!isStreamMissing(error)) throw error;
        missing.push(title);
      });
    await untilAnswered(title, read, signal);
  }
  if (missing.length > 0) throw new GatewayException(`missing in the cluster: ${missing.join(', ')}`, RESTORE);
}

/** Without its stream, a publication fails as if no server answered. @throws GatewayException if the queue does not exist. */
export async function checkQueue({ jsm }: Nats): Promise<void> {
  await untilAnswered(`the stream ${UPLOADS}`, () => jsm.streams.info(UPLOADS));
}
