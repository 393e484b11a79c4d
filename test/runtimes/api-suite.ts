import { describe, expect, test } from 'vitest';
import { createEmulator } from '../../src/emulator.js';
import {
  type Api,
  type ApiOptions,
  ConfigException,
  type FetchInit,
  isApiException,
  memoryStorage,
  ValueException,
} from '../../src/index.js';
import { getFailure, pushFailure, rejectionOf } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';

function setUp(options: Partial<ApiOptions> = {}) {
  const key = { key: API_KEY, read: true, write: true };
  const emulator = createEmulator({ devices: [{ deviceId: DEVICE_ID, apiKeys: [key] }] });
  const api = openApi({ fetch: emulator.fetch, ...options });
  const stored = () => emulator.entries(DEVICE_ID).map(({ values }) => values[0]?.value);
  return { api, emulator, stored };
}

/** Minds odd numbers, or large bodies. */
function pickyFetch(refuses: (values: number[]) => 400 | 413 | undefined) {
  const sizes: number[] = [];
  const fetch = async (_url: string, { body = '' }: FetchInit): Promise<Response> => {
    const { entries } = JSON.parse(String(body)) as { entries: { values: { temperature: number }[] }[] };
    const status = refuses(entries.map(({ values }) => Number(values[0]?.temperature)));
    sizes.push(entries.length);
    return Response.json(status === undefined ? { data: {} } : { message: 'not this' }, { status: status ?? 200 });
  };
  return { fetch, sizes };
}

/** By the runtime's own syntax where it has it, and lets code be made of text; else as that would. */
async function useAndDispose(api: Api): Promise<void> {
  let use: (api: Api) => Promise<void>;
  try {
    use = new Function('api', 'return (async () => { await using own = api; })()') as typeof use;
  } catch {
    use = (own) => (Symbol.asyncDispose ? own[Symbol.asyncDispose]() : own.close({ push: true }));
  }
  await use(api);
}

