import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Api, gzip, memoryStorage } from '../../src/index.js';
import { BASE_URL, DEVICE, entry, get, HEADERS, KEY, NOW, post, read, standing, upload } from './helpers.js';

/** An emulator that refuses the field "boiler" above 60. */
const strict = () =>
  standing({
    refuse: ({ values }) =>
      values.some(({ fieldId, value }) => fieldId === 'boiler' && Number(value) > 60)
        ? 'the boiler is too hot'
        : undefined,
  });

describe('refuse', () => {
  test('answers 400 with its message, and stores nothing of an upload with such an entry', async () => {
    const emulator = strict();
    const body = { clientTimestamp: NOW, entries: [entry(NOW, ['a', 1]), entry(NOW, ['b', 2], ['boiler', 61])] };
    expect(await read(emulator.fetch(post(body)))).toEqual({ status: 400, json: { message: 'the boiler is too hot' } });
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect(emulator.requests).toMatchObject([{ status: 400, entries: 2 }]);
    expect((await read(emulator.fetch(get('values/a,boiler')))).json.data.values).toEqual([]);
  });

  test('leaves every other upload as it is, one without entries, too', async () => {
    const emulator = strict();
    expect((await emulator.fetch(post(upload(['boiler', 60])))).status).toBe(200);
    expect((await emulator.fetch(post({ clientTimestamp: NOW, entries: [] }))).status).toBe(200);
    expect(emulator.entries(DEVICE)).toEqual([{ timestamp: NOW, values: [{ fieldId: 'boiler', value: 60 }] }]);
  });

  test('reads a compressed upload, too', async () => {
    const body = gzipSync(JSON.stringify(upload(['boiler', 61])));
    const headers = { ...HEADERS, 'content-encoding': 'gzip' };
    expect((await strict().fetch(`${BASE_URL}entries/`, { method: 'POST', headers, body })).status).toBe(400);
  });

  test('gets a copy of each entry', async () => {
    const emulator = standing({
      refuse(given) {
        (given.values as unknown[]).splice(0);
        return undefined;
      },
    });
    await emulator.fetch(post(upload(['a', 1])));
    expect(emulator.entries(DEVICE)).toEqual([{ timestamp: NOW, values: [{ fieldId: 'a', value: 1 }] }]);
  });

  test('makes an Api quarantine that entry, and deliver the others', async () => {
    const emulator = strict();
    const api = new Api({
      deviceId: DEVICE,
      apiKey: KEY,
      fetch: emulator.fetch,
      storage: memoryStorage(),
      compression: gzip(),
    });
    for (const boiler of [50, 70, 55]) {
      api.addValue('boiler', boiler);
      api.addValue('note', 'x'.repeat(2000));
      api.commit();
    }
    await expect(api.push()).rejects.toThrow('Bad request: the boiler is too hot');
    expect(api.quarantined()).toMatchObject([{ reason: 'Bad request: the boiler is too hot' }]);
    expect(emulator.entries(DEVICE).map(({ values }) => values[0]?.value)).toEqual([50, 55]);
    expect(emulator.requests[0]).toMatchObject({ contentEncoding: 'gzip', status: 400, entries: 3 });
  });
});
