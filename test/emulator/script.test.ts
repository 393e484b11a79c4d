import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Fault } from '../../src/emulator.js';
import { BASE_URL, DEVICE, get, HEADERS, post, read, standing, upload } from './helpers.js';

const body = upload(['a', 1]);

describe('script()', () => {
  test('gives each request the next fault, then none', async () => {
    const emulator = standing();
    emulator.script({ status: 500 }, { status: 502 });
    emulator.script({ status: 503 });
    const statuses: number[] = [];
    for (let count = 0; count < 5; count++) statuses.push((await emulator.fetch(post(body))).status);
    expect(statuses).toEqual([500, 502, 503, 200, 200]);
    expect(emulator.entries(DEVICE)).toHaveLength(2);
  });

  test('spares preflights', async () => {
    const emulator = standing();
    emulator.script({ status: 500 });
    const headers = { 'Access-Control-Request-Method': 'GET' };
    const preflight = new Request(`${BASE_URL}values/a`, { method: 'OPTIONS', headers });
    expect((await emulator.fetch(preflight)).status).toBe(204);
    expect((await emulator.fetch(get('values/a'))).status).toBe(500);
  });

  test('hits unknown routes and strangers too', async () => {
    const emulator = standing();
    emulator.script({ status: 500 }, { status: 500 });
    expect((await emulator.fetch(get('nothing'))).status).toBe(500);
    expect((await emulator.fetch(get('values/a', {}))).status).toBe(500);
  });

  test.each([
    ['got undefined', undefined],
    ['got 503', 503],
    ['got {}', {}],
    ['got {"statos":503}', { statos: 503 }],
    ['got {"status":199}', { status: 199 }],
    ['got {"status":600}', { status: 600 }],
    ['got {"status":200.5}', { status: 200.5 }],
    ['got {"status":500,"message":5}', { status: 500, message: 5 }],
    ['"body":"b"', { status: 500, message: 'a', body: 'b' }],
    ['got {"status":204,"message":"a"}', { status: 204, message: 'a' }],
    ['got {"status":304,"body":""}', { status: 304, body: '' }],
    ['got {"status":500,"headers":{"a b":"c"}}', { status: 500, headers: { 'a b': 'c' } }],
    ['got {"status":500,"headers":{"a":1}}', { status: 500, headers: { a: 1 } }],
    ['got {"status":500,"delay":1}', { status: 500, delay: 1 }],
    ['got {"delay":-1}', { delay: -1 }],
    ['got {"delay":"NaN"}', { delay: Number.NaN }],
    ['got {"delay":"Infinity"}', { delay: Number.POSITIVE_INFINITY }],
    ['got {"delay":"1"}', { delay: '1' }],
    ['got {"hang":false}', { hang: false }],
    ['got {"cut":1}', { cut: 1 }],
    ['got a bigint', 1n],
  ])('refuses what is no fault, lining up nothing: %s', async (shown, fault) => {
    const emulator = standing();
    const script = () => emulator.script({ status: 500 }, fault as Fault);
    expect(script).toThrow(TypeError);
    expect(script).toThrow(shown);
    expect((await emulator.fetch(post(body))).status).toBe(200);
  });
});

