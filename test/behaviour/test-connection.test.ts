import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEmulator, type Fault } from '../../src/emulator.js';
import type { ConnectionTest } from '../../src/index.js';
import { rejectionOf } from '../support/assertions/rejections.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { received } from '../support/fakes/fake-server.js';
import { reply, replyJson, StubFetch } from '../support/fakes/stub-fetch.js';
import { ValuesServer } from '../support/fakes/values-server.js';
import { loopbackServer } from '../support/servers/loopback-server.js';
import { closedPort, rawServer } from '../support/servers/raw-server.js';
import { selfSigned } from '../support/servers/self-signed.js';

/** An `Api` before an emulator, whose key has these rights. */
function setUp({ read = true, write = true, ahead = 0 } = {}, options = {}) {
  const clock = new FakeClock();
  const emulator = createEmulator({
    devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read, write }] }],
    now: () => clock.now() - ahead,
  });
  const api = openApi({ fetch: emulator.fetch, ...options }, { clock });
  return { clock, emulator, api };
}

/** The result of the test where each request meets the same fault. */
async function withFaults(...faults: Fault[]): Promise<ConnectionTest> {
  const { api, emulator } = setUp();
  emulator.script(...faults);
  return api.testConnection();
}

const WELL = { reachable: true, credentials: true, canRead: true, canWrite: true };
const UNREACHABLE = {
  reachable: false,
  credentials: undefined,
  canRead: undefined,
  canWrite: undefined,
  latencyMilliseconds: undefined,
  clockSkewSeconds: undefined,
};

describe('a server that answers', () => {
  test('reports an answer of the server, and how long it took', async () => {
    const { api } = setUp();
    expect(await api.testConnection()).toEqual({
      ...WELL,
      latencyMilliseconds: 0,
      clockSkewSeconds: 0,
      advice: expect.stringMatching(/^Nothing to do/),
    });
  });

  test('the quicker of the two answers is the latency', async () => {
    const clock = new FakeClock();
    const wait = (milliseconds: number) =>
      new Promise<void>((resolve) => void clock.setTimer(() => resolve(), milliseconds));
    const server = new ValuesServer();
    let requests = 0;
    server.misfortune = async () => {
      await wait(250);
      return received(200, { data: { servertime: clock.now() / 1000, values: [] } });
    };
    const send = server.send.bind(server);
    const transport = {
      send(request: Parameters<typeof send>[0]) {
        requests += 1;
        if (request.method === 'GET') return send(request);
        return { answer: wait(40).then(() => received(200)), abort: () => {} };
      },
    };
    const result = openApi({}, { clock, transport }).testConnection();
    await clock.advance(1000);
    expect(await result).toMatchObject({ ...WELL, latencyMilliseconds: 40, clockSkewSeconds: 0 });
    expect(requests).toBe(2);
  });

  test('asks with an empty batch and for an unknown field, and stores nothing', async () => {
    const { api, emulator } = setUp();
    await api.testConnection();
    expect(emulator.requests).toEqual([
      { method: 'GET', path: '/api/v1/values/00000000-0000-0000-0000-000000000000', status: 200, entries: undefined },
      { method: 'POST', path: '/api/v1/entries/', status: 200, entries: 0 },
    ]);
    expect(emulator.entries(DEVICE_ID)).toEqual([]);
  });

  test('the batch is as the protocol has it', async () => {
    const server = new ValuesServer();
    const clock = new FakeClock();
    await openApi({}, { clock, transport: server }).testConnection();
    expect(server.requests[1]?.body).toBe(`{"clientTimestamp":${Math.floor(clock.now() / 1000)},"entries":[]}`);
  });

  test('does not touch staged values and queued entries, even where the key is refused', async () => {
    const stub = new StubFetch(() => replyJson(401, { message: 'No.' }));
    const api = openApi({ fetch: stub.fetch });
    const entries = commitEach(api, 1, 2);
    api.addValue('staged', 1);
    const discards: unknown[] = [];
    api.on('discard', (event) => discards.push(event));
    await api.testConnection();
    expect(api.log()).toEqual(entries);
    expect(api.status()).toMatchObject({ staged: 1, committed: 2 });
    expect(discards).toEqual([]);
  });

  test('a 404 for the field is not a no', async () => {
    expect(await withFaults({ status: 404, message: 'No such field' })).toMatchObject({
      ...WELL,
      advice: expect.stringMatching(/^Nothing to do/),
    });
  });
});

