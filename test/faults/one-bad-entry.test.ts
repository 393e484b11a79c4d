import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Api, type ApiOptions, memoryStorage } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { uploadedEntries } from '../support/builders/uploads.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { range } from '../support/fakes/picky-server.js';
import { runNode } from '../support/processes/node-process.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

const MINUTE = 60_000;
/** Another process may report what it stored later than the response. */
const REPORTED = { timeout: 15_000 };
const BAD = 37;

/** A server that fails over some entries. Each request is listed with the numbers that it carried. */
interface FailingServer {
  readonly baseUrl: string;
  readonly requests: readonly (readonly number[])[];
  readonly stored: readonly number[];
}

type Failure = (response: ServerResponse, clock: FakeClock) => void;

const status =
  (code: number): Failure =>
  (response) =>
    json(response, code, { message: 'No.' });

/** By name: how the server fails, and the reason that the entry is quarantined with. */
const FAILURES: Readonly<Record<string, readonly [fail: Failure, status: number, reason: RegExp]>> = {
  'an HTML 403': [
    (response) => response.writeHead(403, { 'content-type': 'text/html' }).end('<html>Blocked</html>'),
    403,
    /^Bad luck: .*HTML/,
  ],
  'a JSON 403': [status(403), 403, /^Bad request: No\.$/],
  'a JSON 401': [status(401), 401, /^Bad request: No\.$/],
  'a reset': [(response) => response.socket?.resetAndDestroy(), 0, /^Bad luck: .*cut off/],
  'a response that is cut off': [
    (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{', () => response.socket?.destroy());
    },
    200,
    /^Bad luck: .*broke off/,
  ],
  'a time-out': [(_response, clock) => void clock.advance(10_000), 0, /^Bad luck: no complete answer came within 10 s/],
  ...Object.fromEntries(
    [404, 405, 409, 410].map((code) => [`a ${code}`, [status(code), code, /^Bad request: No\.$/] as const]),
  ),
  ...Object.fromEntries(
    [500, 503].map((code) => [
      `a ${code}`,
      [status(code), code, /^Bad luck: the server answered \d+: No\.\.$/] as const,
    ]),
  ),
};

/** @param isBad - Whether the server fails over a number; it takes an upload without entries. */
async function failingServer(clock: FakeClock, fail: Failure, isBad: (number: number) => boolean) {
  const server = { baseUrl: '', requests: [] as number[][], stored: [] as number[], isBad };
  const { baseUrl } = await loopbackServer(({ body }, response) => {
    const numbers = numbersIn(body);
    server.requests.push(numbers);
    if (numbers.some((number) => server.isBad(number))) {
      fail(response, clock);
      return;
    }
    server.stored.push(...numbers);
    json(response, 200, { data: {} });
  });
  return Object.assign(server, { baseUrl });
}

const numbersIn = (body: string): number[] => uploadedEntries(body).map(({ values }) => Number(values[0]?.[1]));

/** A real process that ends over the bad entry, and is started again. */
async function crashingServer(): Promise<FailingServer> {
  const script = fileURLToPath(new URL('../support/processes/crashing-server.mjs', import.meta.url));
  const child = runNode(script, [String(BAD)]);
  onTestFinished(() => child.stop());
  const requests: number[][] = [];
  const stored: number[] = [];
  child.hear((line) => {
    if (!line.startsWith('{')) return;
    const { numbers, isStored } = JSON.parse(line) as { numbers: number[]; isStored: boolean };
    requests.push(numbers);
    if (isStored) stored.push(...numbers);
  });
  const [, port] = await child.line(/^port (\d+)$/);
  return { baseUrl: `http://127.0.0.1:${port}/api/v1/`, requests, stored };
}

function open(server: FailingServer, clock: FakeClock, options: Partial<ApiOptions> = {}) {
  const api = openApi({ baseUrl: server.baseUrl, ...options }, { clock });
  const discards: unknown[] = [];
  api.on('discard', (event) => discards.push(event));
  return { api, discards };
}

/** Pushes, each time a minute after the last. */
async function push(api: Api, clock: FakeClock): Promise<void> {
  await api.push().catch(() => {});
  await clock.advance(MINUTE);
}

const table: Record<string, { pushes: number; requests: number; 'pushes to quarantine': number }> = {};
afterAll(() => console.table(table));

describe('one entry of 100', () => {
  async function expectSingledOut(name: string, server: FailingServer, clock: FakeClock, code: number, reason: RegExp) {
    const storage = memoryStorage();
    const { api, discards } = open(server, clock, { storage });
    const [bad] = commitEach(api, ...range(0, 99)).slice(BAD, BAD + 1);
    const others = range(0, 99).filter((number) => number !== BAD);
    let pushes = 0;
    for (; api.status().committed > 1 && pushes < 8; pushes++) await push(api, clock);
    await vi.waitFor(() => expect(server.stored).toEqual(others), REPORTED);
    const { length: requests } = server.requests;
    expect(requests).toBeLessThanOrEqual(60);
    expect(api.log()).toEqual([bad]);
    expect(api.quarantined()).toEqual([]);

    let more = 0;
    for (; api.quarantined().length === 0 && more < 3; more++) {
      commitEach(api, 100 + more);
      await push(api, clock);
    }
    table[name] = { pushes, requests, 'pushes to quarantine': more };
    await vi.waitFor(() => expect(server.stored).toEqual([...others, ...range(100, 99 + more)]), REPORTED);
    expect(api.log()).toEqual([]);
    const expected = { ...bad, status: code, reason: expect.stringMatching(reason), retryable: true };
    expect(api.quarantined()).toEqual([expected]);
    expect(discards).toEqual([]);
    return { api, storage, bad };
  }

  test.each(Object.entries(FAILURES))(
    'F43 that is answered with %s: 99 are stored within 8 pushes, and it is quarantined once others passed behind it',
    async (name, [fail, code, reason]) => {
      const clock = new FakeClock();
      const server = await failingServer(clock, fail, (number) => number === BAD);
      const { api, storage, bad } = await expectSingledOut(name, server, clock, code, reason);

      // The server may have been repaired when the next run starts.
      await api.close();
      const next = open(server, clock, { storage }).api;
      await next.ready;
      expect(next.log()).toEqual([bad]);
      expect(next.status()).toMatchObject({ committed: 1, quarantined: 0 });
      server.isBad = () => false;
      expect(await next.push()).toMatchObject({ pushed: 1 });
      expect(server.stored.at(-1)).toBe(BAD);
      await next.close();
      const last = open(server, clock, { storage }).api;
      await last.ready;
      expect(last.status()).toMatchObject({ committed: 0, quarantined: 0 });
    },
  );

  test('F43 over which a server process crashes: 99 are stored within 8 pushes, and it is quarantined', async () => {
    const server = await crashingServer();
    await expectSingledOut('a crash', server, new FakeClock(), 0, /^Bad luck: .*cut off/);
  }, 60_000);

  test('F43 that fails again in the next run is quarantined again, and held up nothing in the end', async () => {
    const clock = new FakeClock();
    const server = await failingServer(clock, status(503), (number) => number === BAD);
    const { api, storage, bad } = await expectSingledOut('a 503, again', server, clock, 503, /503/);
    await api.close();
    const next = open(server, clock, { storage }).api;
    await next.ready;
    const from = server.stored.length;
    commitEach(next, ...range(200, 209));
    let pushes = 0;
    for (; next.quarantined().length === 0 && pushes < 12; pushes++) {
      if (next.status().committed === 1) commitEach(next, 300 + pushes);
      await push(next, clock);
    }
    expect(server.stored.slice(from, from + 10)).toEqual(range(200, 209));
    expect(next.quarantined()).toMatchObject([{ id: bad?.id, retryable: true }]);
    expect(next.log()).toEqual([]);
  });
});

describe('an outage', () => {
  test.each(Object.entries(FAILURES))(
    'F43 in which everything is answered with %s: two uploads a push, the order untouched, nothing quarantined',
    async (_name, [fail]) => {
      const clock = new FakeClock();
      const server = await failingServer(clock, fail, () => true);
      const { api, discards } = open(server, clock);
      const entries = commitEach(api, ...range(0, 9));
      for (let pushes = 0; pushes < 12; pushes++) {
        const before = server.requests.length;
        await push(api, clock);
        // The confirmation of a 401 or 403 carries nothing.
        const uploads = server.requests.slice(before).filter(({ length }) => length > 0);
        expect(uploads.length).toBeLessThanOrEqual(2);
        expect(uploads[0]?.[0]).toBe(0);
      }
      expect(api.log()).toEqual(entries);
      expect(api.quarantined()).toEqual([]);
      expect(discards).toEqual([]);

      server.isBad = () => false;
      for (let pushes = 0; api.status().committed > 0 && pushes < 3; pushes++) await push(api, clock);
      expect(server.stored).toEqual(range(0, 9));
    },
  );

  test('F43 of every second push changes no order and quarantines nothing', async () => {
    const clock = new FakeClock();
    const server = await failingServer(clock, status(503), () => false);
    const { api } = open(server, clock);
    for (let pushes = 0; pushes < 40; pushes++) {
      server.isBad = () => pushes % 2 === 0;
      commitEach(api, pushes);
      await push(api, clock);
    }
    expect(server.stored).toEqual(range(0, 39));
    expect(api.quarantined()).toEqual([]);
  });
});

describe('a server that refuses everything', () => {
  test.each([400, 403, 404, 413, 422])('F43 with %i quarantines nothing', async (code) => {
    const clock = new FakeClock();
    const server = await failingServer(clock, status(code), () => true);
    const { api, discards } = open(server, clock);
    const entries = commitEach(api, ...range(0, 19));
    for (let pushes = 0; pushes < 20; pushes++) {
      const before = server.requests.length;
      await push(api, clock);
      expect(server.requests.length - before).toBeLessThanOrEqual(2 * Math.log2(20) + 2);
    }
    expect(api.log()).toEqual(entries);
    expect(api.quarantined()).toEqual([]);
    expect(discards).toEqual([]);
  });
});
