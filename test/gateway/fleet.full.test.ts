import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer, deviceId, startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

const DEVICES = 1000;
const PARTITIONS = 16;
const ROUNDS = 3;
const [REFUSED, FAILING, STUCK] = [0, 1, 2];

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

  async function publishAll(value: number): Promise<void> {
    await Promise.all(Array.from({ length: DEVICES }, (_, device) => world.publish({ device, values: [value] })));
  }

  const requestsOf = (number: number): number =>
    world.upstream.requests.filter(({ device }) => device === deviceId(number)).length;

  test('one that is refused, one that fails and one that is stuck delay no other by more than one attempt', {
    timeout: 300_000,
  }, async () => {
    await world.start();
    await publishAll(1);
    await world.untilForwarded();
    world.upstream.faults.set(deviceId(REFUSED), answer(401));
    world.upstream.faults.set(deviceId(FAILING), answer(500));
    world.upstream.faults.set(deviceId(STUCK), () => new Promise(() => {}));
    const before = requestsOf(REFUSED);
    for (let round = 2; round < 2 + ROUNDS; round++) {
      await publishAll(round);
      await world.untilForwarded();
      expect(world.eventsOf('parked')).toHaveLength(3);
    }
    // One attempt for all rounds: the upload, and the upload without entries that confirms the answer.
    expect(requestsOf(REFUSED) - before).toBe(2);
    const rounds = Array.from({ length: 1 + ROUNDS }, (_, index) => index + 1);
    for (let device = 3; device < DEVICES; device++) expect(world.upstream.values(device)).toEqual(rounds);
    for (const device of [REFUSED, FAILING, STUCK]) expect(world.upstream.values(device)).toEqual([1]);
    expect(world.eventsOf('upstream-away')).toEqual([]);
    expect((await world.depths()).parked).toBe(3 * ROUNDS);
    world.upstream.faults.clear();
    await world.until(async () => (await world.depths()).parked <= ROUNDS);
    for (const device of [FAILING, STUCK]) expect(world.upstream.values(device)).toEqual(rounds);
  });
});
