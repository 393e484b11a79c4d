import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QueuedEntry } from '../../../src/core/model/entry.js';
import { encodeValues, encodeWithSize, utf8Length } from '../../../src/core/model/values-json.js';
import { batchLength, bodyBytes, joinBody } from '../../../src/core/push/batch.js';
import { ClockCorrection } from '../../../src/core/time/clock-correction.js';
import type { FieldValue } from '../../../src/index.js';
import { fieldId, fieldValue } from '../../support/builders/arbitraries.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

interface Sample {
  readonly entry: QueuedEntry;
  /** The entry as JSON should have it. */
  readonly json: string;
}

const timestamp = fc.integer({ min: 0, max: 99_999_999_999 });
const values = fc.array(fc.tuple(fieldId, fieldValue), { minLength: 1, maxLength: 4 });

const sample: fc.Arbitrary<Sample> = fc.tuple(timestamp, values).map(([timestamp, values]) => {
  const text = encodeValues(values.map(([fieldId, value]) => ({ fieldId, value })));
  const objects = values.map(([id, value]): Record<string, FieldValue> => ({ [id]: value }));
  return {
    entry: {
      writer: 'w',
      sequence: 1,
      timestamp,
      values: text,
      bytes: Buffer.byteLength(text),
      origin: 'committed',
      epoch: undefined,
    },
    json: JSON.stringify({ timestamp, values: objects }),
  };
});

const samples = fc.array(sample, { minLength: 1, maxLength: 20 });
const limits = fc.record({ maxEntries: fc.integer({ min: 1, max: 25 }), maxBytes: fc.integer({ min: 1, max: 3000 }) });

/** A clock that shows a time in seconds. */
const at = (seconds: number): ClockCorrection => new ClockCorrection(new FakeClock(seconds * 1000));

/** More than the digits of its times can make a body shorter than was reckoned with. */
const slack = (entries: number): number => 16 * (entries + 1) + 1;

describe('a batch', () => {
  test('joined is the JSON of its entries, in their order', () => {
    fc.assert(
      fc.property(samples, timestamp, (samples, now) => {
        const body = joinBody(
          samples.map(({ entry }) => entry),
          at(now),
        );
        expect(body).toBe(`{"clientTimestamp":${now},"entries":[${samples.map(({ json }) => json).join(',')}]}`);
        expect(() => JSON.parse(body)).not.toThrow();
      }),
    );
  });

  test('keeps its limits, by the real bytes of its body, unless it is a single entry', () => {
    fc.assert(
      fc.property(samples, limits, timestamp, (samples, limits, now) => {
        const entries = samples.map(({ entry }) => entry);
        const length = batchLength(entries, limits);
        const bytes = Buffer.byteLength(joinBody(entries.slice(0, length), at(now)));
        expect(length).toBeGreaterThanOrEqual(1);
        expect(length).toBeLessThanOrEqual(Math.min(limits.maxEntries, entries.length));
        if (length > 1) expect(bytes).toBeLessThanOrEqual(limits.maxBytes);
      }),
    );
  });

  test('is as long as the limits allow', () => {
    fc.assert(
      fc.property(samples, limits, timestamp, (samples, limits, now) => {
        const entries = samples.map(({ entry }) => entry);
        const length = batchLength(entries, limits);
        if (length === Math.min(limits.maxEntries, entries.length)) return;
        const oneMore = Buffer.byteLength(joinBody(entries.slice(0, length + 1), at(now)));
        expect(oneMore).toBeGreaterThan(limits.maxBytes - slack(length + 1));
      }),
    );
  });

  test('takes what fits exactly, and not a byte more', () => {
    fc.assert(
      fc.property(samples, (samples) => {
        const entries = samples.map(({ entry }) => entry);
        const limits = { maxEntries: 1000, maxBytes: bodyBytes(entries) };
        expect(batchLength(entries, limits)).toBe(entries.length);
        expect(batchLength(entries, { ...limits, maxBytes: limits.maxBytes - 1 })).toBe(
          Math.max(1, entries.length - 1),
        );
      }),
    );
  });

  test('takes no more bytes than are reckoned with, however long its times are', () => {
    const longest = 9_000_000_000_000_000;
    fc.assert(
      fc.property(samples, (samples) => {
        const entries = samples.map(({ entry }) => ({ ...entry, timestamp: longest }));
        expect(Buffer.byteLength(joinBody(entries, at(longest)))).toBeLessThanOrEqual(bodyBytes(entries));
      }),
    );
  });

  test('has the time of each entry by the clock of now, also where the clock was set within a second', () => {
    const clock = new FakeClock(1_795_349_662_000);
    const correction = new ClockCorrection(clock);
    const [{ entry }] = fc.sample(sample, 1) as [Sample];
    const timestamp = correction.seconds;
    const before = { ...entry, timestamp, epoch: correction.epoch };
    clock.jump(-3_600_000);
    const after = { ...entry, timestamp, epoch: correction.epoch };
    const { entries } = JSON.parse(joinBody([before, after, before], correction)) as {
      entries: { timestamp: number }[];
    };
    expect(entries.map(({ timestamp }) => timestamp)).toEqual([timestamp - 3600, timestamp, timestamp - 3600]);
  });

  test('of a queue that is drained batch by batch holds each entry once, in order', () => {
    fc.assert(
      fc.property(samples, limits, (samples, limits) => {
        const entries = samples.map(({ entry }) => entry);
        const sent: QueuedEntry[] = [];
        for (let rest = entries; rest.length > 0; rest = entries.slice(sent.length)) {
          sent.push(...rest.slice(0, batchLength(rest, limits)));
        }
        expect(sent).toEqual(entries);
      }),
    );
  });

  test.each([
    [1, 1],
    [3, 3],
    [1000, 5],
  ])('of at most %i of five small entries has %i', (maxEntries, length) => {
    const entry = { writer: 'w', sequence: 1, timestamp: 0, values: '[{"a":1}]', bytes: 9 };
    expect(batchLength(new Array(5).fill(entry), { maxEntries, maxBytes: 524_288 })).toBe(length);
  });

  test('of entries that are each too large has one', () => {
    const values = JSON.stringify([{ a: 'x'.repeat(2000) }]);
    const entry = { writer: 'w', sequence: 1, timestamp: 0, values, bytes: values.length };
    expect(batchLength([entry, entry], { maxEntries: 1000, maxBytes: 1000 })).toBe(1);
  });

  test('of nothing is empty', () => {
    expect(batchLength([], { maxEntries: 1000, maxBytes: 1000 })).toBe(0);
  });
});

describe('utf8Length', () => {
  test('is the number of bytes of any well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });

  test.each([
    '',
    '\0',
    '\u007f',
    '\u0080',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  ])('is right at the border %j', (text) => {
    expect(utf8Length(text)).toBe(Buffer.byteLength(text));
  });
});

describe('encodeWithSize', () => {
  test('returns the number of bytes of its text, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fieldId, fieldValue), { maxLength: 4 }), (values) => {
        const { text, bytes } = encodeWithSize(values.map(([fieldId, value]) => ({ fieldId, value })));
        expect(text).toBe(JSON.stringify(values.map(([fieldId, value]) => ({ [fieldId]: value }))));
        expect(bytes).toBe(Buffer.byteLength(text));
      }),
    );
  });
});
