import { afterAll, beforeAll } from 'vitest';
import { connectNats, type Nats } from '../../../src/gateway/nats.js';
import { initCluster } from './gateways.js';
import { NatsCluster } from './nats-cluster.js';

/** One NATS server with the streams of a gateway, and a connection to it. */
export interface OneNode {
  readonly cluster: NatsCluster;
  readonly nats: Nats;
}

/** Starts one for the tests of a `describe`, before its own hooks. */
export function useOneNode(): OneNode {
  let cluster: NatsCluster | undefined;
  let nats: Nats | undefined;
  beforeAll(async () => {
    cluster = await NatsCluster.start({ nodes: 1 });
    await initCluster(cluster, { replicas: 1 });
    nats = await connectNats({ servers: cluster.servers });
  });
  afterAll(async () => {
    await nats?.close();
    await cluster?.close();
  });
  return {
    get cluster() {
      return cluster as NatsCluster;
    },
    get nats() {
      return nats as Nats;
    },
  };
}
