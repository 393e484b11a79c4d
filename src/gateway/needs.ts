import { GatewayException } from './gateway-exception.js';
import { BUCKETS, PARKED, QUARANTINE, UPLOADS } from './names.js';
import type { Nats } from './nats.js';
import { isStreamMissing } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';

/** A stream or bucket that a gateway can't work without. */
export interface Need {
  /** `the stream NIKDEV`. */
  readonly title: string;
  /** A read that fails if it does not exist. */
  request(nats: Nats): Promise<unknown>;
}

const streamNeed = (name: string): Need => ({
  title: `the stream ${name}`,
  request: ({ jsm }) => jsm.streams.info(name),
});

/** The information about the stream of a bucket needs a right that `run` need not have. */
const bucketNeed = (name: string): Need => ({
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

/** @returns The titles of those that do not exist. One whose servers do not answer may exist. */
export async function findMissing(nats: Nats, needs: readonly Need[]): Promise<string[]> {
  const exists = await Promise.all(
    needs.map((need) =>
      need.request(nats).then(
        () => true,
        (error) => !isStreamMissing(error),
      ),
    ),
  );
  return needs.filter((_, index) => !exists[index]).map(({ title }) => title);
}

/**
 * Checks at the start of a gateway that its streams and buckets exist.
 *
 * @param signal - Ends the wait for a cluster that elects a leader.
 * @throws GatewayException naming those that do not, or if the cluster does not answer.
 */
export async function checkNeeds(nats: Nats, needs: readonly Need[], signal: AbortSignal): Promise<void> {
  const missing: string[] = [];
  for (const need of needs)
    await untilAnswered(need.title, () => need.request(nats), signal).catch((error: Error) => {
      if (!isStreamMissing(error)) throw error;
      missing.push(need.title);
    });
  if (missing.length > 0) throw new GatewayException(`missing in the cluster: ${missing.join(', ')}`, RESTORE);
}

export const RESTORE =
  'Nothing is made again automatically: restore a backup, or accept the loss and run "nikdev-iot gateway init", which makes what is missing, empty.';
