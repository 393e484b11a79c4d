import { afterEach, describe, expect, test, vi } from 'vitest';
import { Api, memoryStorage } from '../../src/index.js';
import { BASE_URL, DEVICE, get, HEADERS, KEY, read, standing, upload } from './helpers.js';

const body = JSON.stringify(upload(['a', 1]));
const UPLOAD = { method: 'POST', headers: HEADERS, body };
const stored = { status: 200, json: { data: {} } };

afterEach(() => vi.unstubAllGlobals());

describe('F53 the emulator called with a URL and options', () => {
  test.each([
    ['an object of headers', HEADERS],
    ['pairs', Object.entries(HEADERS)],
    ['Headers', new Headers(HEADERS)],
    ['headers in capitals', { 'X-DEVICE-ID': DEVICE, 'X-Api-Key': KEY }],
  ])('takes %s', async (_kind, headers) => {
    const emulator = standing();
    expect(await read(emulator.fetch(`${BASE_URL}entries/`, { ...UPLOAD, headers }))).toEqual(stored);
    expect(emulator.entries(DEVICE)).toHaveLength(1);
  });

  test.each([
    ['text', body],
    ['bytes', new TextEncoder().encode(body)],
    ['a Blob', new Blob([body])],
  ])('takes a body as %s', async (_kind, given) => {
    const emulator = standing();
    expect(await read(emulator.fetch(new URL(`${BASE_URL}entries/`), { ...UPLOAD, body: given }))).toEqual(stored);
    expect(emulator.entries(DEVICE)).toHaveLength(1);
  });

  test('reads with GET where no method is given, a path for a URL', async () => {
    const emulator = standing();
    expect((await emulator.fetch('/api/v1/values/a', { headers: HEADERS })).status).toBe(200);
    expect((await emulator.fetch('/api/v1/values/a')).status).toBe(401);
    expect(emulator.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  test('ends a request that waits when its signal aborts', async () => {
    const emulator = standing();
    emulator.script({ hang: true });
    const controller = new AbortController();
    const answer = emulator.fetch(`${BASE_URL}entries/`, { ...UPLOAD, signal: controller.signal });
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('reads nothing but the Request where a server calls it with more', async () => {
    expect((await standing().fetch(get('values/a'), { method: 'POST', headers: {} })).status).toBe(200);
  });
});

describe('F53 without Request, Response and streams, as in jsdom', () => {
  const setUp = () => {
    for (const name of ['fetch', 'Request', 'Response', 'Headers', 'ReadableStream']) vi.stubGlobal(name, undefined);
    const emulator = standing();
    const api = new Api({ deviceId: DEVICE, apiKey: KEY, fetch: emulator.fetch, storage: memoryStorage() });
    api.addValue('a', 1);
    return { emulator, api };
  };

  test('the emulator stores what is pushed, and sends it back', async () => {
    const { emulator, api } = setUp();
    await api.commitAndPush();
    expect(emulator.entries(DEVICE)).toHaveLength(1);
    expect(await api.get('a')).toMatchObject([{ value: 1 }]);
  });

  test('its faults are those of a server', async () => {
    const { emulator, api } = setUp();
    emulator.script({ status: 503, message: 'later', headers: { 'Retry-After': '7' } }, { cut: true });
    await expect(api.commitAndPush()).rejects.toMatchObject({ message: /503: later/, retryAfter: 7 });
    await expect(api.push()).rejects.toThrow('broke off');
  });
});
