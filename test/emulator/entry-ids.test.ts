import { describe, expect, test } from 'vitest';
import { BASE_URL, DEVICE, entry, get, HEADERS, NOW, OTHER_DEVICE, post, read, STRANGER, standing } from './helpers.js';

const body = (...values: number[]) => ({
  clientTimestamp: NOW,
  entries: values.map((value) => entry(NOW, ['a', value])),
});
const named = (ids: string, headers = HEADERS) => ({ ...headers, 'x-entry-ids': ids });
type Emulator = ReturnType<typeof standing>;
const valuesOf = (emulator: Emulator, device = DEVICE) =>
  emulator.entries(device).map(({ values }) => values[0]?.value);

describe('an upload whose entries are named', () => {
  test('stores an entry of a writer and sequence once', async () => {
    const emulator = standing();
    await emulator.fetch(post(body(1, 2), named('w/1-2')));
    const again = await read(emulator.fetch(post(body(2, 3, 4), named('w/2-3;v/2'))));
    expect(again).toEqual({ status: 200, json: { data: {} } });
    expect(valuesOf(emulator)).toEqual([1, 2, 3, 4]);
    expect(emulator.requests.map(({ entryIds }) => entryIds)).toEqual(['w/1-2', 'w/2-3;v/2']);
  });

  test('stores an entry that is named twice in one request once', async () => {
    const emulator = standing();
    await emulator.fetch(post(body(1, 1, 2), named('w/1,1-2')));
    expect(valuesOf(emulator)).toEqual([1, 2]);
  });

  test('an entry that is stored already does not come back as the last value', async () => {
    const emulator = standing();
    await emulator.fetch(post(body(1), named('w/1')));
    await emulator.fetch(post(body(2), named('w/2')));
    await emulator.fetch(post(body(1), named('w/1')));
    const { json } = await read(emulator.fetch(get('values/a')));
    expect(json.data.values).toEqual([{ a: { value: 2, timestamp: NOW } }]);
  });

  test('is known for its own device only', async () => {
    const emulator = standing();
    await emulator.fetch(post(body(1), named('w/1')));
    await emulator.fetch(post(body(2), named('w/1', { 'x-device-id': OTHER_DEVICE, 'x-api-key': STRANGER })));
    expect([valuesOf(emulator), valuesOf(emulator, OTHER_DEVICE)]).toEqual([[1], [2]]);
  });

  test('without names each entry is stored each time', async () => {
    const emulator = standing();
    for (let time = 0; time < 2; time++) await emulator.fetch(post(body(1)));
    expect(valuesOf(emulator)).toEqual([1, 1]);
  });

  test('of an upload that a fault answers is stored with the next', async () => {
    const emulator = standing();
    emulator.script({ status: 503 }, { cut: true });
    for (let time = 0; time < 3; time++) await emulator.fetch(post(body(1), named('w/1')));
    expect(valuesOf(emulator)).toEqual([1]);
  });

  test.each(['w/1', 'w/1-3', 'nonsense', 'w/2-1', 'w/1-9007199254740991', ''])(
    'is refused whole where the header does not name its two entries: %s',
    async (ids) => {
      const emulator = standing();
      const { status, json } = await read(emulator.fetch(post(body(1, 2), named(ids))));
      expect([status, json.message]).toEqual([400, expect.stringContaining('x-entry-ids must name each entry')]);
      expect(valuesOf(emulator)).toEqual([]);
    },
  );

  test('a page may send the headers: preflights allow them', async () => {
    const headers = { 'Access-Control-Request-Method': 'POST', Origin: 'https://page.test' };
    const answer = await standing().fetch(new Request(`${BASE_URL}entries/`, { method: 'OPTIONS', headers }));
    const allowed = answer.headers.get('access-control-allow-headers')?.split(', ');
    expect(allowed).toEqual(expect.arrayContaining(['x-entry-ids', 'content-encoding', 'x-api-key', 'content-type']));
  });

  test('the log shows no more than the first 4096 characters of the header', async () => {
    const emulator = standing();
    await emulator.fetch(post(body(1), named('x'.repeat(5000))));
    expect(emulator.requests[0]?.entryIds).toHaveLength(4096);
  });
});
