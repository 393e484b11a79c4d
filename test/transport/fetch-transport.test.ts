import { expect, test, vi } from 'vitest';
import { SystemClock } from '../../src/platform/system-clock.js';
import { fetchTransport } from '../../src/transport/fetch-transport.js';

const UPLOAD = {
  method: 'POST',
  url: 'https://iot.example/api/v1/entries/',
  headers: { 'x-api-key': 'key' },
  body: '{}',
  timeoutSeconds: 10,
} as const;

test('a request that outlives its page is given to the platform before anything else can happen, as address and options', async () => {
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{"data":{}}'));
  const { answer } = fetchTransport(new SystemClock()).send({ ...UPLOAD, keepalive: true });
  const { method, headers, body, url } = UPLOAD;
  expect(fetch.mock.calls).toEqual([
    [url, { method, headers, body, keepalive: true, redirect: 'manual', signal: expect.any(AbortSignal) }],
  ]);
  expect(await answer).toMatchObject({ received: true, status: 200, body: '{"data":{}}' });
  fetch.mockRestore();
});

test('a request that outlives its page has left as soon as the platform has it, and not before', async () => {
  const beacon = { dispatched: false };
  const before: boolean[] = [];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    before.push(beacon.dispatched);
    return new Response('{"data":{}}');
  });
  const { answer } = fetchTransport(new SystemClock()).send({ ...UPLOAD, keepalive: true, beacon });
  expect(beacon).toEqual({ dispatched: true });
  expect(before).toEqual([false]);
  await answer;
  fetch.mockRestore();
});

test('a request that outlives its page goes through a fetch that is injected, as any other', async () => {
  const { url, ...init } = UPLOAD;
  const calls: unknown[] = [];
  const fetch = async (...call: unknown[]): Promise<Response> => {
    calls.push(call);
    return new Response('{"data":{}}');
  };
  fetchTransport(new SystemClock(), fetch).send({ ...UPLOAD, keepalive: true });
  expect(calls).toEqual([
    [
      url,
      {
        method: init.method,
        headers: init.headers,
        body: init.body,
        keepalive: true,
        redirect: 'manual',
        signal: expect.any(AbortSignal),
      },
    ],
  ]);
});

test.each([
  ['a stream of Node', { pipe: () => {} }],
  ['no stream at all', undefined],
])('F53 a fetch whose answers have %s as body is read all the same', async (_kind, body) => {
  const answer = { status: 200, ok: true, headers: new Headers(), body, text: async () => '{"data":{}}' };
  const fetch = async (): Promise<typeof answer> => answer;
  expect(await fetchTransport(new SystemClock(), fetch).send(UPLOAD).answer).toMatchObject({
    received: true,
    status: 200,
    body: '{"data":{}}',
  });
});

test('F52 only reads in a page are asked for past the HTTP cache', async () => {
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{"data":{}}'));
  const read = { ...UPLOAD, method: 'GET' } as const;
  await fetchTransport(new SystemClock()).send(read).answer;
  vi.stubGlobal('location', { href: 'https://page.example/' });
  await fetchTransport(new SystemClock()).send(read).answer;
  await fetchTransport(new SystemClock()).send(UPLOAD).answer;
  expect(fetch.mock.calls.map(([, init]) => init?.cache)).toEqual([undefined, 'no-store', undefined]);
  vi.unstubAllGlobals();
  fetch.mockRestore();
});
