import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { UPLOADS } from '../../src/gateway/names.js';
import { Fleet } from '../support/gateway/fleet.js';
import { answer, deviceId, startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

const DEVICES = 6;

describeOnNats('a gateway in trouble', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  let fleet: Fleet;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  beforeEach(async () => {
    world = await WorkerWorld.open(cluster);
    await world.shortenAckWait(2000);
    fleet = new Fleet(world, DEVICES);
    await world.start();
    fleet.start();
    await fleet.untilPosted(100);
  });
  afterEach(async () => {
    await world.clear();
    await world.close();
  });
  afterAll(() => cluster?.close());

  /** Everything acknowledged is stored, once and in order, and nothing is left. */
  async function expectNoLoss(): Promise<void> {
    await fleet.stop();
    await fleet.check();
    await world.untilForwarded(30_000);
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 0 });
  }

  test('reports a deleted stream, and does not make it again', async () => {
    await fleet.stop();
    await fleet.check();
    await world.nats.jsm.streams.delete(UPLOADS);
    await world.until(() => world.eventsOf('alarm').some(({ alarm }) => alarm === 'stream-missing'));
    await expect(world.publish({ device: 0, values: [1] })).rejects.toThrow();
    await expect(world.nats.jsm.streams.info(UPLOADS)).rejects.toThrow('stream not found');
  });

  test('stores each entry once with two workers, of which one ends', async () => {
    const [first] = world.workers;
    await world.start();
    await fleet.untilPosted(200);
    await first?.close();
    await fleet.untilPosted(200);
    await expectNoLoss();
    expect(fleet.sentAgain).toBe(0);
  });

  test('holds everything while upstream is away, and parks at most a few devices', async () => {
    world.upstream.outage = answer(503);
    await fleet.untilPosted(200);
    await world.until(() => world.eventsOf('upstream-away').length > 3);
    world.upstream.outage = undefined;
    await fleet.stop();
    await fleet.check();
    await world.until(async () => (await world.depths()).parked === 0, 30_000);
    expect(new Set(world.eventsOf('parked').map(({ device }) => device)).size).toBeLessThanOrEqual(3);
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 0 });
  });

  test('forwards the others while one device is refused, one fails and one has a bad reading', async () => {
    world.upstream.faults.set(deviceId(0), answer(401));
    world.upstream.faults.set(deviceId(1), answer(500));
    world.upstream.faults.set(deviceId(2), (request) =>
      /"a":(?:31|32|33|34|35)}/.test(request.body) ? answer(400)(request) : undefined,
    );
    await fleet.untilPosted(600);
    await fleet.stop();
    for (const device of [3, 4, 5])
      await world.until(() => world.upstream.values(device).length === fleet.acknowledged.get(device)?.length);
    expect(world.eventsOf('upstream-away')).toEqual([]);
    world.upstream.faults.delete(deviceId(0));
    world.upstream.faults.delete(deviceId(1));
    await world.untilForwarded();
    for (const device of [3, 4, 5]) expect(world.upstream.values(device)).toEqual(fleet.acknowledged.get(device));
  });
});
