import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AWKWARD_IDS, DEVICE, entry, get, NOW, post, read, STRANGER, standing, upload, valuesPath } from './helpers.js';

describe('an upload', () => {
  test('is kept as received, in order, with the times the client sent', async () => {
    const emulator = standing();
    const clientTimestamp = NOW - 3600;
    const first = [entry(100, ['b', 21.5], ['a', 'on']), entry(5, ['c', false])];
    const answer = await read(emulator.fetch(post({ clientTimestamp, entries: first })));
    expect(answer).toEqual({ status: 200, json: { data: {} } });
    await emulator.fetch(post({ clientTimestamp, entries: [entry(50, ['a', '']), entry(50)] }));
    expect(emulator.entries(DEVICE)).toEqual([
      {
        timestamp: 100,
        values: [
          { fieldId: 'b', value: 21.5 },
          { fieldId: 'a', value: 'on' },
        ],
      },
      { timestamp: 5, values: [{ fieldId: 'c', value: false }] },
      { timestamp: 50, values: [{ fieldId: 'a', value: '' }] },
      { timestamp: 50, values: [] },
    ]);
  });

  test('keeps field ids that are names of Object', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(...AWKWARD_IDS.map((fieldId, index) => [fieldId, index] as const))));
    expect(emulator.entries(DEVICE)[0]?.values).toEqual(AWKWARD_IDS.map((fieldId, value) => ({ fieldId, value })));
  });

  test('of no entries is valid and stores nothing', async () => {
    const emulator = standing();
    expect((await emulator.fetch(post({ clientTimestamp: NOW, entries: [] }))).status).toBe(200);
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('may say more than the emulator knows', async () => {
    const body = { ...upload(['a', 1]), version: 2 };
    expect((await standing().fetch(post(body))).status).toBe(200);
  });
});

describe('entries()', () => {
  test('hands out copies', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 1])));
    const entries = emulator.entries(DEVICE);
    Object.assign(entries[0]?.values[0] ?? {}, { value: 2 });
    Object.assign(entries[0] ?? {}, { timestamp: 0, values: [] });
    entries.pop();
    expect(emulator.entries(DEVICE)).toEqual([{ timestamp: NOW, values: [{ fieldId: 'a', value: 1 }] }]);
  });

  test('names a device that is not known', () => {
    expect(() => standing().entries(STRANGER)).toThrow(`no device "${STRANGER}"`);
    expect(() => standing().entries(undefined as never)).toThrow('no device undefined');
  });
});

const VALUE = 'must be a string, a finite number or a boolean, got';
const good = entry(NOW, ['good', 1]);
const batch = (...entries: unknown[]) => ({ clientTimestamp: NOW, entries: [good, ...entries] });

