import { describe, expect, test } from 'vitest';
import { AWKWARD_IDS, entry, get, NOW, post, read, standing, upload, valuesPath } from './helpers.js';

describe('the latest values', () => {
  test('come with the server time, in the shape of the protocol, in the order asked', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 21.5], ['b', 'on'], ['c', false])));
    expect(await read(emulator.fetch(get('values/c,a')))).toEqual({
      status: 200,
      json: {
        data: {
          servertime: NOW,
          values: [{ c: { value: false, timestamp: NOW } }, { a: { value: 21.5, timestamp: NOW } }],
        },
      },
    });
  });

  test('leave out a field that was never written', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 1])));
    const { json } = await read(emulator.fetch(get(valuesPath(['b', 'a', ...AWKWARD_IDS]))));
    expect(json.data.values).toEqual([{ a: { value: 1, timestamp: NOW } }]);
  });

  test('are those with the highest time, not those that came last', async () => {
    const emulator = standing();
    const entries = [entry(NOW - 10, ['a', 'old']), entry(NOW - 5, ['a', 'new']), entry(NOW - 7, ['a', 'late'])];
    await emulator.fetch(post({ clientTimestamp: NOW, entries }));
    await emulator.fetch(post({ clientTimestamp: NOW, entries: [entry(NOW - 6, ['a', 'later'])] }));
    expect(await latest(emulator, 'a')).toEqual({ value: 'new', timestamp: NOW - 5 });
  });

  test('are those that arrived later, of two with one time', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 1])));
    await emulator.fetch(post(upload(['a', 2], ['a', 3])));
    expect(await latest(emulator, 'a')).toEqual({ value: 3, timestamp: NOW });
  });

  test('are shifted to the server clock, and compared by it', async () => {
    const emulator = standing();
    const ahead = NOW + 3600;
    await emulator.fetch(post({ clientTimestamp: ahead, entries: [entry(ahead - 20, ['a', 'from ahead'])] }));
    expect(await latest(emulator, 'a')).toEqual({ value: 'from ahead', timestamp: NOW - 20 });
    await emulator.fetch(post({ clientTimestamp: 60, entries: [entry(50, ['a', 'from 1970'])] }));
    expect(await latest(emulator, 'a')).toEqual({ value: 'from 1970', timestamp: NOW - 10 });
  });

  test.each(AWKWARD_IDS.map((fieldId) => [fieldId]))('can be asked for field %j', async (fieldId) => {
    const emulator = standing();
    await emulator.fetch(post(upload([fieldId, 1], ['other', 2])));
    const { json } = await read(emulator.fetch(get(valuesPath(['other', fieldId]))));
    expect(Object.entries(json.data.values[1] ?? {})).toEqual([[fieldId, { value: 1, timestamp: NOW }]]);
  });

  test.each(['%', '%zz', '%E0%A4', 'a,%2', '%%32%43', 'a,,b', ','])('cannot be asked for by %s', async (path) => {
    const { status, json } = await read(standing().fetch(get(`values/${path}`)));
    expect(status).toBe(400);
    expect(json.message).toMatch(/^field id \[\d\] is empty or not percent-encoded$/);
  });
});

async function latest(emulator: ReturnType<typeof standing>, fieldId: string): Promise<unknown> {
  const { json } = await read(emulator.fetch(get(valuesPath([fieldId]))));
  return json.data.values[0]?.[fieldId];
}
