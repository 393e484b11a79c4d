import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRanges, encodeRanges, includes, type Ranges, rangesOf, union } from '../../src/gateway/worker/ranges.js';

const sequence = fc.integer({ min: 1, max: 60 });
const sequences = fc.array(sequence, { maxLength: 40 });
const UNLIMITED = Number.POSITIVE_INFINITY;

/** The numbers up to 70 of a set. */
const numbersOf = (ranges: Ranges): number[] =>
  Array.from({ length: 70 }, (_, index) => index + 1).filter((number) => includes(ranges, number));
const sorted = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((one, other) => one - other);

describe('ranges of sequence numbers', () => {
  test('hold exactly the numbers of both sets, in ranges that neither overlap nor touch', () => {
    fc.assert(
      fc.property(sequences, sequences, (one, other) => {
        const ranges = union(rangesOf(one), rangesOf(other));
        expect(numbersOf(ranges)).toEqual(sorted([...one, ...other]));
        for (const [index, [first, last]] of ranges.entries()) {
          expect(first).toBeLessThanOrEqual(last);
          if (index > 0) expect(first).toBeGreaterThan((ranges[index - 1]?.[1] ?? 0) + 1);
        }
      }),
    );
  });

  test('survive their text', () => {
    fc.assert(
      fc.property(sequences, (numbers) => {
        const ranges = rangesOf(numbers);
        expect(decodeRanges(encodeRanges(ranges, UNLIMITED))).toEqual(ranges);
      }),
    );
  });

  test('leave out the oldest ranges first when their text is limited', () => {
    fc.assert(
      fc.property(sequences, fc.nat({ max: 80 }), (numbers, maxLength) => {
        const ranges = rangesOf(numbers);
        const text = encodeRanges(ranges, maxLength);
        expect(text.length).toBeLessThanOrEqual(maxLength);
        const kept = decodeRanges(text);
        expect(kept).toEqual(ranges.slice(ranges.length - kept.length));
        const next = ranges.slice(ranges.length - kept.length - 1);
        if (kept.length < ranges.length) expect(encodeRanges(next, UNLIMITED).length).toBeGreaterThan(maxLength);
      }),
    );
  });

  test('of any text are a set', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d,-]*$/)), (text) => {
        const ranges = decodeRanges(text);
        expect(decodeRanges(encodeRanges(ranges, UNLIMITED))).toEqual(ranges);
      }),
    );
    expect(decodeRanges('5-3,0,7-,-8,9,99999999999999999999,12-14')).toEqual([
      [9, 9],
      [12, 14],
    ]);
  });

  test('of a thousand million numbers take no more time than one', () => {
    const ranges = decodeRanges('1-1000000000');
    expect(includes(union(ranges, rangesOf([1_000_000_001])), 1_000_000_001)).toBe(true);
  });
});
