import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeEntryIds,
  type EntryIdentity,
  encodeEntryIds,
  MAX_ENTRY_IDS_LENGTH,
} from '../../../src/core/model/entry-ids.js';
import { batchLength } from '../../../src/core/push/batch.js';
import { SystemClock } from '../../../src/platform/system-clock.js';
import { idFrom, randomId } from '../../../src/storage/shared/random-id.js';

const writer = fc.oneof(
  fc.constantFrom('4k9d0c2m1x7q8z5b', '0a1b2c3d4e5f6g7h'),
  fc.constantFrom('a', '%', 'a/b', ';', ',', '1-2', ' å😀'),
);
const sequence = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 53 - 2, 2 ** 53 - 1, 1000) },
);
/** Runs of sequence numbers, of several writers alternately, in any order. */
const ids: fc.Arbitrary<EntryIdentity[]> = fc
  .array(fc.tuple(writer, sequence, fc.integer({ min: 1, max: 6 })), { maxLength: 12 })
  .map((runs) =>
    runs.flatMap(([writer, first, count]) =>
      Array.from({ length: count }, (_, index) => ({ writer, sequence: first + index })).filter(({ sequence }) =>
        Number.isSafeInteger(sequence),
      ),
    ),
  );

describe('the header x-entry-ids', () => {
  test('is as the protocol shows it', () => {
    const [a, b] = ['4k9d0c2m1x7q8z5b', '0a1b2c3d4e5f6g7h'];
    const entries = [12, 13, 14, 42].map((sequence) => ({ writer: a, sequence })).concat({ writer: b, sequence: 7 });
    expect(encodeEntryIds(entries)).toEqual({ text: `${a}/12-14,42;${b}/7`, count: 5 });
    expect(encodeEntryIds([])).toEqual({ text: '', count: 0 });
  });

  test('names exactly the entries, in their order: reading it gives them back', () => {
    fc.assert(
      fc.property(ids, (entries) => {
        const { text, count } = encodeEntryIds(entries);
        expect(count).toBe(entries.length);
        expect(text).toMatch(/^[\w.%!~*'();,/-]*$/);
        const read = decodeEntryIds(text, entries.length) ?? [];
        expect(read.map(({ sequence }) => sequence)).toEqual(entries.map(({ sequence }) => sequence));
        const names = new Map(entries.map(({ writer }, index) => [writer, read[index]?.writer]));
        // Escaping keeps different writers apart.
        expect(new Set(names.values()).size).toBe(names.size);
        expect(read.map(({ writer }) => writer)).toEqual(entries.map(({ writer }) => names.get(writer)));
      }),
    );
  });

  test('names as many of the first entries as fit, and at least one', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 120 }), (entries, maxLength) => {
        const { text, count } = encodeEntryIds(entries, maxLength);
        expect(text).toBe(encodeEntryIds(entries.slice(0, count)).text);
        if (entries.length > 0) expect(count).toBeGreaterThan(0);
        if (count > 1) expect(text.length).toBeLessThanOrEqual(maxLength);
        if (count < entries.length) {
          const { text: longer } = encodeEntryIds(entries.slice(0, count + 1));
          expect(longer.length).toBeGreaterThan(maxLength);
        }
      }),
    );
  });

  test('names every entry of the batches that a queue is cut into, once, within 4 KiB', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 3 }),
        (writers, maxEntries, step) => {
          const queue = Array.from({ length: 1500 }, (_, index) => ({
            writer: `writer${index % writers}`.padEnd(16, 'x'),
            sequence: index * step + 1,
            timestamp: 1,
            values: '[{"a":1}]',
            bytes: 9,
          }));
          let seen = 0;
          while (seen < queue.length) {
            const length = batchLength(queue.slice(seen), { maxEntries, maxBytes: 524_288, isNamed: true });
            const batch = queue.slice(seen, seen + length);
            const { text } = encodeEntryIds(batch);
            expect(text.length).toBeLessThanOrEqual(MAX_ENTRY_IDS_LENGTH);
            expect(`x-entry-ids: ${text}\r\n`.length).toBeLessThanOrEqual(4096);
            expect(decodeEntryIds(text, length)).toEqual(batch.map(({ writer, sequence }) => ({ writer, sequence })));
            seen += length;
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('shows the ids of writers as they are: those that are drawn have only digits and letters', () => {
    for (const id of [randomId(new SystemClock()), idFrom(() => 0), idFrom(() => 1 - 2 ** -53)]) {
      expect(id).toMatch(/^[\da-z]{16}$/);
      expect(encodeEntryIds([{ writer: id, sequence: 1 }]).text).toBe(`${id}/1`);
    }
  });

  test.each([
    ['another number of entries', 'w/1-3', 2],
    ['one entry too few', 'w/1-3', 4],
    ['nothing', '', 1],
    ['entries that a body without entries lacks', 'w/1', 0],
    ['a range without an end', 'w/1-', 1],
    ['a range that counts down', 'w/2-1', 0],
    ['a range that would take a life to read', 'w/1-9007199254740991', 3],
    ['the number zero', 'w/0', 1],
    ['a number that is not safe', 'w/9007199254740992', 1],
    ['a number with a sign', 'w/+1', 1],
    ['a fraction', 'w/1.5', 1],
    ['no writer', '/1', 1],
    ['no numbers', 'w/', 0],
    ['no slash', 'w', 1],
    ['a space', 'w/1, 2', 2],
    ['an empty group', 'w/1;', 1],
    ['an empty number', 'w/1,', 1],
    ['a second slash', 'w/1/2', 1],
    ['a letter that no header carries', 'å/1', 1],
  ])('is refused where it names %s', (_, text, count) => {
    expect(decodeEntryIds(text, count)).toBeUndefined();
  });
});
