import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fleet, postTo } from '../support/gateway/fleet.js';
import type { KillPoint } from '../support/gateway/gateway-child.js';
import { GatewayProcess } from '../support/gateway/gateway-process.js';
import { startCluster, WorkerWorld } from '../support/gateway/worker-world.js';
import { describeOnNats, type NatsCluster } from '../support/servers/nats-cluster.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const DEVICES = 8;
const GATEWAY_KILLS = 44;
const NODE_KILLS = 8;
const POINTS: readonly KillPoint[] = ['acknowledged', 'stored', 'marked'];

describeOnNats('two gateways on three NATS servers, of which any are killed', () => {
  let cluster: NatsCluster;
  let world: WorkerWorld;
  const gateways: GatewayProcess[] = [];
  beforeAll(async () => {
    cluster = await startCluster(3);
    world = await WorkerWorld.open(cluster, { devices: DEVICES });
    await world.shortenAckWait(2000);
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    await world?.close();
    await cluster?.close();
  });

  const running = (): readonly GatewayProcess[] => gateways.filter(({ isRunning }) => isRunning);

  /** Gateways end at a place of the code, or at any time. */
  async function killGateways(gateway: GatewayProcess, kills: number): Promise<void> {
    for (let kill = 0; kill < kills; kill++) {
      const killAt = POINTS[kill % (POINTS.length + 1)];
      await gateway.start({ killAt, passage: 5 + (kill % 7) });
      if (killAt === undefined) await delay(500).then(() => gateway.kill());
      else await gateway.untilDead();
    }
    await gateway.start();
  }

  /** Servers end one at a time: two of three are needed. */
  async function killNodes(kills: number): Promise<void> {
    for (let kill = 0; kill < kills; kill++) {
      const node = kill % 2 === 0 ? await world.leaderOf().catch(() => 0) : kill % 3;
      await cluster.kill(Math.max(node, 0));
      await delay(1000);
      cluster.startNode(Math.max(node, 0));
      await cluster.untilHealthy();
    }
  }

  test('lose nothing', { timeout: 420_000 }, async () => {
    const upstream = `${await serveOnLoopback(world.upstream.handle)}api/v1/`;
    for (let number = 0; number < 2; number++)
      gateways.push(await GatewayProcess.create({ servers: cluster.servers, secret: world.secretText, upstream }));
    const urlOf = (device: number): string => {
      const candidates = running();
      return (candidates[device % Math.max(candidates.length, 1)] ?? (gateways[0] as GatewayProcess)).url;
    };
    const fleet = new Fleet(world, DEVICES, postTo(world, urlOf));
    fleet.start({ pause: 60 });
    await Promise.all([
      ...gateways.map((gateway) => killGateways(gateway, GATEWAY_KILLS / gateways.length)),
      killNodes(NODE_KILLS),
    ]);
    await fleet.untilPosted(100);
    await fleet.stop();
    await fleet.check();
    await world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
    expect(fleet.count).toBeGreaterThan(500);
  });
});
