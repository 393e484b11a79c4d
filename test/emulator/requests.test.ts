import { describe, expect, test, vi } from 'vitest';
import { BASE_URL, entry, get, KEY, NOW, post, standing, upload } from './helpers.js';

describe('requests', () => {
  test('lists what arrived, in order, with how it was answered', async () => {
    const emulator = standing();
    emulator.script({ status: 503 }, { cut: true });
    const two = { clientTimestamp: NOW, entries: [entry(1, ['a', 1]), entry(2, ['a', null])] };
    await emulator.fetch(post(upload(['a', 1])));
    await emulator.fetch(post(upload(['a', 1])));
    await emulator.fetch(post(two));
    await emulator.fetch(post('no JSON'));
    await emulator.fetch(get('values/a%2Cb,c?d'));
    await emulator.fetch(get('nothing'));
    const path = '/api/v1/entries/';
    expect(emulator.requests).toEqual([
      { method: 'POST', path, status: 503, entries: 1 },
      { method: 'POST', path, status: 200, entries: 1 },
      { method: 'POST', path, status: 400, entries: 2 },
      { method: 'POST', path, status: 400, entries: undefined },
      { method: 'GET', path: '/api/v1/values/a%2Cb,c', status: 200, entries: undefined },
      { method: 'GET', path: '/api/v1/nothing', status: 404, entries: undefined },
    ]);
    expect(JSON.stringify(emulator.requests)).not.toContain(KEY);
  });

  test('has no status for what was never answered', async () => {
    const emulator = standing();
    emulator.script({ hang: true });
    void emulator.fetch(post(upload(['a', 1])));
    await vi.waitFor(() => expect(emulator.requests[0]?.entries).toBe(1));
    await emulator.fetch(get('values/a'));
    expect(emulator.requests.map(({ status, entries }) => [status, entries])).toEqual([
      [undefined, 1],
      [200, undefined],
    ]);
  });

  test('leaves out preflights', async () => {
    const emulator = standing();
    const headers = { 'Access-Control-Request-Method': 'GET' };
    await emulator.fetch(new Request(`${BASE_URL}values/a`, { method: 'OPTIONS', headers }));
    expect(emulator.requests).toEqual([]);
  });

  test('keeps the last 1000', async () => {
    const emulator = standing();
    for (let count = 0; count < 1002; count++) await emulator.fetch(get(`values/${count}`));
    expect(emulator.requests).toHaveLength(1000);
    expect(emulator.requests[0]?.path).toBe('/api/v1/values/2');
    expect(emulator.requests.at(-1)?.path).toBe('/api/v1/values/1001');
  });
});
