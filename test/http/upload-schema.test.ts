import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { readUpload, readValidUpload, UploadBody } from '../../src/http/upload-schema.js';

const LONG_ID = 'x'.repeat(1001);
const time = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 1e11 }) },
  fc.constantFrom(-1, 1.5, 1e11 + 1, '1', null, Number.NaN),
);
const value = fc.oneof(
  { weight: 20, arbitrary: fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()) },
  fc.constantFrom(null, [], {}, 'x'.repeat(100_001), Number.POSITIVE_INFINITY),
);
const fieldId = fc.oneof(
  { weight: 20, arbitrary: fc.string() },
  fc.constantFrom('', '__proto__', 'constructor', LONG_ID),
);
const field = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.tuple(fieldId, value).map(([id, of]) => parsed(`{${JSON.stringify(id)}:${textOf(of)}}`)),
  },
  fc.constantFrom({}, { a: 1, b: 2 }, [], null, 1),
);
const listOf = (item: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 20, arbitrary: fc.array(item, { maxLength: 4 }) }, fc.constantFrom({}, null, 'list'));
const entry = fc.oneof(
  { weight: 20, arbitrary: fc.record({ timestamp: time, values: listOf(field) }, { requiredKeys: [] }) },
  fc.constantFrom(null, [], 5),
);
const body = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ clientTimestamp: time, entries: listOf(entry), more: value }, { requiredKeys: ['entries'] }),
  },
  fc.constantFrom(null, [], 5, 'text'),
);

/** `__proto__` is a property of what JSON.parse makes. */
const parsed = (text: string): unknown => JSON.parse(text);
const textOf = (of: unknown): string => JSON.stringify(of) ?? 'null';

describe('the body of an upload', () => {
  test('is read without the schema exactly if the schema takes it, to the same upload', () => {
    let valid = 0;
    fc.assert(
      fc.property(body, (input) => {
        const result = v.safeParse(UploadBody, input);
        const read = readValidUpload(input);
        valid += result.success ? 1 : 0;
        expect(read !== undefined).toBe(result.success);
        if (result.success)
          expect(read?.upload).toEqual({ ...result.output, entryCount: result.output.entries.length });
      }),
      { numRuns: 2000 },
    );
    expect(valid).toBeGreaterThan(200);
  });

  test('of 10,000 values in an entry is taken, and of one more refused by the words of the schema', () => {
    const bodyOf = (count: number) =>
      JSON.stringify({
        clientTimestamp: 1,
        entries: [{ timestamp: 1, values: Array.from({ length: count }, () => ({ a: 1 })) }],
      });
    expect(readUpload(bodyOf(10_000)).fault).toBeUndefined();
    expect(readUpload(bodyOf(10_001)).fault).toEqual({
      status: 400,
      message: 'entries[0].values must be at most 10000 values, got an array',
    });
  });
});
