import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import type { ApiOptions, FetchLike } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { openApi } from '../support/builders/api.js';
import { asHandler, oneDevice } from '../support/servers/emulator.js';
import { closedPort, rawServer } from '../support/servers/raw-server.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const require = createRequire(import.meta.url);
const undici6 = require('undici-6');
const undici7 = require('undici-7');
const nodeFetch3 = (await import('node-fetch-3')).default;

const FETCHES: [string, FetchLike][] = [
  ['undici 6', undici6.fetch],
  ['undici 7', undici7.fetch],
  [
    'undici 7 with a dispatcher, as for a proxy',
    (url, init) => undici7.fetch(url, { ...init, dispatcher: new undici7.Agent() }),
  ],
  ["the platform's, wrapped", (url, init) => fetch(url, init)],
  ['node-fetch 2', require('node-fetch-2')],
  ['node-fetch 3', nodeFetch3],
  ['cross-fetch', require('cross-fetch')],
];

const setUp = (options: Partial<ApiOptions>) => {
  const api = openApi(options);
  api.addValue('place', 'Küche');
  api.commit();
  return api;
};

describe.each(FETCHES)('F53 the fetch of %s', (_name, fetch) => {
  test('stores and reads', async () => {
    const emulator = oneDevice();
    const url = await serveOnLoopback(asHandler(emulator));
    const api = setUp({ fetch, baseUrl: `${url}api/v1/` });
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(await api.get('place')).toMatchObject([{ value: 'Küche' }]);
  });

  test('follows no redirect', async () => {
    const asked: string[] = [];
    const baseUrl = await serveOnLoopback(({ url }) => {
      asked.push(new URL(url).pathname);
      return new Response(null, { status: 302, headers: { location: '/login' } });
    });
    expect((await pushFailure(setUp({ fetch, baseUrl }).push())).message).toMatch(/redirect/);
    expect(asked).toEqual(['/entries/']);
  });

  test('says that a connection is refused', async () => {
    const baseUrl = `http://127.0.0.1:${await closedPort()}/`;
    expect((await pushFailure(setUp({ fetch, baseUrl }).push())).message).toMatch(/reached \(ECONNREFUSED\)/);
  });

  test('says that a connection is cut off', async () => {
    const { baseUrl } = await rawServer((socket) => socket.resetAndDestroy());
    expect((await pushFailure(setUp({ fetch, baseUrl }).push())).message).toMatch(/was cut off before an answer/);
  });

  // In chunks: of a body that is shorter than its content-length node-fetch 2 never notices the end.
  test('says that an answer broke off', async () => {
    const { baseUrl } = await rawServer((socket) =>
      socket.end(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{"data":\r\n',
      ),
    );
    expect((await pushFailure(setUp({ fetch, baseUrl }).push())).message).toMatch(/\(status 200\) broke off/);
  });

  test('reads no more than 1 MiB of an answer, and ends the connection', async () => {
    const server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n');
      const more = (): void => void socket.write('x'.repeat(65_536), (error) => error ?? more());
      more();
    });
    expect((await pushFailure(setUp({ fetch, baseUrl: server.baseUrl }).push())).message).toMatch(/is longer than any/);
    await server.disconnected();
  });

  test('ends a request whose time is over', async () => {
    const server = await rawServer(() => {});
    const api = setUp({ fetch, baseUrl: server.baseUrl, requestTimeout: 0.2 });
    expect((await pushFailure(api.push())).message).toMatch(/within 0.2 s/);
    await server.disconnected();
  });
});

describe('F53 a fetch', () => {
  test("that refuses the signal of another realm's AbortController is called again without it", async () => {
    const signals: boolean[] = [];
    const fetch: FetchLike = async (_url, init) => {
      signals.push('signal' in init);
      if ('signal' in init) throw new TypeError('Expected signal ("AbortSignal {}") to be an instance of AbortSignal.');
      return new Response('{"data":{}}');
    };
    expect(await setUp({ fetch }).push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(signals).toEqual([true, false]);
  });

  test('that follows a redirect anyway stores nothing by it', async () => {
    const fetch: FetchLike = async () => Object.defineProperty(new Response('{}'), 'redirected', { value: true });
    const api = setUp({ fetch });
    expect((await pushFailure(api.push())).message).toMatch(/redirect/);
    expect(api.log()).toHaveLength(1);
  });

  test.each([
    ['undefined', undefined],
    ['an object without a status', {}],
    ['an object that can not be read', { status: 200 }],
  ])('F57 that returns %s stores nothing by it', async (_kind, response) => {
    const api = setUp({ fetch: (async () => response) as unknown as FetchLike });
    expect((await pushFailure(api.push())).message).toMatch(/fetch did not return a Response/);
    expect(api.log()).toHaveLength(1);
  });
});
