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
const MOST = { maxEntries: 1000, maxBytes: 512 * 1024 };

describe('how much one request carries', () => {
  test('is what was configured until something fails', () => {
    const size = new BatchSizer(MOST);
    for (let passed = 0; passed < 100; passed++) size.grow();
    expect(size.limits).toEqual(MOST);
  });

  test('is half of what failed, in entries and in bytes', () => {
    const size = new BatchSizer(MOST);
    const batch = entries(301);
    size.shrink(batch);
    expect(size.limits).toEqual({ maxEntries: 151, maxBytes: Math.ceil(bodyBytes(batch) / 2) });
  });

  test('doubles after eight successes, up to what was configured', () => {
    const size = new BatchSizer(MOST);
    size.shrink(entries(100));
    const limits: number[] = [];
    for (let passed = 1; passed <= 48; passed++) {
      size.grow();
      limits.push(size.limits.maxEntries);
    }
    expect(limits.filter((limit) => limit === 50)).toHaveLength(7);
    expect([7, 15, 23, 31, 39, 47].map((index) => limits[index])).toEqual([100, 200, 400, 800, 1000, 1000]);
    while (size.limits.maxBytes < MOST.maxBytes) size.grow();
    expect(size.limits).toEqual(MOST);
  });

  test('is counted anew after each failure', () => {
    const size = new BatchSizer(MOST);
    size.shrink(entries(100));
    for (let passed = 0; passed < 7; passed++) size.grow();
    size.shrink(entries(50));
    for (let passed = 0; passed < 7; passed++) size.grow();
    expect(size.limits.maxEntries).toBe(25);
  });

  test('shrinks by nothing that one entry alone does, and is held down by none', () => {
    const size = new BatchSizer(MOST);
    size.shrink(entries(100));
    const { limits } = size;
    size.shrink([entry(100_000)]);
    expect(size.limits).toEqual(limits);
    for (let passed = 0; passed < 8; passed++) {
      size.shrink(entries(1));
      size.grow();
    }
    expect(size.limits.maxEntries).toBe(100);
  });

  test('always makes the next batch smaller, whatever sizes are mixed, and never nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 300_000 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const size = new BatchSizer(MOST);
        const queue = sizes.map(entry);
        let length = batchLength(queue, size.limits);
        while (length > 1) {
          size.shrink(queue.slice(0, length));
          const next = batchLength(queue, size.limits);
          expect(next).toBeLessThanOrEqual(Math.ceil(length / 2));
          expect(next).toBeGreaterThan(0);
          length = next;
        }
      }),
    );
  });
});
