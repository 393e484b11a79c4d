import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AnsweredRequest } from '../../src/emulator.js';
import { BASE_URL, DEVICE, entry, get, HEADERS, KEY, NOW, post, read, standing, upload } from './helpers.js';

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

describe('onRequest', () => {
  const path = '/api/v1/entries/';

  /** An emulator, and the requests that it reports. */
  function reporting() {
    const reports: AnsweredRequest[] = [];
    return { reports, emulator: standing({ onRequest: (request) => void reports.push(request) }) };
  }

  test('reports each answered request, with the entries that it stored, however they were sent', async () => {
    const { emulator, reports } = reporting();
    const headers = { ...HEADERS, 'content-encoding': 'gzip' };
    const body = gzipSync(JSON.stringify(upload(['b', 2])));
    const stored = (fieldId: string, value: number) => ({
      deviceId: DEVICE,
      entries: [{ timestamp: NOW, values: [{ fieldId, value }] }],
    });
    emulator.script({ cut: true });
    await emulator.fetch(post(upload(['a', 1])));
    await emulator.fetch(`${BASE_URL}entries/`, { method: 'POST', headers, body });
    await emulator.fetch(get('values/a'));
    expect(reports).toMatchObject([
      { method: 'POST', path, status: 200, entries: 1, stored: stored('a', 1) },
      { method: 'POST', path, status: 200, entries: 1, contentEncoding: 'gzip', stored: stored('b', 2) },
      { method: 'GET', path: '/api/v1/values/a', status: 200, entries: undefined, stored: undefined },
    ]);
    expect(JSON.stringify(reports)).not.toContain(KEY);
  });

  test('reports no stored entries of a refused upload, and none that were stored before', async () => {
    const { emulator, reports } = reporting();
    const named = { ...HEADERS, 'x-entry-ids': 'w/1-1' };
    emulator.script({ status: 200 });
    await emulator.fetch(post(upload(['a', 1]), named));
    await emulator.fetch(post(upload(['a', null])));
    await emulator.fetch(post(upload(['a', 1]), named));
    await emulator.fetch(post(upload(['a', 1]), named));
    expect(reports.map(({ status, entries, stored }) => [status, entries, stored?.entries.length])).toEqual([
      [200, 1, undefined],
      [400, 1, undefined],
      [200, 1, 1],
      [200, 1, 0],
    ]);
  });

  test('reports neither preflights nor requests that are never answered', async () => {
    const { emulator, reports } = reporting();
    const headers = { 'Access-Control-Request-Method': 'GET' };
    await emulator.fetch(new Request(`${BASE_URL}values/a`, { method: 'OPTIONS', headers }));
    emulator.script({ hang: true });
    const hanging = emulator.fetch(post(upload(['a', 1]), HEADERS, { signal: AbortSignal.timeout(20) }));
    await expect(hanging).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(reports).toEqual([]);
  });

  test('changes neither an answer nor what is stored, whether it throws or alters the report', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => complaint.mockRestore());
    const emulator = standing({
      onRequest({ stored }) {
        (stored?.entries as unknown[] | undefined)?.splice(0);
        throw new Error('no printer');
      },
    });
    expect(await read(emulator.fetch(post(upload(['a', 1]))))).toEqual({ status: 200, json: { data: {} } });
    expect(emulator.entries(DEVICE)).toHaveLength(1);
    expect(complaint.mock.calls).toEqual([[expect.stringContaining('onRequest'), new Error('no printer')]]);
  });
});
