import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeMessage } from '../../src/gateway/message.js';
import { BUCKETS, QUARANTINE } from '../../src/gateway/names.js';
import { entriesOf } from '../../src/gateway/worker/entries.js';
import { QuarantineStream } from '../../src/gateway/worker/quarantine.js';
import { answer, deviceId, keyOf, startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

describeOnNats('the worker of a gateway', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  beforeEach(async () => {
    world = await WorkerWorld.open(cluster);
  });
  afterEach(async () => {
    await world.clear();
    await world.close();
  });
  afterAll(() => cluster?.close());

  test('forwards the uploads of each device in their order, with the names of their entries', async () => {
    for (let sequence = 1; sequence <= 20; sequence += 2)
      for (const device of [0, 1, 2]) await world.publish({ device, values: [sequence, sequence + 1] });
    await world.start();
    await world.untilForwarded();
    for (const device of [0, 1, 2])
      expect(world.upstream.values(device)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 0 });
    expect(world.eventsOf('forwarded').reduce((sum, { entries }) => sum + entries, 0)).toBe(60);
  });

  test('converts times to its own clock by the offset of the upload', async () => {
    await world.publish({ device: 0, values: [1], clientTimestamp: 1000, timestamp: 900, offset: 1_795_000_000_999 });
    await world.start();
    await world.untilForwarded();
    expect(world.upstream.emulator.entries(deviceId(0))[0]?.timestamp).toBe(1_795_000_900);
  });

  test('sends no entry again that another message had stored', async () => {
    await world.publish({ device: 0, values: [1, 2, 3] });
    await world.publish({ device: 0, values: [2, 3, 4, 5] });
    await world.publish({ device: 1, values: [2, 3] });
    const sent: number[] = [];
    world.upstream.outage = ({ body }) => {
      for (const { values } of JSON.parse(body).entries) sent.push(values[0].a);
      return undefined;
    };
    await world.start();
    await world.untilForwarded();
    expect(sent.sort()).toEqual([1, 2, 2, 3, 3, 4, 5]);
    expect(world.upstream.values(0)).toEqual([1, 2, 3, 4, 5]);
    expect(world.upstream.values(1)).toEqual([2, 3]);
  });

  test('stores both of two equal uploads without names, under names of its own that a repetition keeps', async () => {
    const upload = { device: 0, values: ['a', 'b'], entryIds: null };
    for (let count = 0; count < 2; count++) await world.publish(upload);
    let attempts = 0;
    world.upstream.outage = (request) =>
      request.body.includes('"a"') && ++attempts === 1 ? answer(503)(request) : undefined;
    await world.start();
    await world.untilForwarded();
    expect(world.upstream.values(0)).toEqual(['a', 'b', 'a', 'b']);
    const bucket = await world.nats.kv(BUCKETS.marks);
    expect((await bucket.status()).values).toBe(0);
  });

  test('quarantines a refused entry with its reason, and stores the others', async () => {
    world.upstream.outage = (request) => (request.body.includes('"bad"') ? answer(400)(request) : undefined);
    await world.publish({ device: 0, values: ['1', 'bad', '3'], entryIds: 'w/1-3' });
    await world.start();
    await world.untilForwarded();
    expect(world.upstream.values(0)).toEqual(['1', '3']);
    expect(await world.depths()).toEqual({ queued: 0, parked: 0, quarantined: 1 });
    expect(world.eventsOf('quarantined')).toEqual([
      { device: deviceId(0), entries: 1, reason: 'Bad request: planted' },
    ]);
  });

  test('marks entries of a writer whose name is longer than a subject of NATS', async () => {
    const entryIds = `${'w%C3%A4'.repeat(1000)}/1`;
    for (const value of [1, 2]) await world.publish({ device: 0, values: [value], entryIds });
    await world.publish({ device: 0, values: [3] });
    await world.start();
    await world.untilForwarded();
    expect(world.upstream.values(0)).toEqual([1, 3]);
  });

  test('keeps an entry of a stream that was made anew, though the quarantine has an entry of the same sequence', async () => {
    const quarantine = new QuarantineStream(world.nats, world.secrets);
    const message = { data: new Uint8Array(), headers: world.nats.headers({}) };
    const rejection = { status: 400, reason: 'bad' };
    for (const time of [1n, 2n, 2n])
      await quarantine.addMessage(deviceId(0), message, rejection, { sequence: 7, time });
    expect((await world.depths()).quarantined).toBe(2);
  });

  test('quarantines an entry once, however often its message is delivered', async () => {
    const quarantine = new QuarantineStream(world.nats, world.secrets);
    const { body, headers } = world.encode({ device: 0, values: ['bad'], entryIds: 'w/1' });
    const decoded = decodeMessage(
      { subject: world.subjectOf(0), data: body, headers: world.nats.headers(headers) },
      world.secrets,
    );
    if (decoded.kind !== 'upload') throw new Error(decoded.kind);
    const origin = { sequence: 7, time: 1n };
    const [entry] = entriesOf(decoded.upload, origin)?.entries ?? [];
    if (entry === undefined) throw new Error('no entry');
    const rejection = { status: 400, reason: 'bad' };
    for (let delivery = 0; delivery < 2; delivery++)
      await quarantine.add(decoded.upload, [{ entry, rejection }], origin);
    const kept = await world.nats.jsm.streams.getMessage(QUARANTINE, { seq: 1 });
    expect(kept?.header.get('Nats-Msg-Id')).toBe('7/1/0');
    expect((await world.depths()).quarantined).toBe(1);
  });

  test('G7 keeps no control character and no key of a reason of upstream', async () => {
    const key = keyOf(0);
    world.upstream.outage = (request) =>
      request.body.includes('"bad"')
        ? Response.json({ message: 'bad\r\nNats-Rollup: all\u001b[31m' }, { status: 400 })
        : undefined;
    await world.publish({ device: 0, values: ['1', 'bad'], entryIds: 'w/1-2' });
    await world.start();
    await world.untilForwarded();
    expect(world.eventsOf('quarantined')).toMatchObject([{ reason: 'Bad request: bad  Nats-Rollup: all' }]);
    const kept = await world.nats.jsm.streams.getMessage(QUARANTINE, { seq: 1 });
    expect(kept?.header.get('Nikdev-Reason')).toBe('Bad request: bad  Nats-Rollup: all');
    expect(kept?.header.has('Nats-Rollup')).toBe(false);
    world.upstream.faults.set(deviceId(0), () =>
      Response.json({ message: `no ${key.replaceAll('-', '')}` }, { status: 401 }),
    );
    await world.publish({ device: 0, values: ['3'], entryIds: 'w/3' });
    await world.until(() => world.eventsOf('parked').length + world.eventsOf('upstream-away').length > 0);
    const said = JSON.stringify([world.eventsOf('parked'), world.eventsOf('upstream-away')]);
    expect(said).not.toContain(key.slice(-12));
    expect(said).toContain('Bad request: 401');
  });

  test.each([401, 500])('a device that gets %i is parked, and delays no other', async (status) => {
    for (const device of [0, 1, 2, 3]) await world.publish({ device, values: [1] });
    await world.start();
    await world.untilForwarded();
    world.upstream.faults.set(deviceId(0), answer(status));
    for (const sequence of [2, 3, 4])
      for (const device of [0, 1, 2, 3]) await world.publish({ device, values: [sequence] });
    await world.untilForwarded();
    for (const device of [1, 2, 3]) expect(world.upstream.values(device)).toEqual([1, 2, 3, 4]);
    expect((await world.depths()).parked).toBe(3);
    expect(world.eventsOf('parked')).toHaveLength(1);
    expect(world.eventsOf('upstream-away')).toEqual([]);
  });

  test('a parked device goes on in its order as soon as upstream accepts it', async () => {
    await world.publish({ device: 1, values: [1] });
    await world.start();
    await world.untilForwarded();
    world.upstream.faults.set(deviceId(0), answer(500));
    for (const sequence of [1, 2, 3]) await world.publish({ device: 0, values: [sequence] });
    await world.until(async () => (await world.depths()).parked === 3);
    world.upstream.faults.clear();
    await world.publish({ device: 0, values: [4] });
    await world.until(() => world.eventsOf('unparked').length > 0);
    await world.publish({ device: 0, values: [5] });
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
    expect(world.upstream.values(0)).toEqual([1, 2, 3, 4, 5]);
  });
});
