import { expect, test } from 'vitest';
import { UPLOADS } from '../../src/gateway/names.js';
import { PostingFleet } from '../support/gateway/posting-fleet.js';
import { answer, deviceId } from '../support/gateway/worker-world.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';

describeOnNats('a gateway in trouble', () => {
  const on = new PostingFleet(1);

  test('reports a deleted stream, and does not make it again', async () => {
    await on.fleet.stop();
    await on.fleet.check();
    await on.world.nats.jsm.streams.delete(UPLOADS);
    await on.world.until(() => on.world.eventsOf('alarm').some(({ alarm }) => alarm === 'stream-missing'));
    await expect(on.world.publish({ device: 0, values: [1] })).rejects.toThrow();
    await expect(on.world.nats.jsm.streams.info(UPLOADS)).rejects.toThrow('stream not found');
  });

  test('stores each entry once with two workers, of which one ends', async () => {
    // As in production: a turn that takes longer than the 2 s of these tests would go to the other worker, too.
    await on.world.shortenAckWait(15_000);
    const [first] = on.world.workers;
    await on.world.start();
    await on.fleet.untilPosted(200);
    await first?.close();
    await on.fleet.untilPosted(200);
    await on.expectNoLoss();
    expect(on.fleet.sentAgain).toBe(0);
  });

  test('holds everything while upstream is away, and parks at most a few devices', async () => {
    on.world.upstream.outage = answer(503);
    await on.fleet.untilPosted(200);
    await on.world.until(() => on.world.eventsOf('upstream-away').length > 3);
    on.world.upstream.outage = undefined;
    await on.fleet.stop();
    await on.fleet.check();
    await on.world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
    expect(new Set(on.world.eventsOf('parked').map(({ device }) => device)).size).toBeLessThanOrEqual(3);
  });

  test('forwards the others while one device is refused, one fails and one has a bad reading', async () => {
    // Without a success, a failure is one of upstream, not of a device.
    await on.world.until(() => [3, 4, 5].every((device) => on.world.upstream.values(device).length > 0));
    on.world.upstream.faults.set(deviceId(0), answer(401));
    on.world.upstream.faults.set(deviceId(1), answer(500));
    on.world.upstream.faults.set(deviceId(2), (request) =>
      /"a":(?:31|32|33|34|35)}/.test(request.body) ? answer(400)(request) : undefined,
    );
    await on.fleet.untilPosted(600);
    await on.fleet.stop();
    for (const device of [3, 4, 5])
      await on.world.until(() => on.world.upstream.values(device).length === on.fleet.acknowledged.get(device)?.length);
    expect(on.world.eventsOf('upstream-away')).toEqual([]);
    on.world.upstream.faults.delete(deviceId(0));
    on.world.upstream.faults.delete(deviceId(1));
    await on.world.untilForwarded();
    for (const device of [3, 4, 5]) expect(on.world.upstream.values(device)).toEqual(on.fleet.acknowledged.get(device));
  });
});
