import { test } from 'vitest';
import { PostingFleet } from '../support/gateway/posting-fleet.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';

describeOnNats('a gateway on three NATS servers', () => {
  const on = new PostingFleet(3);

  test('loses nothing when the leader of the stream is killed', { timeout: 180_000 }, async () => {
    const leader = await on.world.leaderOf();
    await on.cluster.kill(leader);
    await on.fleet.untilPosted(100);
    on.cluster.startNode(leader);
    await on.cluster.untilHealthy();
    await on.fleet.untilPosted(100);
    await on.expectNoLoss();
  });
});
