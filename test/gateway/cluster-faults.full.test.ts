import { expect, test } from 'vitest';
import { DEVICES, PostingFleet } from '../support/gateway/posting-fleet.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';

describeOnNats('a gateway on three NATS servers, of which some fail', () => {
  const on = new PostingFleet(3);

  test('accepts nothing with two of three servers down, loses nothing, and goes on', { timeout: 180_000 }, async () => {
    const down = [0, 1];
    await Promise.all(down.map((node) => on.cluster.kill(node)));
    const { count } = on.fleet;
    await expect(on.world.publish({ device: 7, values: [1] })).rejects.toThrow();
    expect(on.fleet.count - count).toBeLessThanOrEqual(DEVICES * 5);
    for (const node of down) on.cluster.startNode(node);
    await on.cluster.untilHealthy();
    await on.fleet.untilPosted(100);
    await on.expectNoLoss();
  });

  test('loses nothing when all servers are killed at once and started again', { timeout: 180_000 }, async () => {
    const all = [0, 1, 2];
    await Promise.all(all.map((node) => on.cluster.kill(node)));
    for (const node of all) on.cluster.startNode(node);
    await on.cluster.untilHealthy();
    await on.fleet.untilPosted(100);
    await on.expectNoLoss();
  });

  test('goes on while a follower is frozen, and after it woke up', { timeout: 180_000 }, async () => {
    const follower = ((await on.world.leaderOf()) + 1) % 3;
    on.cluster.freeze(follower);
    await on.fleet.untilPosted(200);
    on.cluster.wake(follower);
    await on.cluster.untilHealthy();
    await on.fleet.untilPosted(100);
    await on.expectNoLoss();
  });

  test('loses nothing when the store of a server is lost', { timeout: 180_000 }, async () => {
    const leader = await on.world.leaderOf();
    await on.cluster.kill(leader);
    on.cluster.wipe(leader);
    on.cluster.startNode(leader);
    await on.cluster.untilHealthy();
    await on.world.untilReplicated();
    const next = await on.world.leaderOf();
    await on.fleet.untilPosted(100);
    await on.cluster.kill(next);
    await on.fleet.untilPosted(100);
    on.cluster.startNode(next);
    await on.cluster.untilHealthy();
    await on.expectNoLoss();
  });
});
