import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionOf } from '../../src/gateway/names.js';
import { answer, deviceId, startCluster, type UpstreamRequest, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

const DEVICES = 1000;
const PARTITIONS = 16;
const ROUNDS = 3;
const [REFUSED, FAILING, STUCK, SLOW] = [0, 1, 2, 3];
const TROUBLED = [REFUSED, FAILING, STUCK, SLOW].map(deviceId);
const PARKED = [REFUSED, FAILING, STUCK];
/** One attempt takes at most so long. */
const MAX_ATTEMPT_MS = 25_000;

interface Attempt {
  readonly device: string;
  readonly from: number;
  /** When the partition went on with another device. */
  readonly until: number;
}

/** The attempts of a partition, which sends for one device at a time: requests of one device in a row are one. */
function attemptsOf(requests: readonly UpstreamRequest[]): Attempt[] {
  const firsts = requests.filter(({ device }, index) => requests[index - 1]?.device !== device);
  return firsts.map(({ device, at }, index) => ({ device, from: at, until: firsts[index + 1]?.at ?? Date.now() }));
}

const inPartition = (partition: number) => (request: { readonly device: string }) =>
  partitionOf(request.device, PARTITIONS) === partition;

describeOnNats('1,000 devices behind a gateway', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  beforeAll(async () => {
    cluster = await startCluster(1);
    world = await WorkerWorld.open(cluster, { partitions: PARTITIONS, devices: DEVICES });
  });
  afterAll(async () => {
    await world?.close();
    await cluster?.close();
  });

  /** @returns When the upload of each device was published. */
  async function publishAll(value: number): Promise<ReadonlyMap<string, number>> {
    const published = new Map<string, number>();
    const publish = async (device: number): Promise<void> => {
      await world.publish({ device, values: [value] });
      published.set(deviceId(device), Date.now());
    };
    await Promise.all(Array.from({ length: DEVICES }, (_, device) => publish(device)));
    return published;
  }

  const requestsOf = (number: number): number =>
    world.upstream.requests.filter(({ device }) => device === deviceId(number)).length;

  /** Each device waits for one attempt of a troubled device at most, from the publication of its upload to its delivery. */
  function expectNoDelay(requests: readonly UpstreamRequest[], published: ReadonlyMap<string, number>): void {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const attempts = attemptsOf(requests.filter(inPartition(partition)));
      for (const { from, until } of attempts) expect(until - from).toBeLessThan(MAX_ATTEMPT_MS);
      const troubled = attempts.filter(({ device }) => TROUBLED.includes(device));
      for (const { device, from } of attempts.filter((attempt) => !troubled.includes(attempt)))
        for (const other of TROUBLED) {
          const since = published.get(device) ?? 0;
          const before = troubled.filter((it) => it.device === other && it.until > since && it.from < from);
          expect(before.length, `attempts of ${other} before ${device}`).toBeLessThanOrEqual(1);
        }
    }
  }

  test('one that is refused, one that fails, one that is stuck and one that is slow delay no other by more than one attempt', {
    timeout: 420_000,
  }, async () => {
    await world.start();
    await publishAll(1);
    await world.untilForwarded();
    const { faults, requests } = world.upstream;
    faults.set(deviceId(REFUSED), answer(401));
    faults.set(deviceId(FAILING), answer(500));
    faults.set(deviceId(STUCK), () => new Promise(() => {}));
    faults.set(deviceId(SLOW), () => delay(1000).then(() => undefined));
    const before = requestsOf(REFUSED);
    for (let round = 2; round < 2 + ROUNDS; round++) {
      const seen = requests.length;
      const published = await publishAll(round);
      await world.untilForwarded();
      expectNoDelay(requests.slice(seen), published);
      expect(world.eventsOf('parked')).toHaveLength(PARKED.length);
    }
    // One attempt for all rounds: the upload, and the upload without entries that confirms the answer.
    expect(requestsOf(REFUSED) - before).toBe(2);
    const rounds = Array.from({ length: 1 + ROUNDS }, (_, index) => index + 1);
    for (let device = SLOW; device < DEVICES; device++) expect(world.upstream.values(device)).toEqual(rounds);
    for (const device of PARKED) expect(world.upstream.values(device)).toEqual([1]);
    expect(world.eventsOf('upstream-away')).toEqual([]);
    expect((await world.depths()).parked).toBe(PARKED.length * ROUNDS);
    faults.clear();
    // The delay of their next retry may have grown to two minutes.
    await world.until(async () => (await world.depths()).parked <= ROUNDS, 150_000);
    for (const device of [FAILING, STUCK]) expect(world.upstream.values(device)).toEqual(rounds);
  });
});
