import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BUCKETS } from '../../src/gateway/names.js';
import { ParkedDevices } from '../../src/gateway/worker/parked-devices.js';
import { answer, deviceId, startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

/** The default of nats-server, headers included. */
const MAX_MESSAGE = 1_048_576;
const HEADERS = 200;

describeOnNats('a worker', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  beforeEach(async () => {
    world = await WorkerWorld.open(cluster, { partitions: 1, devices: 2 });
  });
  afterEach(async () => {
    await world.clear();
    await world.close();
  });
  afterAll(() => cluster?.close());

  test.each([
    ['the body', {}, MAX_MESSAGE - HEADERS],
    ['a header', { 'Nikdev-Other': 'x'.repeat(60_000), 'Nikdev-Upload': '1 x y' }, 10],
    ['the body, of an unknown version,', { 'Nikdev-Upload': '2' }, MAX_MESSAGE - HEADERS],
    ['the body of a wake-up', { 'Nikdev-Retry': '1' }, 1],
  ])('G3 quarantines a forged message that has too much in %s, and goes on', async (_part, fields, length) => {
    await world.nats.js.publish(world.subjectOf(0), new Uint8Array(length), { headers: world.nats.headers(fields) });
    await world.publish({ device: 0, values: [1] });
    await world.start();
    await world.untilForwarded();
    expect(world.upstream.values(0)).toEqual([1]);
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 1 });
    expect(world.eventsOf('alarm')).toMatchObject([{ alarm: 'forged-message' }]);
  });

  test.each([true, false])(
    'G1 parks messages of 32 keys that upstream never accepted, and quarantines those of further ones; behind a verified key: %s',
    async (isBehind) => {
      world.upstream.faults.set(deviceId(0), answer(401));
      await world.publish({ device: 1, values: [1] });
      if (isBehind) await world.publish({ device: 0, values: [1] });
      for (let generation = 1; generation <= 40; generation++)
        await world.publish({ device: 0, values: [generation], generation, isVerified: false, entryIds: null });
      await world.publish({ device: 1, values: [2] });
      await world.start();
      await world.untilForwarded();
      expect(world.upstream.values(1)).toEqual([1, 2]);
      // A wake-up of the parked device may be in the queue at any moment.
      await world.untilDepths({ queued: 0, parked: 32 + Number(isBehind), quarantined: 8 });
      const record = await new ParkedDevices(await world.nats.kv(BUCKETS.devices)).get(deviceId(0));
      expect(Object.keys(record?.parked.blocks ?? {})).toHaveLength(32 + Number(isBehind));
      expect(world.eventsOf('quarantined')).toHaveLength(8);
    },
  );
});
