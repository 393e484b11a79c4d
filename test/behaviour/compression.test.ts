import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createEmulator, type Fault } from '../../src/emulator.js';
import { type ApiOptions, gzip, type Warning } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { range } from '../support/fakes/picky-server.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

function setUp(options: Partial<ApiOptions> = {}, ...faults: Fault[]) {
  const emulator = createEmulator({
    devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read: true, write: true }] }],
  });
  emulator.script(...faults);
  const api = openApi({ compression: gzip(), fetch: emulator.fetch, ...options });
  return {
    api,
    /** Of each request, whether it was compressed, and how it was answered. */
    sent: () => emulator.requests.map(({ contentEncoding = 'plain', status }) => `${contentEncoding} ${status}`),
    stored: () => emulator.entries(DEVICE_ID).map(({ values }) => values[0]?.value),
    warned: () => api.status().warnings.map(({ code }): Warning['code'] => code),
  };
}

/** More than 1 KiB of body. */
const many = range(1, 50);
const refusal: Fault = { status: 415, message: 'No gzip here' };
const outage: Fault = { status: 503 };

describe('compression', () => {
  test('bodies above 1 KiB go as gzip, and arrive whole', async () => {
    const { api, sent, stored, warned } = setUp();
    commitEach(api, 1);
    await api.push();
    commitEach(api, ...many);
    expect(await api.push()).toEqual({ pushed: 50, requests: 1, expired: 0 });
    expect(sent()).toEqual(['plain 200', 'gzip 200']);
    expect(stored()).toEqual([1, ...many]);
    expect(warned()).toEqual([]);
  });

  test('text beyond ASCII comes back equal, from a real server over a real fetch', async () => {
    const bodies: string[] = [];
    const url = await serveOnLoopback(async (request) => {
      expect(request.headers.get('content-encoding')).toBe('gzip');
      expect(request.headers.get('content-type')).toBe('application/json');
      bodies.push(String(gunzipSync(await request.arrayBuffer())));
      return Response.json({ data: {} });
    });
    const api = openApi({ compression: gzip(), baseUrl: url });
    const text = 'å€😀'.repeat(500);
    api.addValue('t', text);
    await api.commitAndPush();
    expect(JSON.parse(bodies[0] ?? '').entries[0].values).toEqual([{ t: text }]);
  });

  test('limits count the plain body', async () => {
    const server = new FakeServer();
    const api = openApi({ compression: gzip(), maxBytesPerRequest: 2000 }, { transport: server });
    commitEach(api, ...range(1, 200));
    await api.push();
    expect(server.requests.length).toBeGreaterThan(4);
    for (const { body = '', compressed } of server.requests) {
      expect(body.length).toBeLessThanOrEqual(2000);
      if (compressed) expect(String(gunzipSync(compressed))).toBe(body);
    }
  });

  test('a server that does not take it gets the request plainly, and from then on all plainly, with a warning', async () => {
    const { api, sent, stored, warned } = setUp({}, refusal);
    commitEach(api, ...many);
    expect(await api.push()).toEqual({ pushed: 50, requests: 2, expired: 0 });
    commitEach(api, ...many);
    await api.push();
    expect(sent()).toEqual(['gzip 415', 'plain 200', 'plain 200']);
    expect(stored()).toEqual([...many, ...many]);
    expect(warned()).toEqual(['compression-off']);
  });

  test.each<[string, Fault]>([
    ['400', { status: 400 }],
    ['401', { status: 401 }],
    ['a page', { status: 403, body: '<html>' }],
    ['500', { status: 500 }],
  ])('so it is whatever the refusal looks like: %s', async (_, fault) => {
    const { api, sent } = setUp({}, fault);
    commitEach(api, ...many);
    await api.push();
    expect(sent().slice(1)).toEqual(['plain 200']);
    expect(api.quarantined()).toEqual([]);
  });

  test('an outage decides nothing: the next push tries it again', async () => {
    const { api, sent, warned } = setUp({}, outage, outage, outage, outage);
    commitEach(api, ...range(1, 400));
    await expect(api.push()).rejects.toMatchObject({ message: expect.stringContaining('503'), status: 503 });
    await api.push();
    expect(sent().slice(0, 2)).toEqual(['gzip 503', 'plain 503']);
    expect(sent().slice(4, 6)).toEqual(['gzip 200', 'gzip 200']);
    expect(warned()).toEqual([]);
  });

  test('the plain response is judged, not the compressed one', async () => {
    const { api } = setUp(
      { maxEntriesPerRequest: 50 },
      { status: 400, message: 'first' },
      { status: 429, message: 'second' },
    );
    commitEach(api, ...many);
    await expect(api.push()).rejects.toThrow('the server answered 429: second');
    expect(api.quarantined()).toEqual([]);
  });

  test('once a compressed request was stored, none is sent twice', async () => {
    const { api, sent, warned } = setUp();
    commitEach(api, ...many);
    await api.push();
    commitEach(api, ...many);
    await api.push();
    expect(sent()).toEqual(['gzip 200', 'gzip 200']);
    expect(warned()).toEqual([]);
  });

  test('a failure after that is judged as it is', async () => {
    const { api, sent } = setUp({}, { delay: 0 }, outage, outage);
    commitEach(api, ...many);
    await api.push();
    commitEach(api, ...many);
    await expect(api.push()).rejects.toThrow('503');
    expect(sent()).toEqual(['gzip 200', 'gzip 503', 'gzip 503']);
  });

  test.each(['CompressionStream', 'Blob'])(
    'where the platform has no %s all goes plainly, with the warning',
    async (name) => {
      vi.stubGlobal(name, undefined);
      onTestFinished(() => void vi.unstubAllGlobals());
      const { api, sent, warned } = setUp();
      commitEach(api, ...many);
      await api.push();
      expect(sent()).toEqual(['plain 200']);
      expect(warned()).toEqual(['compression-off']);
      expect(api.status().warnings[0]?.message).toContain('this platform has no CompressionStream');
    },
  );

  test('each Api finds out separately, though the options are shared', async () => {
    const compression = gzip();
    const refusing = setUp({ compression }, refusal);
    const taking = setUp({ compression });
    for (const { api } of [refusing, taking]) {
      commitEach(api, ...many);
      await api.push();
      commitEach(api, ...many);
      await api.push();
    }
    expect(taking.sent()).toEqual(['gzip 200', 'gzip 200']);
    expect(refusing.sent()).toEqual(['gzip 415', 'plain 200', 'plain 200']);
  });

  test('the request of a page that goes away is plain: there is no later task', () => {
    const server = new FakeServer(() => held().answer);
    const environment = new FakeEnvironment();
    const api = openApi({ compression: gzip(), flushOnHide: true }, { transport: server, environment });
    commitEach(api, ...many);
    environment.dispatch('pagehide');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.compressed).toBeUndefined();
    expect(server.requests[0]?.headers['content-encoding']).toBeUndefined();
  });

  test('an abort while the body is compressed sends nothing', async () => {
    const server = new FakeServer();
    const api = openApi({ compression: gzip() }, { transport: server });
    commitEach(api, ...many);
    const controller = new AbortController();
    const push = api.push({ signal: controller.signal });
    controller.abort();
    await expect(push).rejects.toThrow('aborted');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.requests).toEqual([]);
    expect(await api.push()).toMatchObject({ pushed: 50 });
    expect(server.requests).toHaveLength(1);
  });

  test('an abort of the compressed request is not followed by a plain one', async () => {
    const first = held();
    const server: FakeServer = new FakeServer(() => (server.requests.length === 1 ? first.answer : received(200)));
    const api = openApi({ compression: gzip() }, { transport: server });
    commitEach(api, ...many);
    const controller = new AbortController();
    const push = api.push({ signal: controller.signal });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    controller.abort();
    await expect(push).rejects.toThrow('aborted');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.requests).toHaveLength(1);
    await api.push();
    expect(server.requests.map(({ compressed }) => compressed !== undefined)).toEqual([true, true]);
  });

  test.each([true, 'gzip', {}])('is refused by name unless it is gzip(): %s', (compression) => {
    expect(() => openApi({ compression: compression as never })).toThrow('compression must be gzip(), got');
  });
});
