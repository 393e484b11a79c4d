import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkIds } from '../../../src/core/read/reader.js';

const encodedLength = (ids: readonly string[]): number => ids.map(encodeURIComponent).join(',').length;
const lists = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), { maxLength: 60 });

test('all ids are there, in their order', () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: -5, max: 200 }), (ids, room) => {
      expect(chunkIds(ids, room).flat()).toEqual(ids);
    }),
  );
});

test('no list is longer than the limit, but for a single id that is longer', () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: -5, max: 200 }), (ids, room) => {
      for (const list of chunkIds(ids, room)) {
        expect(list).not.toEqual([]);
        if (list.length > 1) expect(encodedLength(list)).toBeLessThanOrEqual(room);
      }
    }),
  );
});

test('no two lists that follow each other would fit into one', () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: -5, max: 200 }), (ids, room) => {
      const split = chunkIds(ids, room);
      split.slice(1).forEach((list, index) => {
        expect(encodedLength([...(split[index] ?? []), list[0] ?? ''])).toBeGreaterThan(room);
      });
    }),
  );
});

test('ids that fill exactly the limit go together', () => {
  expect(chunkIds(['ab', 'é', 'c'], 'ab,%C3%A9,c'.length)).toEqual([['ab', 'é', 'c']]);
  expect(chunkIds(['ab', 'é', 'c'], 'ab,%C3%A9,c'.length - 1)).toEqual([['ab', 'é'], ['c']]);
});
