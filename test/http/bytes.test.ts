import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bytes } from '../../src/http/bytes.js';

describe('bytes that arrive in chunks', () => {
  test('are joined in their order, and no chunk is changed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40_000, size: 'max' }), { maxLength: 8 }), (chunks) => {
        const bytes = new Bytes();
        const before = chunks.map((chunk) => Buffer.from(chunk));
        for (const chunk of chunks) bytes.add(chunk);
        expect(bytes.length).toBe(Buffer.concat(before).length);
        expect(Buffer.concat(before).equals(bytes.value)).toBe(true);
        for (const [index, chunk] of chunks.entries()) expect(before[index]?.equals(chunk)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('G6 in a million chunks of one byte take no more memory than their length, twice', () => {
    const bytes = new Bytes();
    const chunk = Uint8Array.of(7);
    for (let count = 0; count < 1_048_576; count++) bytes.add(chunk);
    expect(bytes.length).toBe(1_048_576);
    expect(bytes.value.buffer.byteLength).toBeLessThanOrEqual(2_097_152);
  });
});
