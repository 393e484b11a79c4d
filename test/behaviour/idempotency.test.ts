import { describe, expect, test } from 'vitest';
import { decodeEntryIds } from '../../src/core/model/entry-ids.js';
import type { TransportRequest } from '../../src/core/ports/transport.js';
import { createEmulator } from '../../src/emulator.js';
import { type ApiOptions, memoryStorage } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { destination } from '../support/builders/stored-entry.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { PickyServer, range } from '../support/fakes/picky-server.js';
import { replyJson, StubFetch } from '../support/fakes/stub-fetch.js';

function setUp(options: Partial<ApiOptions> = {}) {
  const emulator = createEmulator({
    devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read: true, write: true }] }],
  });
  const api = openApi({ idempotency: true, fetch: emulator.fetch, ...options });
  return { api, emulator, stored: () => emulator.entries(DEVICE_ID).map(({ values }) => values[0]?.value) };
}

const idsOf = ({ headers }: TransportRequest): string | undefined => headers['x-entry-ids'];

describe('idempotency', () => {
  test('is off by default: no request has the header', async () => {
    const server = new FakeServer();
    const api = openApi({}, { transport: server });
    commitEach(api, 1);
    await api.push();
    await api.testConnection();
    expect(server.requests.filter((request) => idsOf(request) !== undefined)).toEqual([]);
  });

  test('names the entries of each request, in the order of the body', async () => {
    const { api, emulator } = setUp({ maxEntriesPerRequest: 2 });
    const entries = commitEach(api, 1, 2, 3);
    await api.push();
    const [, writer] = /^(.*)-1$/.exec(entries[0]?.id ?? '') ?? [];
    expect(emulator.requests.map(({ entryIds }) => entryIds)).toEqual([`${writer}/1-2`, `${writer}/3`]);
  });

  test('the entries of a response that is lost are stored once', async () => {
    const { api, emulator, stored } = setUp();
    emulator.script({ cut: true }, { cut: true });
    commitEach(api, 1, 2);
    await expect(api.push()).rejects.toThrow('Bad luck');
    commitEach(api, 3);
    expect(await api.push()).toMatchObject({ pushed: 3 });
    expect(stored()).toEqual([1, 2, 3]);
  });

  test('without it they are stored twice', async () => {
    const { api, emulator, stored } = setUp({ idempotency: false });
    emulator.script({ cut: true });
    commitEach(api, 1);
    await api.push().catch(() => {});
    await api.push();
    expect(stored()).toEqual([1, 1]);
  });

  test('the next run names adopted entries as the run that committed them did', async () => {
    const storage = memoryStorage();
    const { api, emulator, stored } = setUp({ storage });
    emulator.script({ cut: true }, { cut: true });
    commitEach(api, 1, 2);
    await api.push().catch(() => {});
    await api.close();
    const next = openApi({ idempotency: true, fetch: emulator.fetch, storage });
    await next.ready;
    commitEach(next, 3);
    await next.push();
    expect(stored()).toEqual([1, 2, 3]);
    expect(emulator.requests.at(-1)?.entryIds).toMatch(/^[\da-z]{16}\/1-2;[\da-z]{16}\/1$/);
  });

  test('a batch ends before the header exceeds 4 KiB', async () => {
    const clock = new FakeClock();
    const storage = memoryStorage();
    // As the dead runs of a device that restarts often leave them.
    for (let run = 0; run < 400; run++) {
      const writer = storage.open(destination, clock);
      const entry = { writer: writer.id, sequence: 1, timestamp: run, values: `[{"a":${run}}]`, bytes: 20 };
      writer.save(entry, { clearsStaged: false });
      writer.close();
    }
    const server = new FakeServer();
    const api = openApi({ idempotency: true, storage }, { transport: server, clock });
    await api.ready;
    expect(await api.push()).toMatchObject({ pushed: 400 });
    expect(server.requests.length).toBeGreaterThan(1);
    for (const [index, request] of server.requests.entries()) {
      const [ids = '', { length: count } = []] = [idsOf(request), server.uploads[index]];
      expect(ids.length).toBeLessThanOrEqual(4080);
      expect(decodeEntryIds(ids, count)).toHaveLength(count);
    }
    expect(server.uploads.flat()).toHaveLength(400);
  });

  test('names the halves of a batch in which the server refuses an entry', async () => {
    const server = new PickyServer((value) => value === 3);
    const api = openApi({ idempotency: true }, { transport: server });
    commitEach(api, ...range(1, 8));
    await expect(api.push()).rejects.toThrow('Bad request');
    expect(api.quarantined()).toHaveLength(1);
    for (const [index, request] of server.requests.entries())
      expect(decodeEntryIds(idsOf(request) ?? '', server.sizes[index] ?? 0)).toBeDefined();
  });

  test('the request of a page that goes away names its entries too', async () => {
    const server = new FakeServer(() => held().answer);
    const environment = new FakeEnvironment();
    const api = openApi({ idempotency: true, flushOnHide: true }, { transport: server, environment });
    commitEach(api, 1, 2);
    environment.dispatch('pagehide');
    expect(server.requests).toMatchObject([
      { keepalive: true, headers: { 'x-entry-ids': expect.stringMatching(/^[\da-z]{16}\/1-2$/) } },
    ]);
    await turn();
  });

  test('an entry that is restored is another one', async () => {
    const { api, emulator, stored } = setUp({ onRefusedCredentials: 'discard' });
    const refused = { status: 401, message: 'No.' };
    emulator.script(refused, refused);
    commitEach(api, 1);
    const exception = await api.push().catch((error) => error);
    api.restore(exception.discarded);
    await api.push();
    expect(stored()).toEqual([1]);
    expect(emulator.requests.at(-1)?.entryIds).toMatch(/\/2$/);
  });
});

