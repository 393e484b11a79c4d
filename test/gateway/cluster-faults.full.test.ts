import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fleet } from '../support/gateway/fleet.js';
import { startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';

const DEVICES = 6;

describeOnNats('a gateway on three NATS servers, of which some fail', () => {
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

  test('accepts nothing with two of three servers down, loses nothing, and goes on', { timeout: 60_000 }, async () => {
    const down = [0, 1];
    await Promise.all(down.map((node) => cluster.kill(node)));
    const { count } = fleet;
    await expect(world.publish({ device: 7, values: [1] })).rejects.toThrow();
    expect(fleet.count - count).toBeLessThanOrEqual(DEVICES * 5);
    for (const node of down) cluster.startNode(node);
    await cluster.untilHealthy();
    await fleet.untilPosted(100);
    await expectNoLoss();
  });

  test('loses nothing when all servers are killed at once and started again', { timeout: 60_000 }, async () => {
    const all = [0, 1, 2];
    await Promise.all(all.map((node) => cluster.kill(node)));
    for (const node of all) cluster.startNode(node);
    await cluster.untilHealthy();
    await fleet.untilPosted(100);
    await expectNoLoss();
  });

  test('goes on while a follower is frozen, and after it woke up', { timeout: 60_000 }, async () => {
    const follower = ((await world.leaderOf()) + 1) % 3;
    cluster.freeze(follower);
    await fleet.untilPosted(200);
    cluster.wake(follower);
    await cluster.untilHealthy();
    await fleet.untilPosted(100);
    await expectNoLoss();
  });

  test('loses nothing when the store of a server is lost', { timeout: 60_000 }, async () => {
    const leader = await world.leaderOf();
    await cluster.kill(leader);
    cluster.wipe(leader);
    cluster.startNode(leader);
    await cluster.untilHealthy();
    const next = await world.leaderOf();
    await fleet.untilPosted(100);
    await cluster.kill(next);
    await fleet.untilPosted(100);
    cluster.startNode(next);
    await cluster.untilHealthy();
    await expectNoLoss();
  });
});
