import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fleet } from '../support/gateway/fleet.js';
import { GatewayProcess } from '../support/gateway/gateway-process.js';
import { SdkFleet } from '../support/gateway/sdk-fleet.js';
import { answer, deviceId, startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const DEVICES = 4;
/** A kill interrupts the uploads of all partitions, any of which may be between upstream's response and its mark. */
const MAX_SENT_AGAIN = 3 * DEVICES;

describeOnNats('a gateway that is killed', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  beforeEach(async () => {
    world = await WorkerWorld.open(cluster, { devices: DEVICES });
    await world.shortenAckWait(1500);
    const upstream = await serveOnLoopback(world.upstream.handle);
    gateway = await GatewayProcess.create({
      servers: cluster.servers,
      secret: world.secretText,
      upstream: `${upstream}api/v1/`,
    });
  });
  afterEach(async () => {
    await gateway.kill();
    await world.clear();
    await world.close();
  });
  afterAll(() => cluster?.close());

  test.each([
    ['between the acknowledgement of the stream and its 202', 'acknowledged'],
    ['between the response of upstream and the mark', 'stored'],
    ['between the mark and the acknowledgement', 'marked'],
  ] as const)('%s loses nothing', async (_, killAt) => {
    const fleet = new SdkFleet(world, DEVICES, () => gateway.url);
    await gateway.start({ killAt, passage: 10 });
    fleet.start();
    await gateway.untilDead();
    await gateway.start();
    await fleet.untilAcknowledged(50);
    await fleet.stop();
    await fleet.check();
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
    expect(new Fleet(world, 0).sentAgain).toBeLessThanOrEqual(MAX_SENT_AGAIN);
  });

  test('between the mark of a parked device and the copy of its message loses nothing', async () => {
    const fleet = new SdkFleet(world, DEVICES, () => gateway.url);
    await gateway.start({ killAt: 'parking' });
    fleet.start();
    await fleet.untilAcknowledged(30);
    world.upstream.faults.set(deviceId(0), answer(500));
    await gateway.untilDead();
    world.upstream.faults.clear();
    await gateway.start();
    await fleet.untilAcknowledged(50);
    await fleet.stop();
    await fleet.check();
    await world.until(async () => (await world.depths()).parked === 0);
  });
});
