import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fleet } from '../support/gateway/fleet.js';
import { startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

const DEVICES = 6;

describeOnNats('a gateway on three NATS servers', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  let fleet: Fleet;
  beforeAll(async () => {
    cluster = await startCluster(3);
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

  test('loses nothing when the leader of the stream is killed', { timeout: 60_000 }, async () => {
    const leader = await world.leaderOf();
    await cluster.kill(leader);
    await fleet.untilPosted(100);
    cluster.startNode(leader);
    await cluster.untilHealthy();
    await fleet.untilPosted(100);
    await expectNoLoss();
  });
});
