import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { Api, type FetchLike } from '../../src/index.js';
import { type Case, deliver, type RecordedAnswer, replay } from '../conformance/replay.js';
import { credentialsOf, SECRET } from '../support/servers/gateways.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';
import { useOneNode } from '../support/servers/one-node.js';

const load = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../conformance/${file}`, import.meta.url), 'utf8')) as Case[];

const isSuccess = ({ status }: RecordedAnswer): boolean => status < 300;
/** Failures of reads are passed through, and those of uploads are the gateway's to repeat. */
const failuresOf = ({ requests, answers = [] }: Case): RecordedAnswer[] =>
  answers.filter((answer, index) => requests[index]?.method === 'POST' && !isSuccess(answer));

const recordings = ['reference-client.json', 'reference-client-random.json'].flatMap(load);
const successful = recordings.filter((recorded) => failuresOf(recorded).length === 0);
const failing = recordings.filter((recorded) => failuresOf(recorded).length > 0);
const named = (cases: readonly Case[]) => cases.map((recorded) => [recorded.name, recorded] as const);

interface Entry {
  readonly values: unknown;
}

const entriesOf = (json: unknown): Entry[] => (json as { entries?: Entry[] } | null)?.entries ?? [];

/** A server that answers the uploads of a recording in its order, those after them with 200, and stores by its answers. */
class RecordedServer {
  readonly stored: unknown[] = [];
  readonly #answers: RecordedAnswer[];

  constructor({ requests, answers = [] }: Case) {
    this.#answers = answers.filter((_, index) => requests[index]?.method === 'POST');
  }

  answer(body: string): Response {
    const entries = entriesOf(JSON.parse(body));
    // A gateway asks so about a key.
    if (entries.length === 0) return Response.json({ data: {} });
    const { status, json, text } = this.#answers.shift() ?? { status: 200, json: { data: {} } };
    if (status < 300) this.stored.push(...entries.map(({ values }) => values));
    return new Response(text ?? JSON.stringify(json), { status });
  }

  readonly fetch: FetchLike = async (_, init) => this.answer(String(init?.body));
}

describeOnNats('an SDK whose baseUrl is a gateway', () => {
  const node = useOneNode();

  const open = async (fetch: FetchLike): Promise<Gateway> => {
    const gateway = createGateway({ nats: { servers: node.cluster.servers }, secret: SECRET, fetch });
    await gateway.ready;
    return gateway;
  };
  const through =
    (gateway: Gateway): FetchLike =>
    (url, init) =>
      gateway.fetch(new Request(url as string, init as RequestInit));

  test('has each recording, and most of them without a failure', () => {
    expect(successful.length).toBeGreaterThan(40);
    expect(failing.length).toBeGreaterThan(20);
  });

  describe('and a server without failures', () => {
    let gateway: Gateway;
    let stored: Entry[] = [];
    /** The recorded answer to the request under way. */
    let answer: RecordedAnswer = { status: 200 };

    beforeAll(async () => {
      gateway = await open(async (_, init) => {
        if (init?.method === 'GET')
          return new Response(answer.text ?? JSON.stringify(answer.json), { status: answer.status });
        stored.push(...entriesOf(JSON.parse(String(init?.body))));
        return Response.json({ data: {} });
      });
    });
    afterAll(() => gateway?.close());

    test.each(named(successful))(
      'gets the recorded results, and the server stores the recorded entries: %s',
      async (_name, recorded) => {
        stored = [];
        await replay(recorded, async (answerTo) => ({
          baseUrl: 'http://localhost/api/v1/',
          fetch: async (url, init) => {
            const request = new Request(url as string, init as RequestInit);
            const { method, headers } = request;
            const body = await request.clone().text();
            const path = new URL(request.url).pathname;
            answer = answerTo({ method, path, headers: Object.fromEntries(headers), body });
            return gateway.fetch(request);
          },
        }));
        const expected = recorded.requests.flatMap(({ json }) => entriesOf(json));
        await vi.waitFor(() => expect(stored).toHaveLength(expected.length), { timeout: 15_000 });
        expect(stored.map(({ values }) => values)).toEqual(expected.map(({ values }) => values));
      },
    );
  });

  describe('and a server with failures', () => {
    let gateway: Gateway;
    const servers = new Map<string, RecordedServer>();

    beforeAll(async () => {
      gateway = await open(async (_, init) => {
        const device = new Headers(init?.headers as HeadersInit).get('x-device-id') ?? '';
        return servers.get(device)?.answer(String(init?.body)) ?? new Response(null, { status: 500 });
      });
    });
    afterAll(() => gateway?.close());

    const deliverTo = (recorded: Case, device: number, fetch: FetchLike): Promise<void> =>
      deliver(recorded, new Api({ ...credentialsOf(device), baseUrl: 'http://localhost/api/v1/', fetch }));

    test.concurrent.each(named(failing))(
      'has the server store the same entries in the end: %s',
      async (_, recorded) => {
        const device = failing.indexOf(recorded);
        const behind = new RecordedServer(recorded);
        servers.set(credentialsOf(device).deviceId, behind);
        await deliverTo(recorded, device, through(gateway));

        // An entry that was accepted is not the device's any more, so that it can't discard the entry after a failure of the server.
        const discards = recorded.ops.some(([name]) => name === 'reset_unpushed_entries');
        const direct = new RecordedServer(discards ? { ...recorded, answers: [] } : recorded);
        await deliverTo(recorded, device, direct.fetch);
        await vi.waitFor(() => expect(behind.stored).toHaveLength(direct.stored.length), { timeout: 60_000 });
        expect(behind.stored).toEqual(direct.stored);
      },
    );
  });
});
