import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
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
])('F53 a fetch whose answers have %s as body is read anyway', async (_kind, body) => {
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
  // A server of the same origin would get the page's query.
  expect(fetch.mock.calls.map(([, init]) => init?.referrerPolicy)).toEqual([undefined, 'no-referrer', 'no-referrer']);
  vi.unstubAllGlobals();
  fetch.mockRestore();
});

const MIB = 1024 * 1024;

/** An injected fetch that ignores its signal, whose answers have this body. */
const answering =
  (body: unknown, headers: Record<string, string> = {}, text = async () => 'not read by its stream') =>
  async () => ({ status: 200, headers: new Headers(headers), body, text });

describe('F2 an answer longer than any of the server, of a fetch that is injected', () => {
  test('is counted while it is read, and cancelled at once', async () => {
    let [pulled, cancelled] = [0, 0];
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 1;
          controller.enqueue(new Uint8Array(MIB / 4));
        },
        cancel: () => {
          cancelled += 1;
        },
      },
      { highWaterMark: 0 },
    );
    const { answer } = fetchTransport(new SystemClock(), answering(body)).send(UPLOAD);
    expect(await answer).toEqual({ received: false, reason: 'too-long', status: 200 });
    expect([pulled, cancelled]).toEqual([5, 1]);
  });

  test('is not read where its headers say how long it is', async () => {
    let [pulled, cancelled] = [0, 0];
    const body = new ReadableStream<Uint8Array>(
      {
        pull: () => {
          pulled += 1;
        },
        cancel: () => {
          cancelled += 1;
          return Promise.reject(new Error('it is gone'));
        },
      },
      { highWaterMark: 0 },
    );
    const { answer } = fetchTransport(new SystemClock(), answering(body, { 'content-length': String(MIB + 1) })).send(
      UPLOAD,
    );
    expect(await answer).toEqual({ received: false, reason: 'too-long', status: 200 });
    expect([pulled, cancelled]).toEqual([0, 1]);
  });

  test('is destroyed where it is a stream of Node', async () => {
    const body = new Readable({ read: () => {} });
    const { answer } = fetchTransport(new SystemClock(), answering(body, { 'content-length': String(MIB + 1) })).send(
      UPLOAD,
    );
    expect(await answer).toMatchObject({ reason: 'too-long' });
    expect(body.destroyed).toBe(true);
  });

  test('is not made a text where there is no stream, as in React Native', async () => {
    const text = vi.fn(async () => 'x'.repeat(2 * MIB));
    const declared = fetchTransport(
      new SystemClock(),
      answering(undefined, { 'content-length': String(2 * MIB) }, text),
    ).send(UPLOAD);
    expect(await declared.answer).toEqual({ received: false, reason: 'too-long', status: 200 });
    expect(text).not.toHaveBeenCalled();
    const undeclared = fetchTransport(new SystemClock(), answering(undefined, {}, text)).send(UPLOAD);
    expect(await undeclared.answer).toEqual({ received: false, reason: 'too-long', status: 200 });
  });

  test('is read where it is just as long as it may be, whatever its headers say', async () => {
    for (const length of [String(MIB), '-1', 'x', '']) {
      const fetch = answering(undefined, { 'content-length': length }, async () => 'x'.repeat(MIB));
      expect(await fetchTransport(new SystemClock(), fetch).send(UPLOAD).answer).toMatchObject({ received: true });
    }
  });
});