describe('testConnection() with idempotency', () => {
  test('sends the header, and is content with a server that takes it', async () => {
    const { api, emulator } = setUp();
    expect(await api.testConnection()).toMatchObject({
      canWrite: true,
      advice: expect.stringMatching(/^Nothing to do/),
    });
    expect(emulator.requests.map(({ entryIds }) => entryIds)).toEqual([undefined, '']);
  });

  test('names a preflight that fails because of it', async () => {
    const stub = new StubFetch(({ headers, method }) => {
      // As a page sees a preflight that does not allow the header.
      if (headers.has('x-entry-ids')) throw new TypeError('Failed to fetch');
      return replyJson(200, { data: { servertime: 1, values: [] } }, { date: method });
    });
    const api = openApi({ idempotency: true, fetch: stub.fetch });
    const { advice, ...result } = await api.testConnection();
    expect(result).toMatchObject({ reachable: true, canRead: true, canWrite: true });
    expect(advice).toMatch(/^push\(\) will fail: .*x-entry-ids.*Access-Control-Allow-Headers/);
    expect(stub.requests).toHaveLength(3);
  });

  test('does not blame the header for an outage', async () => {
    const stub = new StubFetch(({ method }) => {
      if (method === 'POST') throw new TypeError('Failed to fetch');
      return replyJson(200, { data: { servertime: 1, values: [] } });
    });
    const { advice } = await openApi({ idempotency: true, fetch: stub.fetch }).testConnection();
    expect(advice).not.toContain('x-entry-ids');
  });

  test('ends when its signal aborts, as other calls do', async () => {
    const server = new FakeServer(() => held().answer);
    const api = openApi({}, { transport: server });
    const controller = new AbortController();
    const result = api.testConnection({ signal: controller.signal });
    controller.abort();
    await expect(result).rejects.toMatchObject({ name: 'GetException' });
    await expect(api.testConnection({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'GetException' });
    await expect(api.testConnection({ signal: 5 as never })).rejects.toThrow('signal must be an AbortSignal');
    expect(server.requests).toHaveLength(1);
    server.answerWith(() => received(200));
  });
});
