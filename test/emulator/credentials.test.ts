import { describe, expect, test } from 'vitest';
import {
  DEVICE,
  get,
  HEADERS,
  KEY,
  OTHER_DEVICE,
  post,
  READ_KEY,
  read,
  STRANGER,
  standing,
  upload,
  WRITE_KEY,
} from './helpers.js';

const as = (deviceId: string, apiKey: string) => ({ ...HEADERS, 'x-device-id': deviceId, 'x-api-key': apiKey });

describe('credentials', () => {
  test.each([
    ['an unknown device', as(STRANGER, KEY)],
    ['an unknown key', as(DEVICE, STRANGER)],
    ["another device's key", as(OTHER_DEVICE, KEY)],
    ['device id and key swapped', as(KEY, DEVICE)],
    ['no device id', { 'x-api-key': KEY }],
    ['no key', { 'x-device-id': DEVICE }],
  ])('%s is a 401, before the body is looked at', async (_, headers) => {
    const emulator = standing();
    const expected = { status: 401, json: { message: 'Unknown Device ID or API Key' } };
    expect(await read(emulator.fetch(post('no JSON', headers)))).toEqual(expected);
    expect(await read(emulator.fetch(post(upload(['a', 1]), headers)))).toEqual(expected);
    expect(await read(emulator.fetch(get('values/a', headers)))).toEqual(expected);
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect(emulator.entries(OTHER_DEVICE)).toEqual([]);
  });

  test('a key without write access uploads nothing, whatever the body', async () => {
    const emulator = standing();
    const expected = { status: 403, json: { message: 'The API Key has no write access' } };
    expect(await read(emulator.fetch(post(upload(['a', 1]), as(DEVICE, READ_KEY))))).toEqual(expected);
    expect(await read(emulator.fetch(post('no JSON', as(DEVICE, READ_KEY))))).toEqual(expected);
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect((await emulator.fetch(get('values/a', as(DEVICE, READ_KEY)))).status).toBe(200);
  });

  test('a key without read access reads nothing', async () => {
    const emulator = standing();
    expect((await emulator.fetch(post(upload(['a', 1]), as(DEVICE, WRITE_KEY)))).status).toBe(200);
    const expected = { status: 403, json: { message: 'The API Key has no read access' } };
    expect(await read(emulator.fetch(get('values/a', as(DEVICE, WRITE_KEY))))).toEqual(expected);
    expect((await emulator.fetch(get('values/%zz', as(DEVICE, WRITE_KEY)))).status).toBe(403);
  });

  test('case does not matter', async () => {
    const emulator = standing();
    const shouted = as(DEVICE.toUpperCase(), KEY.toUpperCase());
    expect((await emulator.fetch(post(upload(['a', 1]), shouted))).status).toBe(200);
    expect(emulator.entries(DEVICE.toUpperCase())).toEqual(emulator.entries(DEVICE));
    expect(emulator.entries(DEVICE)).toHaveLength(1);
  });

  test('each device has entries of its own', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 1])));
    expect(emulator.entries(OTHER_DEVICE)).toEqual([]);
    const { json } = await read(emulator.fetch(get('values/a', as(OTHER_DEVICE, STRANGER))));
    expect(json.data.values).toEqual([]);
  });

  test('no message repeats the key, wherever it was put', async () => {
    const emulator = standing();
    const answers = [
      emulator.fetch(get('values/a', as(KEY, KEY))),
      emulator.fetch(get(`${KEY}/`)),
      emulator.fetch(get(`values/${KEY},%zz`)),
      emulator.fetch(post(upload(['a', 1]), as(DEVICE, READ_KEY))),
      emulator.fetch(post(upload([KEY, null]))),
      emulator.fetch(post({ clientTimestamp: KEY, entries: [] })),
      emulator.fetch(post(KEY)),
    ];
    for (const { status, json } of await Promise.all(answers.map(read))) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(json.message).not.toMatch(new RegExp(`${KEY}|${READ_KEY}`));
    }
    expect(JSON.stringify(emulator.requests.slice(-2))).not.toContain(KEY);
  });
});