export function apiSuite(): void {
  describe('push', () => {
    test('stores what was committed, oldest first, in several requests where there is much', async () => {
      const { api, stored } = setUp({ maxEntriesPerRequest: 2 });
      commitEach(api, 1, 2, 3, 4, 5);
      expect(await api.push()).toEqual({ pushed: 5, requests: 3, expired: 0 });
      expect(stored()).toEqual([1, 2, 3, 4, 5]);
      expect(api.status()).toMatchObject({ committed: 0, staged: 0, bytes: 0, pushing: false, warnings: [] });
    });

    test('sets aside what the server refuses, and stores all else', async () => {
      const { fetch } = pickyFetch((values) => (values.some((value) => value % 2 === 1) ? 400 : undefined));
      const { api } = setUp({ fetch });
      commitEach(api, 0, 1, 2, 3, 4);
      const exception = await pushFailure(api.push());
      expect(exception.quarantined.map(({ values }) => values[0]?.value)).toEqual([1, 3]);
      expect(api.status()).toMatchObject({ committed: 0, quarantined: 2 });
      expect(api.restore(api.quarantined())).toHaveLength(2);
      expect(api.status()).toMatchObject({ committed: 2, quarantined: 0 });
    });

    test('learns from 413 how large a request may be', async () => {
      const { fetch, sizes } = pickyFetch((values) => (values.length > 10 ? 413 : undefined));
      const { api } = setUp({ fetch });
      const refused: number[] = [];
      for (const _ of [1, 2]) {
        const before = sizes.length;
        commitEach(api, ...Array.from({ length: 80 }, (_, index) => index));
        expect((await api.push()).pushed).toBe(80);
        refused.push(sizes.slice(before).filter((size) => size > 10).length);
      }
      // Now and then it tries whether more goes by now.
      expect(refused).toEqual([3, 1]);
    });

    test('keeps everything after a 5xx, an answer cut off and a captive portal, and stores it later', async () => {
      const { api, emulator, stored } = setUp();
      commitEach(api, 7);
      emulator.script({ status: 503 }, { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } });
      for (const _ of [1, 2]) expect(await pushFailure(api.push())).toMatchObject({ retainedData: true });
      expect((await api.push()).pushed).toBe(1);
      expect(stored()).toEqual([7]);
      emulator.script({ cut: true });
      commitEach(api, 8);
      expect(await pushFailure(api.push())).toMatchObject({ retainedData: true });
    });

    test('ends by its signal', async () => {
      const { api, emulator } = setUp();
      emulator.script({ hang: true });
      commitEach(api, 1);
      const controller = new AbortController();
      const push = api.push({ signal: controller.signal });
      controller.abort();
      expect(await pushFailure(push)).toMatchObject({ retainedData: true });
      expect(api.status().committed).toBe(1);
    });

    test('refused credentials give what was committed back', async () => {
      const { api } = setUp({ apiKey: '44444444-4444-4444-8444-444444444444' });
      const [entry] = commitEach(api, 1);
      expect(await pushFailure(api.push())).toMatchObject({ retainedData: false, discarded: [entry] });
    });
  });

  describe('autoPush', () => {
    test('pushes automatically after a commit', async () => {
      const { api, stored } = setUp({ autoPush: { everySeconds: 0.02 } });
      const pushed = new Promise((resolve) => api.on('push', resolve));
      commitEach(api, 1, 2);
      expect(await pushed).toMatchObject({ entries: 2, requests: 1 });
      expect(stored()).toEqual([1, 2]);
    });

    test('reports a failure, and when it tries again', async () => {
      const { api, emulator } = setUp({ autoPush: { everySeconds: 0.02 } });
      emulator.script({ status: 503 });
      const error = new Promise((resolve) => api.on('error', resolve));
      const retry = new Promise((resolve) => api.on('retry', resolve));
      commitEach(api, 1);
      expect(await error).toMatchObject({ name: 'PushException', retainedData: true });
      expect(await retry).toMatchObject({ attempt: 1 });
      expect(typeof api.status().nextTry).toBe('number');
    });
  });

  describe('reading', () => {
    test('get gives the last values in the order asked for, without those that are unknown', async () => {
      const { api } = setUp();
      api.addValues({ a: 1, b: 'two', c: true });
      await api.commitAndPush();
      const readings = await api.get(['c', 'nothing', 'a']);
      expect(readings.map(({ fieldId, value }) => [fieldId, value])).toEqual([
        ['c', true],
        ['a', 1],
      ]);
    });

    test('get says why it could not', async () => {
      const { api, emulator } = setUp();
      emulator.script({ status: 500 });
      expect((await getFailure(api.get('a'))).message).toMatch(/^Bad luck: /);
    });

    test('watch yields at once, and when something changed', async () => {
      const { api } = setUp();
      api.addValue('a', 1);
      await api.commitAndPush();
      const values: unknown[] = [];
      for await (const [reading] of api.watch('a', { everySeconds: 1 })) {
        values.push(reading?.value);
        if (values.length === 2) break;
        api.addValue('a', 2);
        await api.commitAndPush();
      }
      expect(values).toEqual([1, 2]);
    });

    test('testConnection reports the permissions of the credentials', async () => {
      const { api } = setUp();
      const may = { reachable: true, credentials: true, canRead: true, canWrite: true };
      expect(await api.testConnection()).toMatchObject(may);
    });
  });

  describe('an Api', () => {
    test('takes names for fields', async () => {
      const { api: by, emulator } = setUp();
      const api = openApi({ fetch: emulator.fetch, fields: { room: 'id-of-room' } });
      api.addValue('room', 21.5);
      await api.commitAndPush();
      expect(await api.get('room')).toMatchObject([{ fieldId: 'id-of-room', field: 'room', value: 21.5 }]);
      expect(await by.get('id-of-room')).toMatchObject([{ value: 21.5 }]);
      const error = await rejectionOf(Promise.resolve().then(() => api.addValue('cellar', 1)));
      expect(error).toBeInstanceOf(ValueException);
    });

    test('leaves what it committed in its memoryStorage to the next one', async () => {
      const storage = memoryStorage();
      const { api: first } = setUp({ storage });
      commitEach(first, 1);
      await first.close();
      const { api: next, stored } = setUp({ storage });
      await next.ready;
      expect((await next.push()).pushed).toBe(1);
      expect(stored()).toEqual([1]);
    });

    test('without a storage keeps entries in memory, and has nothing to warn of', () => {
      const { api } = setUp();
      expect(api.status()).toMatchObject({ durability: 'none', warnings: [], online: true });
    });

    test('refuses options by name', async () => {
      const error = await rejectionOf(Promise.resolve().then(() => openApi({ requestTimeout: -1 })));
      expect(error).toBeInstanceOf(ConfigException);
      expect(isApiException(error)).toBe(true);
      expect((error as Error).message).toMatch(/requestTimeout/);
    });

    test('pushes at the end of its `await using`', async () => {
      const { api, stored } = setUp();
      commitEach(api, 1);
      await useAndDispose(api);
      expect(stored()).toEqual([1]);
    });
  });

  describe('the emulator', () => {
    test('lists what it was asked, and rejects as fetch does when its signal aborts', async () => {
      const { api, emulator } = setUp({ requestTimeout: 0.05 });
      emulator.script({ hang: true }, { delay: 0.01 });
      commitEach(api, 1);
      expect((await pushFailure(api.push())).retainedData).toBe(true);
      await api.push();
      expect(emulator.requests.map(({ method, path, entries }) => [method, path, entries])).toEqual([
        ['POST', '/api/v1/entries/', 1],
        ['POST', '/api/v1/entries/', 1],
      ]);
    });
  });
}
