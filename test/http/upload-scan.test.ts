import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { scanUpload } from '../../src/http/upload-scan.js';
import { readUpload, UploadBody } from '../../src/http/upload-schema.js';

const LIMITS = { maxEntries: 10_000, maxEntryLength: 1000 };
const ID = '0a1b2c3d-0000-4000-8000-000000000001';
const time = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 1e11 - 1 }) },
  fc.constantFrom(-1, 1.5, 1e11 + 1),
);
const value = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 1e-7, 1e300, null, 'x'.repeat(2000)),
);
const field = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(fc.constantFrom(ID, 'door', 'ä'), value).map(([id, of]) => ({ [id]: of })) },
  fc.constantFrom({}, { a: 1, b: 2 }, { '': 1 }, { ['x'.repeat(1001)]: 1 }),
);
const entry = fc.record({ timestamp: time, values: fc.array(field, { maxLength: 4 }) });
const body = fc.record({ clientTimestamp: time, entries: fc.array(entry, { maxLength: 4 }) });
/** Whitespace of JSON between all tokens, none, or a space that JSON does not know. */
const text = fc
  .tuple(body, fc.constantFrom('', ' ', '\n', '\t', '\u00A0'))
  .map(([of, blank]) => JSON.stringify(of, null, blank));
/** One character is deleted, inserted or replaced. */
const edited = fc
  .tuple(text, fc.nat(), fc.constantFrom(0, 1), fc.constantFrom('', ...'{}[]",:0123456789.-+eEtrufals \u00A0\u0000\\'))
  .map(([of, at, removed, added]) => {
    const index = at % of.length;
    return of.slice(0, index) + added + of.slice(index + removed);
  });

/** @returns The head of a valid body, by the schema; `undefined` for other texts. */
function headOf(json: string) {
  try {
    const { clientTimestamp, entries } = v.parse(UploadBody, JSON.parse(json));
    return { clientTimestamp, entryCount: entries.length };
  } catch {
    return undefined;
  }
}

const bodyOf = (entries: number, values: object[] = [{ [ID]: 21.5 }, { door: 'open' }]) => ({
  clientTimestamp: 1_795_349_662,
  entries: Array.from({ length: entries }, () => ({ timestamp: 1_795_349_600, values })),
});

describe('the scan of an upload', () => {
  test('takes only what JSON and the schema take, with the same head', () => {
    let scanned = 0;
    fc.assert(
      fc.property(fc.oneof(text, edited), (json) => {
        const head = scanUpload(json, LIMITS);
        scanned += head ? 1 : 0;
        if (head) expect(head).toEqual(headOf(json));
      }),
      { numRuns: 20_000 },
    );
    expect(scanned).toBeGreaterThan(1000);
  });

  test.each([
    ['as the client writes it', JSON.stringify(bodyOf(3))],
    ['as Python writes it', JSON.stringify(bodyOf(3)).replaceAll(':', ': ').replaceAll(',', ', ')],
    ['with a line for each value', JSON.stringify(bodyOf(3), null, 2)],
    ['without values', JSON.stringify(bodyOf(3, []))],
    [
      'with each kind of value',
      JSON.stringify(bodyOf(3, [{ a: 0 }, { b: -1.25 }, { c: true }, { d: false }, { e: '' }, { ä: '€' }])),
    ],
  ])('takes a body %s', (_what, json) => {
    expect(scanUpload(json, LIMITS)).toEqual({ clientTimestamp: 1_795_349_662, entryCount: 3 });
  });

  test('takes a body without entries', () => {
    expect(scanUpload('{"clientTimestamp":1,"entries":[]}', LIMITS)).toEqual({
      clientTimestamp: 1,
      entryCount: 0,
    });
  });

  test.each<[string, string]>([
    ['a comma behind the last entry', '{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[]},]}'],
    ['a comma behind the last value', '{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":1},]}]}'],
    ['text behind its end', '{"clientTimestamp":1,"entries":[]}]'],
    ['a time with a leading zero', '{"clientTimestamp":01,"entries":[]}'],
    [
      'two values of one name in an object',
      '{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":1,"a":2}]}]}',
    ],
    [
      'a number that is not finite',
      `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":${'9'.repeat(400)}}]}]}`,
    ],
    ['a line break in a text', '{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":"\n"}]}]}'],
    ['the last control character', '{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":"\u001F"}]}]}'],
    ['a long name', JSON.stringify(bodyOf(1, [{ ['x'.repeat(1001)]: 1 }]))],
    ['more entries than allowed', JSON.stringify(bodyOf(4))],
  ])('leaves a body to the schema that has %s', (_what, json) => {
    expect(scanUpload(json, { ...LIMITS, maxEntries: 3 })).toBeUndefined();
  });

  test.each<[string, string]>([
    ['a text', `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":"${'x'.repeat(1e6)}`],
    ['whitespace', `{"clientTimestamp":1,"entries":[${' '.repeat(1e6)}`],
    ['digits', `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":0.${'1'.repeat(1e6)}`],
    ['values', `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[${'{"a":1},'.repeat(1e5)}`],
    ['entries', JSON.stringify(bodyOf(10_000)).slice(0, -1)],
  ])('comes to an end with a megabyte of %s and no end', (_what, json) => {
    expect(scanUpload(json, LIMITS)).toBeUndefined();
  });

  test('takes no body that could exhaust the stack of the engine', () => {
    const json = JSON.stringify(
      bodyOf(
        1,
        Array.from({ length: 720_000 }, () => ({ a: 1 })),
      ),
    );
    expect(scanUpload(json, LIMITS)).toBeUndefined();
    expect(readUpload(json).fault?.message).toBe('entries[0].values must be at most 10000 values, got an array');
  });

  test('is all that a reader of the head costs', () => {
    const json = JSON.stringify(bodyOf(2));
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    expect(readUpload(json).upload).toMatchObject({ clientTimestamp: 1_795_349_662, entryCount: 2 });
    expect(parse).not.toHaveBeenCalled();
  });

  test('makes the entries when they are read, as the schema does', () => {
    const json = JSON.stringify(bodyOf(2));
    expect(readUpload(json).upload?.entries).toEqual(v.parse(UploadBody, JSON.parse(json)).entries);
  });
});
