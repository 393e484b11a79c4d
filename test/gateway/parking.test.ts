import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeWakeUp } from '../../src/gateway/message.js';
import { BUCKETS, PARKED, parkedSubject, partitionOf, QUARANTINE } from '../../src/gateway/names.js';
import { ParkedDevices } from '../../src/gateway/worker/parked-devices.js';
import { RETRY_NOW } from '../../src/gateway/worker/partition.js';
import { listParked } from '../../src/gateway.js';
import { SystemClock } from '../../src/platform/system-clock.js';
import {
  answer,
  type DeviceFault,
  deviceId,
  keyOf,
  startCluster,
  WorkerWorld,
} from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

const HOUR = 3_600_000;
/** The header of an upload. */
const UPLOAD = 'Nikdev-Upload';

/** A wall clock that a test moves forward. */
class MovableClock extends SystemClock {
  #ahead = 0;
  #worked = 0;

  override now(): number {
    return super.now() + this.#ahead;
  }

  override monotonic(): number {
    return super.monotonic() + this.#worked;
  }

  /** Time that a worker spends on something. */
  work(milliseconds: number): void {
    this.#worked += milliseconds;
  }

  move(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}

const refuseText =
  (text: string, status = 400): DeviceFault =>
  (request) =>
    request.body.includes(text) ? answer(status)(request) : undefined;

describeOnNats('a parked device', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  let clock: MovableClock;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  beforeEach(async () => {
    clock = new MovableClock();
    world = await WorkerWorld.open(cluster);
    await world.start(clock);
    await store(9, 1);
  });
  afterEach(async () => {
    await world.clear();
    await world.close();
  });
  afterAll(() => cluster?.close());

  /** Publishes an upload, and waits until it left the queue. */
  async function store(device: number, ...values: (number | string)[]): Promise<void> {
    await world.publish({ device: device % 8, values });
    await world.untilForwarded();
  }

  async function retryNow(device: number): Promise<void> {
    const { headers, body } = encodeWakeUp();
    await world.nats.js.publish(world.subjectOf(device), body, {
      headers: world.nats.headers({ ...headers, [RETRY_NOW]: '1' }),
    });
    await world.untilForwarded();
  }

  const parkedRecord = async (device: number) =>
    (await new ParkedDevices(await world.nats.kv(BUCKETS.devices)).get(deviceId(device)))?.parked;

  test('with refused credentials is tried again after 15 to 60 minutes', async () => {
    world.upstream.faults.set(deviceId(0), answer(401));
    await store(0, 1);
    const { retryAt = 0, blocks = {} } = (await parkedRecord(0)) ?? {};
    expect(retryAt - clock.now()).toBeGreaterThan(HOUR / 4 - 10_000);
    expect(retryAt - clock.now()).toBeLessThanOrEqual(HOUR);
    expect(blocks).toMatchObject({ [world.hashOf(0)]: { reason: 'unauthorized', status: 401, isVerified: true } });
    expect(world.keys.refused).toEqual([world.hashOf(0)]);
  });

  test('goes on at once, in its order, with another key that upstream accepts', async () => {
    const former = keyOf(0);
    world.upstream.faults.set(deviceId(0), (request) => (request.apiKey === former ? answer(401)(request) : undefined));
    await store(0, 1, 2);
    await store(0, 3);
    expect((await world.depths()).parked).toBe(2);
    await world.publish({ device: 0, values: [4], generation: 1 });
    await world.until(() => world.eventsOf('unparked').length === 1);
    expect(world.upstream.values(0)).toEqual([1, 2, 3, 4]);
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
  });

  test('G1 messages of a key that upstream never accepted go with no other key, and hold up no other', async () => {
    const forged = keyOf(0, 2);
    world.upstream.faults.set(deviceId(0), (request) => (request.apiKey === forged ? answer(401)(request) : undefined));
    const forgery = { device: 0, values: ['forged'], entryIds: 'evil/1', generation: 2, isVerified: false };
    await world.publish(forgery);
    await world.untilForwarded();
    expect((await world.depths()).parked).toBe(1);
    await store(0, 1);
    expect(world.upstream.values(0)).toEqual([1]);
    await retryNow(0);
    expect((await world.depths()).parked).toBe(1);
    const withForgery = world.upstream.requests.filter(({ body }) => body.includes('forged'));
    expect(withForgery).toHaveLength(2);
    for (const { apiKey } of withForgery) expect(apiKey).toBe(forged);
  });

  test('whose single message is bad goes on when its next message proves that', async () => {
    world.upstream.faults.set(deviceId(0), refuseText('bad'));
    await world.publish({ device: 0, values: ['bad'], entryIds: 'w/1' });
    await world.untilForwarded();
    expect(await world.depths()).toMatchObject({ parked: 1, quarantined: 0 });
    for (const sequence of [2, 3, 4]) await world.publish({ device: 0, values: [sequence] });
    await world.until(() => world.upstream.values(0).length === 3);
    expect(world.upstream.values(0)).toEqual([2, 3, 4]);
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 1 });
  });

  test('whose message fails ten times over an hour while others pass loses it to the quarantine, with its reason', async () => {
    world.upstream.faults.set(deviceId(0), refuseText('stuck', 500));
    await world.publish({ device: 0, values: ['stuck'], entryIds: 'w/1' });
    await world.untilForwarded();
    for (let failure = 1; failure < 10; failure++) {
      clock.move(HOUR / 9 + 1000);
      await retryNow(0);
      expect((await world.depths()).quarantined).toBe(failure === 9 ? 1 : 0);
    }
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 1 });
    const kept = await world.nats.jsm.streams.getMessage(QUARANTINE, { seq: 1 });
    expect(kept?.string()).toContain('stuck');
    expect(kept?.header.get('Nikdev-Status')).toBe('500');
    expect(kept?.header.get('Nikdev-Reason')).toBe('Bad luck: the server answered 500: planted.');
    await store(0, 2);
    expect(world.upstream.values(0)).toEqual([2]);
  });

  test('with a message of an unknown version leaves it, reports it, and keeps later messages behind it', async () => {
    const { headers, body } = world.encode({ device: 0, values: [1] });
    await world.nats.js.publish(world.subjectOf(0), body, {
      headers: world.nats.headers({ ...headers, [UPLOAD]: '2 other' }),
    });
    await store(0, 2);
    for (const device of [1, 2, 3]) await store(device, 1);
    expect(await world.depths()).toEqual({ queued: 0, parked: 2, quarantined: 0 });
    expect(world.upstream.values(0)).toEqual([]);
    expect(world.eventsOf('alarm')).toMatchObject([{ alarm: 'unknown-format' }]);
    await retryNow(0);
    expect((await world.depths()).parked).toBe(2);
    const kept = await world.nats.jsm.streams.getMessage(PARKED, { seq: 1 });
    expect(kept?.data).toEqual(new Uint8Array(body));
    expect(kept?.header.get(UPLOAD)).toBe('2 other');
  });

  test('whose key is unknown waits with an alarm, and holds up no other', async () => {
    world.keys.forget(world.hashOf(0));
    await store(0, 1);
    await store(1, 1);
    expect((await parkedRecord(0))?.blocks).toMatchObject({ [world.hashOf(0)]: { reason: 'no-key' } });
    expect(world.upstream.values(1)).toContain(1);
  });

  test('G3 a forged message is kept in quarantine, with an alarm', async () => {
    const { headers, body } = world.encode({ device: 0, values: [1] });
    await world.nats.js.publish(world.subjectOf(0), body, {
      headers: world.nats.headers({ ...headers, [UPLOAD]: `${headers[UPLOAD]}x` }),
    });
    await store(0, 2);
    expect(world.upstream.values(0)).toEqual([2]);
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 1 });
    expect(world.eventsOf('alarm')).toMatchObject([{ alarm: 'forged-message' }]);
    expect(world.eventsOf('quarantined')).toMatchObject([{ device: deviceId(0), entries: 1 }]);
  });

  test('G3 a forged message among the parked ones is kept in quarantine, with the same reports', async () => {
    world.upstream.faults.set(deviceId(0), answer(401));
    await store(0, 1);
    await world.nats.js.publish(parkedSubject(deviceId(0)), 'forged');
    world.upstream.faults.clear();
    await retryNow(0);
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 1 });
    expect(world.eventsOf('alarm')).toMatchObject([{ alarm: 'forged-message' }]);
    expect(world.eventsOf('quarantined')).toMatchObject([{ device: deviceId(0), entries: 1 }]);
    expect(world.upstream.values(0)).toEqual([1]);
  });

  test('is drained for 10 s at most: then the next device of its partition has its turn, and the drain goes on', async () => {
    const partition = (number: number): number => partitionOf(deviceId(number), world.partitions);
    const neighbour = [1, 2, 3, 4, 5, 6, 7].find((number) => partition(number) === partition(0)) ?? -1;
    world.upstream.faults.set(deviceId(0), answer(401));
    for (let value = 1; value <= 40; value += 1) await world.publish({ device: 0, values: [value] });
    await world.untilForwarded();
    let isFirst = true;
    world.upstream.faults.set(deviceId(0), async () => {
      if (!isFirst) return undefined;
      isFirst = false;
      // Within the drain, so that it is queued before the wake-up with which the drain goes on.
      await world.publish({ device: neighbour, values: [1] });
      clock.work(10_001);
      return undefined;
    });
    let drainedBefore: unknown[] = [];
    world.upstream.onStored = (device) => {
      if (device === deviceId(neighbour)) drainedBefore = world.upstream.values(0);
    };
    await retryNow(0);
    const all = Array.from({ length: 40 }, (_, index) => index + 1);
    await world.until(() => world.upstream.values(0).length === all.length);
    expect(world.upstream.values(0)).toEqual(all);
    expect(drainedBefore).toEqual(all.slice(0, 32));
  });

  test('is not drained before its time by a wake-up that comes late', async () => {
    world.upstream.faults.set(deviceId(0), answer(401));
    await store(0, 1);
    world.upstream.faults.clear();
    const { headers, body } = encodeWakeUp();
    await world.nats.js.publish(world.subjectOf(0), body, { headers: world.nats.headers(headers) });
    await world.untilForwarded();
    expect(world.upstream.values(0)).toEqual([]);
    await retryNow(0);
    expect(world.upstream.values(0)).toEqual([1]);
  });

  const block = { message: 'x', reason: 'rejected', status: 0, isVerified: true, head: 0 };
  const complete = { ...block, attempts: 1, failures: 0, firstFailedAt: 0 };
  const record = { version: 1, since: 1, retryAt: 1 };

  test.each<[string, unknown]>([
    ['without blocks', { ...record, blocks: null }],
    ['with a block that is none', { ...record, blocks: { x: null } }],
    ['with a list of blocks', { ...record, blocks: [null] }],
    ['with a message that is no text', { ...record, blocks: { x: { ...complete, message: 5 } } }],
    ['with half a block', { ...record, blocks: { x: block } }],
    ['without a time of the retry', { version: 1, since: 1, blocks: {} }],
    ['with a time of the retry that never comes', { ...record, retryAt: 1e300, blocks: { x: complete } }],
    ['of another version', { ...record, version: 2, blocks: {} }],
    ['that is no JSON', '{'],
  ])('with a damaged record %s is tried again at once, in its order, and holds up no other', async (_damage, value) => {
    world.upstream.faults.set(deviceId(0), answer(401));
    await store(0, 1);
    world.upstream.faults.clear();
    const bucket = await world.nats.kv(BUCKETS.devices);
    await bucket.put(deviceId(0), typeof value === 'string' ? value : JSON.stringify(value));
    expect(await listParked({ nats: { servers: cluster.servers } })).toMatchObject([
      { deviceId: deviceId(0), uploads: 1 },
    ]);
    for (const value of [2, 3]) await world.publish({ device: 0, values: [value] });
    for (let device = 1; device < 8; device++) await world.publish({ device, values: [1] });
    await world.until(() => world.upstream.values(0).length === 3, 30_000);
    expect(world.upstream.values(0)).toEqual([1, 2, 3]);
    for (let device = 1; device < 8; device++) await world.until(() => world.upstream.values(device).includes(1));
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
    expect(await parkedRecord(0)).toBeUndefined();
  });

  test('with a damaged record is an alarm', async () => {
    await (await world.nats.kv(BUCKETS.devices)).put(deviceId(0), '{}');
    await retryNow(0);
    expect(world.eventsOf('alarm')).toMatchObject([
      { alarm: 'forged-message', message: expect.stringContaining(deviceId(0)) },
    ]);
    expect(await parkedRecord(0)).toBeUndefined();
  });
});
