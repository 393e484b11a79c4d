import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createGateway, type Gateway } from '../../src/gateway.js';
import type { FetchLike } from '../../src/index.js';
import { type Case, type RecordedAnswer, replay } from '../conformance/replay.js';
import { initCluster, SECRET } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const load = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../conformance/${file}`, import.meta.url), 'utf8')) as Case[];

const recordings = ['reference-client.json', 'reference-client-random.json'].flatMap(load);
const successful = recordings.filter(({ answers = [] }) => answers.every(({ status }) => status < 300));

interface Entry {
  readonly values: unknown;
}

const entriesOf = (json: unknown): Entry[] => (json as { entries?: Entry[] } | null)?.entries ?? [];

describeOnNats('an SDK whose baseUrl is a gateway', () => {
  let cluster: NatsCluster;
  let gateway: Gateway;
  let stored: Entry[] = [];
  /** The recorded answer to the request under way. */
  let answer: RecordedAnswer = { status: 200 };

  const upstream: FetchLike = async (_, init) => {
    if (init?.method === 'GET') return Response.json(answer.json, { status: answer.status });
    stored.push(...entriesOf(JSON.parse(String(init?.body))));
    return Response.json({ data: {} });
  };

  beforeAll(async () => {
    cluster = await NatsCluster.start({ nodes: 1 });
    await initCluster(cluster, { replicas: 1 });
    gateway = createGateway({ nats: { servers: cluster.servers }, secret: SECRET, fetch: upstream });
    await gateway.ready;
  });
  afterAll(async () => {
    await gateway?.close();
    await cluster?.close();
  });

  test('has most of the recordings to pass', () => expect(successful.length).toBeGreaterThan(40));

  test.each(successful.map((recorded) => [recorded.name, recorded] as const))(
    'gets the recorded results, and the server stores the recorded entries: %s',
    async (_name, recorded) => {
      stored = [];
      await replay(recorded, async (answerTo) => ({
        baseUrl: 'http://localhost/api/v1/',
        fetch: async (url, init) => {
          const request = new Request(url as string, init as RequestInit);
          const { method, headers } = request;
          const body = await request.clone().text();
          answer = answerTo({
            method,
            path: new URL(request.url).pathname,
            headers: Object.fromEntries(headers),
            body,
          });
          return gateway.fetch(request);
        },
      }));
      const expected = recorded.requests.flatMap(({ json }) => entriesOf(json));
      await vi.waitFor(() => expect(stored).toHaveLength(expected.length), { timeout: 15_000 });
      expect(stored.map(({ values }) => values)).toEqual(expected.map(({ values }) => values));
    },
  );
});