describe('a bad body', () => {
  test.each([
    ['nothing', '', 'the body must be JSON'],
    ['no JSON', '{"clientTimestamp":', 'the body must be JSON'],
    ['null', null, 'the body must be an object, got null'],
    ['no client timestamp', { entries: [good] }, 'clientTimestamp is missing'],
    ['a fraction of a second', { ...batch(), clientTimestamp: 1.5 }, 'clientTimestamp must be a whole number, got 1.5'],
    [
      'a client timestamp as text',
      { ...batch(), clientTimestamp: '1' },
      'clientTimestamp must be a whole number, got a',
    ],
    ['no entries', { clientTimestamp: NOW }, 'entries is missing'],
    ['entries that are no array', { clientTimestamp: NOW, entries: {} }, 'entries must be an array, got an object'],
    ['an entry that is none', batch(7), 'entries[1] must be an object, got 7'],
    ['an entry without time', batch({ values: [] }), 'entries[1].timestamp is missing'],
    ['an entry at a fraction', batch(entry(0.5)), 'entries[1].timestamp must be a whole number, got 0.5'],
    ['an entry without a time', batch(entry(null)), 'entries[1].timestamp must be a whole number, got null'],
    ['an entry without values', batch({ timestamp: NOW }), 'entries[1].values is missing'],
    ['values in one object', batch({ timestamp: NOW, values: { a: 1 } }), 'entries[1].values must be an array'],
    ['a value without field', batch({ timestamp: NOW, values: [1] }), 'entries[1].values[0] must be an object, got 1'],
    ['a value in an array', batch({ timestamp: NOW, values: [[1]] }), 'entries[1].values[0] must be an object, got an'],
    [
      'an object of no field',
      batch({ timestamp: NOW, values: [{}] }),
      'values[0] must be an object with exactly one key',
    ],
    ['two fields in one', batch({ timestamp: NOW, values: [{ a: 1, b: 2 }] }), 'an object with exactly one key'],
    ['a field without id', batch(entry(NOW, ['', 1])), 'entries[1].values[0].fieldId must be'],
    ['null as value', batch(entry(NOW, ['a', 1], ['b', null])), `entries[1].values[1].value ${VALUE} null`],
    ['an object as value', batch(entry(NOW, ['a', {}])), `entries[1].values[0].value ${VALUE} an object`],
    ['an array as value', batch(entry(NOW, ['__proto__', [1]])), `entries[1].values[0].value ${VALUE} an array`],
    ['a number that is too large', `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":1e999}]}]}`, VALUE],
  ])('is refused whole, naming the place: %s', async (_, body, message) => {
    const emulator = standing();
    const answer = await read(emulator.fetch(post(body)));
    expect(answer).toEqual({ status: 400, json: { message: expect.stringContaining(message) } });
    expect(emulator.entries(DEVICE)).toEqual([]);
    const { json } = await read(emulator.fetch(get('values/good')));
    expect(json.data.values).toEqual([]);
  });

  test('of any shape is a 400 and stores nothing', async () => {
    const emulator = standing();
    const notScalar = fc.oneof(fc.constant(null), fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
    const notWhole = fc.oneof(
      fc.jsonValue().filter((value) => !Number.isSafeInteger(value)),
      fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
    );
    const fields = fc
      .tuple(fc.string({ minLength: 1 }), fc.jsonValue())
      .map(([fieldId, value]) => ({ [fieldId]: value }));
    const badBody = fc.oneof(
      fc.string().filter((text) => !isJson(text)),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.record({ clientTimestamp: notWhole, entries: fc.constant([good]) }),
      notWhole.map((timestamp) => batch(entry(timestamp))),
      fc.tuple(fc.string(), notScalar).map(([fieldId, value]) => batch(entry(NOW, ['a', 1], [fieldId, value]))),
      fc.tuple(fields, fields).map(([one, other]) => batch({ timestamp: NOW, values: [{ '': 1, ...one, ...other }] })),
    );
    await fc.assert(
      fc.asyncProperty(badBody, async (body) => {
        const { status, json } = await read(emulator.fetch(post(body)));
        expect(status).toBe(400);
        expect(json.message).toEqual(expect.any(String));
        expect(emulator.entries(DEVICE)).toEqual([]);
      }),
    );
  });
});

test('any field ids and values come back equal from values/', async () => {
  const fieldId = fc.oneof(
    fc.constantFrom(...AWKWARD_IDS),
    fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text !== '.' && text !== '..'),
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fieldId, value), { minLength: 1, selector: ([id]) => id }),
      async (sent) => {
        const emulator = standing();
        expect((await emulator.fetch(post(upload(...sent)))).status).toBe(200);
        const { status, json } = await read(emulator.fetch(get(valuesPath(sent.map(([id]) => id)))));
        expect(status).toBe(200);
        const received = json.data.values.flatMap((field: object) => Object.entries(field));
        // JSON has no -0.
        expect(received).toEqual(sent.map(([id, it]) => [id, { value: Object.is(it, -0) ? 0 : it, timestamp: NOW }]));
      },
    ),
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
