import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { NatsCluster } from '../servers/nats-cluster.js';
import { Fleet } from './fleet.js';
import { startCluster, WorkerWorld } from './worker-world.js';

/** The number of devices of a {@link PostingFleet}. */
export const DEVICES = 6;

/** Elections take seconds, and on a busy machine many. */
const HOOK_MS = 120_000;

/** In each test of a suite: a gateway, and devices that post to it all the time. */
export class PostingFleet {
  cluster!: NatsCluster;
  world!: WorkerWorld;
  fleet!: Fleet;

  /** @param servers - The servers of the cluster, which the tests of the suite share. */
  constructor(servers: number) {
    beforeAll(async () => {
      this.cluster = await startCluster(servers);
    }, HOOK_MS);
    beforeEach(async () => {
      this.world = await WorkerWorld.open(this.cluster);
      await this.world.shortenAckWait(2000);
      this.fleet = new Fleet(this.world, DEVICES);
      await this.world.start();
      this.fleet.start();
      await this.fleet.untilPosted(100);
    }, HOOK_MS);
    afterEach(async () => {
      await this.world.clear();
      await this.world.close();
    }, HOOK_MS);
    afterAll(() => this.cluster?.close());
  }

  /** Everything acknowledged is stored, once and in order, and nothing is left. */
  async expectNoLoss(): Promise<void> {
    await this.fleet.stop();
    await this.fleet.check();
    await this.world.untilDepths({ queued: 0, parked: 0, quarantined: 0 });
  }
}
