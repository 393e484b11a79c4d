import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { FetchLike } from '../../src/index.js';
import { initCluster, startGateway, uploadOf, upstreamOf, uuidOf } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

describeOnNats('the gateway of a site whose upstream is the gateway of a hub', () => {
  let clusters: readonly NatsCluster[] = [];
  beforeAll(async () => {
    clusters = await Promise.all([NatsCluster.start({ nodes: 1 }), NatsCluster.start({ nodes: 1 })]);
    await Promise.all(clusters.map((cluster) => initCluster(cluster, { replicas: 1 })));
  });
  afterAll(() => Promise.all(clusters.map((cluster) => cluster.close())));

  test('has each entry stored once, though responses of the hub are lost', { timeout: 60_000 }, async () => {
    const upstream = upstreamOf(1);
    // Without the names of the entries: a server that stores whatever it gets.
    const nameless: FetchLike = (url, init) => {
      const headers = new Headers(init?.headers as HeadersInit);
      headers.delete('x-entry-ids');
      return (upstream.fetch as FetchLike)(url, { ...init, headers: Object.fromEntries(headers) });
    };
    const [atSite, atHub] = clusters as [NatsCluster, NatsCluster];
    const hub = await startGateway(atHub, nameless, { worker: true });
    let lost = 0;
    const toHub: FetchLike = async (url, init) => {
      const response = await hub.fetch(new Request(url as string, init as RequestInit));
      const hasEntries = !String(init?.body).includes('"entries":[]');
      if (!hasEntries || lost >= 3) return response;
      lost += 1;
      throw new TypeError('the connection broke');
    };
    const site = await startGateway(atSite, toHub, { worker: true });
    for (let value = 1; value <= 5; value += 1) {
      const upload = uploadOf(0, { value, headers: { 'x-entry-ids': `w/${value}` } });
      expect((await site.fetch(upload)).status).toBe(202);
    }
    const stored = () => upstream.entries(uuidOf(0)).map(({ values }) => values[0]?.value);
    await vi.waitFor(() => expect(stored()).toContain(5), { timeout: 40_000 });
    expect(lost).toBe(3);
    expect(stored()).toEqual([1, 2, 3, 4, 5]);
  });
});