describe('{ status }', () => {
  test('answers with a message and stores nothing', async () => {
    const emulator = standing();
    emulator.script({ status: 422, message: 'no' });
    const answer = await emulator.fetch(post(body));
    expect(answer.headers.get('Content-Type')).toBe('application/json');
    expect(await read(answer)).toEqual({ status: 422, json: { message: 'no' } });
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('stores nothing even as a success', async () => {
    const emulator = standing();
    emulator.script({ status: 200 }, { status: 204 });
    expect((await emulator.fetch(post(body))).status).toBe(200);
    expect((await emulator.fetch(post(body))).status).toBe(204);
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('answers with text as it is, and with headers', async () => {
    const emulator = standing();
    const headers = { 'Content-Type': 'text/html', 'Retry-After': '7', Date: 'Thu, 01 Jan 1970 00:00:00 GMT' };
    emulator.script({ status: 200, body: '<html>', headers });
    headers['Retry-After'] = 'changed afterwards';
    const answer = await emulator.fetch(post(body));
    expect(await answer.text()).toBe('<html>');
    expect(answer.headers.get('Content-Type')).toBe('text/html');
    expect(answer.headers.get('Retry-After')).toBe('7');
    expect(answer.headers.get('Date')).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
  });

  test('without text has an empty body', async () => {
    const emulator = standing();
    emulator.script({ status: 503 });
    expect(await (await emulator.fetch(post(body))).text()).toBe('');
  });
});

describe('{ delay }', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('handles the request after so many seconds', async () => {
    const emulator = standing();
    emulator.script({ delay: 1.5 });
    const answer = emulator.fetch(post(body));
    await settle();
    vi.advanceTimersByTime(1499);
    await settle();
    expect(emulator.entries(DEVICE)).toEqual([]);
    vi.advanceTimersByTime(1);
    expect((await answer).status).toBe(200);
    expect(emulator.entries(DEVICE)).toHaveLength(1);
  });

  test('rejects at once when the request is aborted, stores nothing and leaves no timer', async () => {
    const emulator = standing();
    emulator.script({ delay: 3600 });
    await expectAbort(emulator);
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('{ hang }', () => {
  test('never answers, until the request is aborted', async () => {
    const emulator = standing();
    emulator.script({ hang: true });
    await expectAbort(emulator);
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect((await emulator.fetch(post(body))).status).toBe(200);
  });

  test('hears an abort that comes while the body is read', async () => {
    const emulator = standing();
    const controller = new AbortController();
    emulator.script({ hang: true });
    const answer = emulator.fetch(post(body, HEADERS, { signal: controller.signal }));
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('hears an abort even if nothing else holds the request', async () => {
    const emulator = standing();
    const controller = new AbortController();
    emulator.script({ hang: true });
    const answer = emulator.fetch(post(body, HEADERS, { signal: controller.signal }));
    await settle();
    collectGarbage();
    await settle();
    collectGarbage();
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('{ cut }', () => {
  test('stores an upload, but its answer breaks off in the middle', async () => {
    const emulator = standing();
    emulator.script({ cut: true });
    const answer = await emulator.fetch(post(body));
    expect(answer.status).toBe(200);
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toBe('{"dat');
    await expect(reader?.read()).rejects.toThrow(TypeError);
    expect(emulator.entries(DEVICE)).toHaveLength(1);
  });

  test('fails whoever reads the whole body', async () => {
    const emulator = standing();
    emulator.script({ cut: true });
    await expect((await emulator.fetch(get('values/a'))).text()).rejects.toThrow();
  });
});

test('a request aborted before it is sent never arrives', async () => {
  const emulator = standing();
  emulator.script({ status: 500 });
  const answer = emulator.fetch(post(body, HEADERS, { signal: AbortSignal.abort() }));
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  expect(emulator.requests).toEqual([]);
  expect((await emulator.fetch(post(body))).status).toBe(500);
});

test('a clock that throws is no answer of the server', async () => {
  let calls = 0;
  const emulator = standing({
    now: () => {
      if (calls++ === 0) throw new Error('the clock broke');
      return 0;
    },
  });
  await expect(emulator.fetch(post(body))).rejects.toThrow('the clock broke');
});

async function expectAbort(emulator: ReturnType<typeof standing>): Promise<void> {
  const controller = new AbortController();
  const answer = emulator.fetch(post(body, HEADERS, { signal: controller.signal }));
  const winner = await Promise.race([answer, settle().then(() => 'pending')]);
  expect(winner).toBe('pending');
  controller.abort();
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
}

/** Lets everything happen that waits for no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
