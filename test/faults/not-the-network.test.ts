import { getEventListeners, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { FetchLike } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { openApi } from '../support/builders/api.js';
import { deferred, reply, StubFetch } from '../support/fakes/stub-fetch.js';

const failureWith = (options: Parameters<typeof openApi>[0]) => {
  const api = openApi(options);
  api.addValue('a', 1);
  return pushFailure(api.commitAndPush());
};

describe('F57 a fault that is not of the network', () => {
  test.each<[string, () => unknown, string]>([
    ['a ReferenceError', () => new ReferenceError('x is not defined'), 'ReferenceError: x is not defined'],
    [
      'a part of the platform that is missing',
      () => new ReferenceError('Request is not defined'),
      'ReferenceError: Request is not defined (use httpFetch of nikdev-iot/node)',
    ],
    [
      'a TypeError that speaks of a network',
      () => new TypeError("Cannot read properties of undefined (reading 'network')"),
      "TypeError: Cannot read properties of undefined (reading 'network')",
    ],
    [
      'a right that Deno lacks',
      () =>
        Object.assign(new Error('Requires net access to "h:1", run again with the --allow-net flag'), {
          name: 'NotCapable',
        }),
      'NotCapable: Requires net access to "h:1", run again with the --allow-net flag',
    ],
    ['a TypeError of a program', () => new TypeError('x is not a function'), 'TypeError: x is not a function'],
    ['a string', () => 'no reason', '"no reason"'],
    ['undefined', () => undefined, 'undefined'],
  ])('%s, thrown or rejected with, is named, and everything is kept', async (_kind, make, text) => {
    const throws: FetchLike = () => {
      throw make();
    };
    for (const fetch of [throws, async () => Promise.reject(make())]) {
      const failure = await failureWith({ fetch });
      expect(failure.message).toBe(`Bad luck: the call failed before its request could be sent: fetch threw ${text}.`);
      expect(failure.advice).not.toContain('CORS');
      expect(failure.retainedData).toBe(true);
      const [, name, message = name] = /^(?:(\w+): )?(.*?)(?: \(use .*)?$/.exec(text) ?? [];
      const isError = make() instanceof Error;
      expect(failure.cause).toMatchObject({ name: isError ? name : 'Error', message });
    }
  });

  test('within the reading of an answer is named, not a connection that broke off', async () => {
    const body = () => ({
      getReader() {
        throw new ReferenceError('TextDecoder is not defined');
      },
    });
    const fetch: FetchLike = async () => ({
      ...reply(200, ''),
      headers: { get: () => null },
      status: 200,
      body: body(),
    });
    const failure = await failureWith({ fetch });
    expect(failure.message).toMatch(
      /^Bad luck: the answer \(status 200\) could not be read: ReferenceError: TextDecoder is/,
    );
    expect(failure).toMatchObject({
      cause: { name: 'ReferenceError' },
      advice: expect.stringMatching(/not the cause/),
    });
  });

  test('where there is no fetch at all is named', async () => {
    vi.stubGlobal('fetch', undefined);
    const failure = await failureWith({ fetch: undefined });
    vi.unstubAllGlobals();
    expect(failure.message).toMatch(/ReferenceError: fetch is not defined \(use httpFetch of nikdev-iot\/node\)\.$/);
  });

  test('where jsdom has no fetch names what has one', async () => {
    vi.stubGlobal('fetch', undefined);
    vi.stubGlobal('document', {});
    const failure = await failureWith({ fetch: undefined });
    vi.unstubAllGlobals();
    expect(failure.message).toMatch(/fetch is not defined \(Jest's jsdom lacks it: use jest-fixed-jsdom\)\.$/);
  });

  test('of a network is no cause', async () => {
    const failure = await failureWith({ fetch: () => Promise.reject(new TypeError('fetch failed')) });
    expect(failure.cause).toBeUndefined();
  });

  test('is named without what acts on a terminal', async () => {
    const fetch: FetchLike = () => {
      throw new TypeError(`bad header \u001b[2J ${'x'.repeat(900_000)}`);
    };
    const { message } = await failureWith({ fetch });
    expect(message).toContain('bad header  xxx');
    expect(message.length).toBeLessThan(500);
  });

  test('whose error holds the key is not repeated', async () => {
    const fetch: FetchLike = () => Promise.reject(new TypeError(`bad header ${SENTINEL_KEY}`));
    const failure = await failureWith({ fetch, apiKey: SENTINEL_KEY });
    const { message } = failure;
    expect(leaksIn(renderings(failure))).toEqual([]);
    expect(message).toMatch(/could be sent: a text that holds the API Key, and is not shown\.$/);
    expect(leaksIn(message)).toEqual([]);
  });

  test('a port that fetch blocks is named, by testConnection too', async () => {
    const options = { baseUrl: 'http://127.0.0.1:10080/', fetch: undefined };
    expect((await failureWith(options)).message).toMatch(/port of baseUrl is blocked/);
    expect(await openApi(options).testConnection()).toMatchObject({
      reachable: false,
      advice: expect.stringMatching(/port of baseUrl is blocked.*another port/),
    });
  });

  test('a TLS failure whose code has digits is named with it', async () => {
    // Without a certificate no cipher is common to both.
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const failure = await failureWith({ baseUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` });
    expect(failure.message).toMatch(/\((?:ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE|EPROTO)\)/);
    expect(failure.advice).toMatch(/^No secure connection/);
  });
});

describe("F57 a server's words", () => {
  const words = `\u001b[31mno\u001b[0m\r\nINFO all is well \u202e${'x'.repeat(900_000)}`;
  const shown = `no  INFO all is well ${'x'.repeat(279)}…`;

  test('are clean and short in the exception and the error event', async () => {
    const stub = new StubFetch(() => reply(500, JSON.stringify({ message: words })));
    const { message } = await failureWith({ fetch: stub.fetch });
    expect(message).toBe(`Bad luck: the server answered 500: ${shown}.`);
  });

  test('are clean and short in the quarantine and its event', async () => {
    const stub = new StubFetch(({ body }) =>
      body.includes('"bad"') ? reply(400, JSON.stringify({ message: words })) : reply(200, '{}'),
    );
    const api = openApi({ fetch: stub.fetch });
    const reported: string[] = [];
    api.on('quarantine', ({ message }) => void reported.push(message));
    for (const field of ['bad', 'good']) {
      api.addValue(field, 1);
      api.commit();
    }
    await pushFailure(api.push());
    const [entry] = api.quarantined();
    expect(reported).toEqual([`Bad request: ${shown}`]);
    expect(entry?.reason).toMatch(/^Bad request: no {2}INFO all is well x+…$/);
    expect(entry?.reason).toHaveLength(301);
  });

  test('are clean and short where its answer to get() has another form', async () => {
    const values = [{ [`\u202e\u0085${'x'.repeat(5000)}`]: 5 }];
    const stub = new StubFetch(() => reply(200, JSON.stringify({ data: { servertime: 1, values } })));
    const failure = await openApi({ fetch: stub.fetch })
      .get('a')
      .catch((error: Error) => error);
    expect((failure as Error).message).toMatch(/^Bad luck: .*at \["data"\]\["values"\]\[0\]\[" x+….$/);
    expect((failure as Error).message.length).toBeLessThan(400);
  });
});

test('F57 many calls with one signal add one listener to it', async () => {
  const answer = deferred<Response>();
  const stub = new StubFetch(() => answer.promise.then((response) => response.clone()));
  const api = openApi({ fetch: stub.fetch });
  const { signal } = new AbortController();
  api.addValue('a', 1);
  api.commit();
  const calls = Array.from({ length: 50 }, () => api.get('a', { signal }));
  const pushes = Array.from({ length: 50 }, () => api.push({ signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  answer.resolve(reply(200, '{"data":{"servertime":1,"values":[]}}'));
  await Promise.all([...calls, ...pushes]);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