describe('credentials and rights', () => {
  test('a wrong Device ID or API Key is refused: check both', async () => {
    for (const wrong of [
      { apiKey: '99999999-9999-4999-8999-999999999999' },
      { deviceId: '99999999-9999-4999-8999-999999999999' },
    ]) {
      expect(await setUp({}, wrong).api.testConnection()).toMatchObject({
        reachable: true,
        credentials: false,
        canRead: false,
        canWrite: false,
        advice: expect.stringMatching(
          /^Bad request: Unknown Device ID or API Key\. Check the Device ID and the API Key/,
        ),
      });
    }
  });

  test('a key that may only read', async () => {
    expect(await setUp({ write: false }).api.testConnection()).toMatchObject({
      ...WELL,
      canWrite: false,
      advice: expect.stringMatching(
        /may not write: push\(\) will be refused.*no write access.*that the key has the permission/,
      ),
    });
  });

  test('a key that may only write', async () => {
    expect(await setUp({ read: false }).api.testConnection()).toMatchObject({
      ...WELL,
      canRead: false,
      advice: expect.stringMatching(/may not read: get\(\) and watch\(\) will be refused.*no read access/),
    });
  });

  test('a key that may do neither is refused', async () => {
    expect(await setUp({ read: false, write: false }).api.testConnection()).toMatchObject({
      reachable: true,
      credentials: false,
      canRead: false,
      canWrite: false,
    });
  });

  test.each<[string, [Fault, Fault], object]>([
    [
      'refused to read, upload fails',
      [{ status: 403 }, { status: 503 }],
      { credentials: undefined, canRead: false, canWrite: undefined },
    ],
    [
      'unknown, upload fails',
      [{ status: 401 }, { status: 503 }],
      { credentials: false, canRead: false, canWrite: undefined },
    ],
    [
      'may read, upload fails',
      [{ delay: 0 }, { status: 503 }],
      { credentials: true, canRead: true, canWrite: undefined },
    ],
    [
      'the empty batch is refused',
      [{ delay: 0 }, { status: 422, message: 'Nothing in it' }],
      { credentials: true, canRead: true, canWrite: undefined, advice: expect.stringContaining('Nothing in it') },
    ],
    [
      'reading fails, may upload',
      [{ status: 503 }, { delay: 0 }],
      { credentials: true, canRead: undefined, canWrite: true },
    ],
  ])('facts that the answers do not contain are undefined: %s', async (_name, faults, expected) => {
    expect(await withFaults(...faults)).toMatchObject({ reachable: true, ...expected });
  });
});

describe('a server in trouble, or another one', () => {
  test.each([500, 502, 503, 429, 408])('%i: reachable, nothing is known, try again later', async (status) => {
    expect(await withFaults({ status }, { status })).toMatchObject({
      ...UNREACHABLE,
      reachable: true,
      latencyMilliseconds: 0,
      clockSkewSeconds: 0,
      advice: expect.stringMatching(status === 429 ? /Wait/ : new RegExp(`answered ${status}.*Try again later`)),
    });
  });

  test.each([200, 401, 403, 511])('a captive portal that answers %i: sign in', async (status) => {
    const portal = { status, body: '<html>Welcome', headers: { 'content-type': 'text/html' } };
    expect(await withFaults(portal, portal)).toEqual({
      ...UNREACHABLE,
      advice: expect.stringMatching(/captive portal.*Sign in to the network/),
    });
  });

  test('a redirect: sign in or correct baseUrl', async () => {
    const redirect = { status: 302, headers: { Location: 'https://portal.example/' } };
    expect(await withFaults(redirect)).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/redirect.*baseUrl/) });
  });

  test.each<[string, number, string]>([
    ['knows none of our paths', 404, '{"message":"Not found"}'],
    ['answers 200 to all', 200, '{"ok":true}'],
    ['answers 200 with nothing', 200, ''],
  ])('a server that %s is another one: check baseUrl', async (_name, status, body) => {
    const stub = new StubFetch(() => reply(status, body));
    expect(await openApi({ fetch: stub.fetch }).testConnection()).toMatchObject({
      reachable: true,
      credentials: undefined,
      canRead: undefined,
      canWrite: undefined,
      advice: expect.stringContaining('heck baseUrl'),
    });
  });
});

test('a server that has neither the field nor a route for uploads is another one', async () => {
  expect(await withFaults({ status: 404 }, { status: 405 })).toMatchObject({
    ...UNREACHABLE,
    reachable: true,
    latencyMilliseconds: 0,
    clockSkewSeconds: 0,
    advice: expect.stringContaining('heck baseUrl'),
  });
});

