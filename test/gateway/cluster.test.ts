import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectNats, type Nats } from '../../src/gateway/nats.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

describeOnNats('a cluster of three NATS servers', () => {
  let cluster: NatsCluster;
  let nats: Nats;
  beforeAll(async () => {
    cluster = await NatsCluster.start();
    nats = await connectNats({ servers: cluster.servers });
  });
  afterAll(async () => {
    await nats?.close();
    await cluster?.close();
  });

  test('keeps a replicated message when the leader is killed, its store is wiped and it is started again', async () => {
    await nats.jsm.streams.add({ name: 'TEST', subjects: ['test.*'], num_replicas: 3 });
    const { stream } = await nats.js.publish('test.a', 'kept', { headers: nats.headers({ 'X-Name': 'value' }) });
    expect(stream).toBe('TEST');
    const leader = cluster.numberOf((await nats.jsm.streams.info('TEST')).cluster?.leader);
    await cluster.kill(leader);
    expect(cluster.running).toHaveLength(2);
    cluster.wipe(leader);
    cluster.startNode(leader);
    await cluster.untilHealthy();
    // Unanswered while a new leader is elected, which the nodes may not have noticed yet.
    const read = () => nats.jsm.streams.getMessage('TEST', { last_by_subj: 'test.a' });
    const message = await vi.waitFor(read, { timeout: 60_000 });
    expect(message?.string()).toBe('kept');
    expect(message?.header.get('X-Name')).toBe('value');
    expect([...cluster.files()].some(({ bytes }) => bytes.includes('kept'))).toBe(true);
  });
});
