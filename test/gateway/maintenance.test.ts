import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BUCKETS, PARKED, QUARANTINE, UPLOADS } from '../../src/gateway/names.js';
import {
  dropQuarantined,
  gatewayStatus,
  listParked,
  listQuarantined,
  retryParked,
  retryQuarantined,
} from '../../src/gateway.js';
import { answer, deviceId, startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

describeOnNats('the operator of a gateway', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  beforeEach(async () => {
    world = await WorkerWorld.open(cluster);
    await world.start();
    await world.publish({ device: 1, values: [1] });
    await world.untilForwarded();
  });
  afterEach(async () => {
    await world.clear();
    await world.close();
  });
  afterAll(() => cluster?.close());

  const nats = () => ({ servers: cluster.servers });

  async function quarantineTwo(): Promise<void> {
    world.upstream.outage = (request) => (/"bad\d"/.test(request.body) ? answer(400)(request) : undefined);
    await world.publish({ device: 0, values: ['a', 'bad1', 'b', 'bad2'], entryIds: 'w/1-4' });
    await world.untilForwarded();
  }

  test('lists refused entries with their device and reason, and puts them back into the queue once they are accepted', async () => {
    await quarantineTwo();
    const listed = await listQuarantined({ nats: nats() });
    expect(listed).toMatchObject([
      { id: 1, deviceId: deviceId(0), status: 400, reason: 'Bad request: planted' },
      { id: 2, deviceId: deviceId(0) },
    ]);
    world.upstream.outage = undefined;
    expect(await retryQuarantined({ nats: nats(), ids: [2, 99] })).toBe(1);
    await world.untilForwarded();
    expect(world.upstream.values(0)).toEqual(['a', 'b', 'bad2']);
    expect(await listQuarantined({ nats: nats() })).toMatchObject([{ id: 1 }]);
  });

  test('drops refused entries', async () => {
    await quarantineTwo();
    expect(await dropQuarantined({ nats: nats(), ids: [1] })).toBe(1);
    expect(await dropQuarantined({ nats: nats() })).toBe(1);
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 0 });
  });

  test('an entry that is put back and refused again returns into the quarantine', async () => {
    await quarantineTwo();
    await world.publish({ device: 0, values: ['c'], entryIds: 'w/5' });
    expect(await retryQuarantined({ nats: nats(), ids: [1] })).toBe(1);
    await world.publish({ device: 0, values: ['d'], entryIds: 'w/6' });
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 2 });
    expect(world.upstream.values(0)).toEqual(['a', 'b', 'c', 'd']);
    expect(await listQuarantined({ nats: nats() })).toHaveLength(2);
  });

  test('an entry that the full queue of its device does not take stays in quarantine, and is named', async () => {
    await quarantineTwo();
    await Promise.all(Array.from(world.workers, (worker) => worker.close()));
    await world.nats.jsm.streams.update(UPLOADS, { max_msgs_per_subject: 1 });
    const retried = retryQuarantined({ nats: nats() });
    await expect(retried).rejects.toMatchObject({
      name: 'GatewayException',
      message: 'entry 2 stays in quarantine, as the device has too much in the queue; put back before it: 1',
      isTemporary: true,
    });
    expect(await world.depths()).toEqual({ queued: 1, parked: 0, quarantined: 1 });
  });

  test('a missing stream is named at once, and the status shows the others', async () => {
    await quarantineTwo();
    await Promise.all(Array.from(world.workers, (worker) => worker.close()));
    const isMissing = (title: string) => ({ name: 'GatewayException', message: `${title} is missing` });
    await world.nats.jsm.streams.delete(UPLOADS);
    await expect(retryQuarantined({ nats: nats() })).rejects.toMatchObject(isMissing('the stream NIKDEV'));
    await expect(retryParked({ nats: nats() })).rejects.toMatchObject(isMissing('the stream NIKDEV'));
    expect(await listQuarantined({ nats: nats() })).toHaveLength(2);
    await world.nats.jsm.streams.delete(QUARANTINE);
    await expect(listQuarantined({ nats: nats() })).rejects.toMatchObject(isMissing('the stream NIKDEV_QUARANTINE'));
    await world.nats.jsm.streams.delete(`KV_${BUCKETS.devices}`);
    await expect(listParked({ nats: nats() })).rejects.toMatchObject(isMissing('the bucket NIKDEV_DEVICES'));
    expect(await gatewayStatus({ nats: nats() })).toMatchObject({
      streams: [{ name: PARKED }],
      missing: ['NIKDEV', 'NIKDEV_QUARANTINE', 'NIKDEV_DEVICES'],
      waiting: [],
    });
  });

  test('a message can be deleted again, as a request without an answer may have deleted it, but not without a stream', async () => {
    await quarantineTwo();
    for (let attempt = 0; attempt < 2; attempt++) await world.nats.deleteMessage(QUARANTINE, 1);
    expect((await world.depths()).quarantined).toBe(1);
    await expect(world.nats.deleteMessage('OTHER', 1)).rejects.toThrow('stream not found');
  });

  test('lists parked devices with the reason, and has them tried again', async () => {
    world.upstream.faults.set(deviceId(0), answer(401));
    for (const value of [1, 2]) await world.publish({ device: 0, values: [value] });
    await world.untilForwarded();
    const [listed] = await listParked({ nats: nats() });
    expect(listed).toMatchObject({ deviceId: deviceId(0), uploads: 2, reasons: ['Bad request: planted'] });
    expect(listed?.retryAt).toBeGreaterThan(Date.now() / 1000 + 800);
    expect(await listParked({ nats: nats(), deviceIds: [deviceId(3)] })).toEqual([]);
    world.upstream.faults.clear();
    expect(await retryParked({ nats: nats() })).toBe(1);
    await world.until(() => world.upstream.values(0).length === 2);
    await world.until(async () => (await listParked({ nats: nats() })).length === 0);
  });

  test('a parked device whose wake-up the full queue does not take stays parked, and is named', async () => {
    world.upstream.faults.set(deviceId(0), answer(401));
    await world.publish({ device: 0, values: [1] });
    await world.untilForwarded();
    await Promise.all(Array.from(world.workers, (worker) => worker.close()));
    await world.nats.jsm.streams.update(UPLOADS, { max_msgs_per_subject: 1 });
    await world.publish({ device: 0, values: [2] });
    await expect(retryParked({ nats: nats() })).rejects.toMatchObject({
      name: 'GatewayException',
      message: `device ${deviceId(0)} stays parked, as the device has too much in the queue; woken before it: 0`,
      isTemporary: true,
    });
  });
});