describe('no server', () => {
  test('a time-out: one deadline is waited for, not two, and requestTimeout is named', async () => {
    const { api, emulator, clock } = setUp({}, { requestTimeout: 7 });
    emulator.script({ hang: true }, { hang: true });
    const result = api.testConnection();
    await clock.advance(7000);
    expect(await result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/within 7 s.*raise requestTimeout/) });
    expect(emulator.requests).toHaveLength(1);
  });

  test('F1 a host name without address: the spelling of baseUrl, DNS', async () => {
    const result = await openApi({ baseUrl: 'https://nikdev.invalid/api/v1/' }).testConnection();
    expect(result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/spelling of baseUrl and the DNS/) });
  });

  test('F1 a refused connection: host and port of baseUrl, and whether the server runs', async () => {
    const result = await openApi({ baseUrl: `http://127.0.0.1:${await closedPort()}/` }).testConnection();
    expect(result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/ECONNREFUSED.*host and port of baseUrl/) });
  });

  test('F1 a certificate that nobody vouches for: the clock, the host name, a proxy', async () => {
    const server = createHttpsServer(selfSigned());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const result = await openApi({ baseUrl: `https://localhost:${port}/` }).testConnection();
    expect(result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/CERT.*No secure connection.*clock/) });
  });

  test('F1 https to a port of plain http', async () => {
    const server = await loopbackServer((_request, response) => response.end());
    const result = await openApi({ baseUrl: server.baseUrl.replace('http:', 'https:') }).testConnection();
    expect(result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/No secure connection.*plain http/) });
  });

  test('F2 a reset: check the connection', async () => {
    const server = await rawServer((socket) => socket.resetAndDestroy());
    const result = await openApi({ baseUrl: server.baseUrl }).testConnection();
    expect(result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/cut off.*Check the connection/) });
  });

  test('F16 an answer hidden from a page: the network, or CORS', async () => {
    const fetch = () => Promise.reject(new TypeError('Failed to fetch'));
    const result = await openApi({ fetch }).testConnection();
    expect(result).toEqual({ ...UNREACHABLE, advice: expect.stringMatching(/In a page, .*CORS headers/) });
  });
});

describe('the clock', () => {
  test.each([
    [3_600_000, 3600, /3600 s ahead of the server's: set the clock/],
    [-90_000, -90, /90 s behind the server's: set the clock/],
    [61_000, 61, /61 s ahead/],
    [60_000, 60, /^Nothing to do/],
    [-60_000, -60, /^Nothing to do/],
  ])('%i ms off', async (ahead, clockSkewSeconds, advice) => {
    const { api } = setUp({ ahead });
    expect(await api.testConnection()).toMatchObject({
      ...WELL,
      clockSkewSeconds,
      advice: expect.stringMatching(advice),
    });
  });

  test('is measured by the Date of a rejection too, and its advice comes last', async () => {
    const { api } = setUp({ read: false, write: false, ahead: 7_200_000 });
    expect(await api.testConnection()).toMatchObject({
      clockSkewSeconds: 7200,
      advice: expect.stringMatching(/^Bad request: .*Check the Device ID.*7200 s ahead/),
    });
  });

  test('is compared with the middle of a slow request', async () => {
    const clock = new FakeClock();
    const later = (milliseconds: number) =>
      new Promise<void>((resolve) => void clock.setTimer(() => resolve(), milliseconds));
    const server = new ValuesServer();
    server.misfortune = async () => {
      await later(4000);
      const answer = received(200, { data: { servertime: clock.now() / 1000, values: [] } });
      await later(4000);
      return answer;
    };
    const result = openApi({}, { clock, transport: server }).testConnection();
    await clock.advance(9000);
    expect(await result).toMatchObject({ clockSkewSeconds: 0 });
  });

  test('is undefined where a page may not see the Date', async () => {
    const stub = new StubFetch(() => replyJson(403, {}));
    expect((await openApi({ fetch: stub.fetch }).testConnection()).clockSkewSeconds).toBeUndefined();
  });
});

describe('the end', () => {
  test('close() rejects a test under way, and leaves no request behind', async () => {
    const { api, emulator, clock } = setUp();
    emulator.script({ hang: true });
    const rejection = rejectionOf(api.testConnection());
    await turn();
    await api.close();
    expect(await rejection).toMatchObject({ message: expect.stringMatching(/closed/) });
    await turn();
    expect(emulator.requests).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });
});

describe('the API key', () => {
  const everywhere: [string, () => Response | Promise<Response>][] = [
    ['the message of a 401', () => replyJson(401, { message: SENTINEL_KEY })],
    ['the message of a 503', () => replyJson(503, { message: SENTINEL_KEY.toUpperCase() })],
    ['values', () => reply(200, `{"data":"${SENTINEL_KEY}"}`)],
    ['a date', () => replyJson(400, {}, { date: SENTINEL_KEY })],
    ['an error', () => Promise.reject(Object.assign(new Error(SENTINEL_KEY), { code: SENTINEL_KEY }))],
  ];
  test.each(everywhere)('F34 sent back in %s is not in the result', async (_name, answer) => {
    const api = openApi({ apiKey: SENTINEL_KEY, fetch: new StubFetch(answer).fetch });
    expect(leaksIn(renderings(await api.testConnection()))).toEqual([]);
  });
});
