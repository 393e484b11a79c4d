import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { batchLength, bodyBytes } from '../../../src/core/push/batch.js';
import { BatchSizer } from '../../../src/core/push/batch-sizer.js';

const entry = (bytes: number): StoredEntry => ({
  writer: 'own',
  sequence: 1,
  timestamp: 1,
  values: 'x'.repeat(bytes),
  bytes,
});
const entries = (count: number, bytes = 10): StoredEntry[] => Array.from({ length: count }, () => entry(bytes));
const MAX = { maxEntries: 1000, maxBytes: 512 * 1024 };
const CUT_OFF = { isCutOff: true };

function grow(sizer: BatchSizer, times: number): void {
  for (let success = 0; success < times; success++) sizer.grow();
}

describe('the size of a batch', () => {
  test('is the configured maximum until something fails', () => {
    const sizer = new BatchSizer(MAX);
    grow(sizer, 100);
    expect(sizer.limits).toEqual(MAX);
  });

  test('is half of a failed batch, in entries and in bytes', () => {
    const sizer = new BatchSizer(MAX);
    const batch = entries(301);
    sizer.shrink(batch);
    expect(sizer.limits).toEqual({ maxEntries: 151, maxBytes: Math.ceil(bodyBytes(batch) / 2) });
  });

  test('doubles after eight successes, up to the configured maximum', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(100));
    const limits: number[] = [];
    for (let success = 1; success <= 48; success++) {
      sizer.grow();
      limits.push(sizer.limits.maxEntries);
    }
    expect(limits.filter((limit) => limit === 50)).toHaveLength(7);
    expect([7, 15, 23, 31, 39, 47].map((index) => limits[index])).toEqual([100, 200, 400, 800, 1000, 1000]);
    grow(sizer, 100);
    expect(sizer.limits).toEqual(MAX);
  });

  test('needs eight successes since the last failure to grow', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(100));
    grow(sizer, 7);
    sizer.shrink(entries(50));
    grow(sizer, 7);
    expect(sizer.limits.maxEntries).toBe(25);
    grow(sizer, 1);
    expect(sizer.limits.maxEntries).toBe(50);
  });

  test('learns nothing from a single entry: it neither shrinks nor stops growing', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(100));
    const { limits } = sizer;
    sizer.shrink([entry(100_000)]);
    expect(sizer.limits).toEqual(limits);
    for (let success = 0; success < 8; success++) {
      sizer.shrink(entries(1));
      sizer.grow();
    }
    expect(sizer.limits.maxEntries).toBe(100);
  });

  test('always makes the next batch smaller, whatever sizes are mixed, and never empty', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 300_000 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const sizer = new BatchSizer(MAX);
        const queue = sizes.map(entry);
        let length = batchLength(queue, sizer.limits);
        while (length > 1) {
          sizer.shrink(queue.slice(0, length));
          const next = batchLength(queue, sizer.limits);
          expect(next).toBeLessThanOrEqual(Math.ceil(length / 2));
          expect(next).toBeGreaterThan(0);
          length = next;
        }
      }),
    );
  });
});

describe('a batch that is cut off', () => {
  test('is repeated once at the configured maximum, and halved when that is cut off too', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(100), CUT_OFF);
    expect(sizer.limits).toEqual(MAX);
    sizer.shrink(entries(100), CUT_OFF);
    expect(sizer.limits.maxEntries).toBe(50);
  });

  test('is halved at once below the configured maximum', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(100));
    sizer.shrink(entries(50), CUT_OFF);
    expect(sizer.limits.maxEntries).toBe(25);
  });

  test.each([
    ['entries', 500, 1020],
    ['bytes', 1000, 100],
  ])('is halved at once while only the limit of %s is below its maximum', (_, count, bytes) => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(count, bytes));
    grow(sizer, 8);
    const { limits } = sizer;
    expect(limits.maxEntries < MAX.maxEntries).not.toBe(limits.maxBytes < MAX.maxBytes);
    sizer.shrink(entries(10), CUT_OFF);
    expect(sizer.limits.maxEntries).toBe(5);
  });

  test('is not the second in a row if a batch was stored between', () => {
    const sizer = new BatchSizer(MAX);
    for (let round = 0; round < 20; round++) {
      sizer.shrink(entries(1000), CUT_OFF);
      sizer.grow();
    }
    expect(sizer.limits).toEqual(MAX);
  });

  test('counts as the first again once the size is back at the maximum', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(1000, 600));
    grow(sizer, 8);
    expect(sizer.limits).toEqual(MAX);
    sizer.shrink(entries(1000), CUT_OFF);
    expect(sizer.limits).toEqual(MAX);
  });

  test('teaches nothing if it is a single entry', () => {
    const sizer = new BatchSizer(MAX);
    sizer.shrink(entries(1), CUT_OFF);
    sizer.shrink(entries(100), CUT_OFF);
    expect(sizer.limits).toEqual(MAX);
  });
});
