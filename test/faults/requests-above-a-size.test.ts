import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { Api, FetchInit } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { openApi } from '../support/builders/api.js';
import { type Behaviour, type RawServer, rawServer } from '../support/servers/raw-server.js';

const LIMIT = 64 * 1024;
const COUNT = 1000;

/** Commits entries that make a body of about 430 KB. */
function commitMany(api: Api): void {
  for (let number = 0; number < COUNT; number++) {
    api.addValues({ text: 'x'.repeat(380), number });
    api.commit();
  }
}

/** Pushes until everything is stored. @returns How many pushes and requests it took. */
async function drain(api: Api, countRequests: () => number) {
  let pushes = 0;
  for (; api.status().committed > 0 && pushes < 12; pushes++) await api.push().catch(() => {});
  return { pushes, requests: countRequests() };
}

const numbersOf = (server: RawServer): unknown[] => server.stored.flat().map(({ values }) => values[1]?.[1]);

/** Fails once more of a request has come than the limit; stores smaller ones. */
const aboveLimit =
  (fail: (socket: Socket) => void, healthy: () => Behaviour): Behaviour =>
  (socket, request) => {
    let isFailed = false;
    const check = (): void => {
      if (socket.bytesRead <= LIMIT || isFailed) return;
      isFailed = true;
      fail(socket);
    };
    socket.on('data', check);
    check();
    healthy()(
      socket,
      request.then((body) => (isFailed ? new Promise<string>(() => {}) : body)),
    );
  };

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n';

const FAILURES: Readonly<Record<string, (socket: Socket) => void>> = {
  reset: (socket) => socket.resetAndDestroy(),
  'cut off without a word': (socket) => socket.destroy(),
  // Node's fetch writes on and gets EPIPE, or sees the end before an answer.
  'ended by the server, which reads no further': (socket) => {
    socket.pause();
    socket.end();
    setTimeout(() => socket.destroy(), 20);
  },
  'cut off within the response': (socket) => {
    socket.write(`${HEAD}{"da`, () => socket.destroy());
  },
};

test.each(Object.entries(FAILURES))(
  'F42 requests above 64 KiB that are %s shrink until all entries arrive',
  async (name, fail) => {
    const server = await rawServer();
    server.behave(aboveLimit(fail, () => server.healthy));
    const api = openApi({ baseUrl: server.baseUrl });
    commitMany(api);
    const { pushes, requests } = await drain(api, () => server.received.length);
    console.log(`${name} above 64 KiB: ${pushes} pushes, ${requests} requests`);
    expect(api.status().committed).toBe(0);
    expect(numbersOf(server)).toEqual(Array.from({ length: COUNT }, (_, number) => number));
    expect(api.quarantined()).toEqual([]);
    expect(pushes).toBeLessThanOrEqual(4);
    expect(requests).toBeLessThanOrEqual(30);
  },
  60_000,
);

/** A `fetch` with time-outs of Node's own, which are 300 s by default. */
async function fetchWithTimeouts(timeouts: { readonly headersTimeout?: number; readonly bodyTimeout?: number }) {
  const key = Symbol.for('undici.globalDispatcher.1');
  // Set by the first call.
  await fetch('data:,');
  const { constructor: Agent } = (
    globalThis as unknown as Record<symbol, { constructor: new (options: object) => object }>
  )[key] ?? { constructor: Object };
  const dispatcher = new Agent(timeouts);
  return (url: string, init: FetchInit) => fetch(url, { ...(init as RequestInit), dispatcher } as RequestInit);
}

test.each([
  ['UND_ERR_HEADERS_TIMEOUT', { headersTimeout: 2000 }, () => {}],
  ['UND_ERR_BODY_TIMEOUT', { bodyTimeout: 2000 }, (socket: Socket) => void socket.write(`${HEAD}{"da`)],
] as const)(
  "F42 requests above 64 KiB that run into the platform's own time-out (%s) shrink until all entries arrive",
  async (code, timeouts, fail) => {
    const server = await rawServer();
    server.behave(aboveLimit(fail, () => server.healthy));
    const api = openApi({ baseUrl: server.baseUrl, fetch: await fetchWithTimeouts(timeouts), requestTimeout: 60 });
    commitMany(api);
    const first = await pushFailure(api.push());
    expect(first.message).toMatch(/^Bad luck: no complete answer came/);
    const { pushes, requests } = await drain(api, () => server.received.length);
    console.log(`${code} above 64 KiB: ${pushes + 1} pushes, ${requests} requests`);
    expect(numbersOf(server)).toEqual(Array.from({ length: COUNT }, (_, number) => number));
    expect(api.status()).toMatchObject({ committed: 0, quarantined: 0 });
    expect(pushes).toBeLessThanOrEqual(3);
    expect(requests).toBeLessThanOrEqual(30);
  },
  60_000,
);
