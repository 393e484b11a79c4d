import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { thin } from '../../../src/core/outbox/thinning.js';

const entry = (sequence: number, fields: readonly string[] = ['a'], writer = 'own'): StoredEntry => {
  const values = JSON.stringify(fields.map((field) => ({ [field]: 1 })));
  return { writer, sequence, timestamp: 1, values, bytes: values.length };
};

const nothing = (): boolean => false;
const sequencesOf = (entries: readonly StoredEntry[]): number[] => entries.map(({ sequence }) => sequence);

/** Commits into a queue of so many places, which thins itself whenever it is full. @returns The queue at the end. */
function fill(places: number, commits: readonly StoredEntry[], isKept = (_: StoredEntry): boolean => false) {
  let queue: StoredEntry[] = [];
  for (const next of commits) {
    if (queue.length >= places) {
      const chosen = thin().choose(queue, isKept);
      queue = queue.filter((one) => !chosen.includes(one));
    }
    if (queue.length < places) queue.push(next);
  }
  return queue;
}

/** The widest distance of neighbours. */
const widestGap = (queue: readonly StoredEntry[]): number =>
  queue.slice(1).reduce((widest, { sequence }, index) => Math.max(widest, sequence - (queue[index]?.sequence ?? 0)), 0);

const seriesOf = ({ values }: StoredEntry): string =>
  (JSON.parse(values) as object[])
    .map((value) => Object.keys(value)[0] ?? '')
    .sort()
    .join('|');

describe('thin()', () => {
  test('of a uniform queue a quarter leaves, no two neighbours, and neither the oldest nor the newest', () => {
    const queue = Array.from({ length: 12 }, (_, index) => entry(index + 1));
    expect(sequencesOf(thin().choose(queue, nothing))).toEqual([7, 9, 11]);
  });

  test('those with the nearest neighbours leave', () => {
    const queue = [1, 2, 3, 10, 20, 21, 22, 40].map((sequence) => entry(sequence));
    expect(sequencesOf(thin().choose(queue, nothing))).toEqual([2, 21]);
  });

  test('a series is the entries with values of the same fields, in any order', () => {
    const fields = [['a', 'b'], ['b', 'a'], ['a'], ['a,b'], ['b', 'a'], ['b'], ['a'], ['c']];
    const queue = fields.map((names, index) => entry(index + 1, names));
    expect(sequencesOf(thin().choose(queue, nothing))).toEqual([2]);
  });

  test('entries in quarantine leave first, unless they must stay', () => {
    const rejection = { status: 400, reason: 'Bad request: 400' };
    const refused = [1, 2, 3].map((sequence) => ({ ...entry(sequence), rejection }));
    const queue = [...refused, ...[4, 5, 6, 7, 8].map((sequence) => entry(sequence))];
    expect(sequencesOf(thin().choose(queue, nothing))).toEqual([1, 2]);
    expect(sequencesOf(thin().choose(queue, ({ sequence }) => sequence < 3))).toEqual([3, 7]);
  });

  test('1,000 commits into 100 places leave gaps of four times the even spacing at most', () => {
    const queue = fill(
      100,
      Array.from({ length: 1000 }, (_, index) => entry(index + 1)),
    );
    expect(queue.length).toBeGreaterThan(70);
    expect(widestGap(queue)).toBeLessThanOrEqual(40);
  });

  test('entries of several writers have their distance by the queue, not by sequence numbers that begin anew', () => {
    const dead = [1, 500, 501, 1000].map((sequence) => entry(sequence, ['a'], 'dead'));
    const queue = [...dead, ...[1, 2, 3].map((sequence) => entry(sequence))];
    expect(thin().choose(queue.slice(0, 4), nothing)).toEqual([queue[2]]);
    expect(thin().choose(queue, nothing)).toEqual([queue[3], queue[5]]);
  });

  const plan = fc.record({
    places: fc.integer({ min: 40, max: 120 }),
    commits: fc.integer({ min: 1, max: 900 }),
    /** The fields that are committed alternately. */
    turns: fc.constantFrom([['a']], [['a'], ['b']], [['a'], ['a', 'b']], [['a'], ['b'], ['a', 'b']]),
    kept: fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 5 }),
  });

  test('property: each series keeps its oldest, its newest and what must stay, and gaps within four times the even spacing', () => {
    fc.assert(
      fc.property(plan, ({ places, commits, turns, kept }) => {
        const all = Array.from({ length: commits }, (_, index) => entry(index + 1, turns[index % turns.length]));
        const queue = fill(places, all, ({ sequence }) => kept.includes(sequence));
        expect(queue.length).toBeLessThanOrEqual(places);
        expect(queue).toEqual(all.filter((one) => queue.includes(one)));
        for (const one of all.filter(({ sequence }) => kept.includes(sequence))) expect(queue).toContain(one);
        for (const name of new Set(all.map(seriesOf))) {
          const committed = all.filter((one) => seriesOf(one) === name);
          const left = queue.filter((one) => seriesOf(one) === name);
          expect(left[0]).toBe(committed[0]);
          expect(left.at(-1)).toBe(committed.at(-1));
          // Four times the spacing that the places of this series would have.
          const even = Math.max(turns.length, (turns.length * commits) / places);
          expect(widestGap(left)).toBeLessThanOrEqual(4 * even);
        }
      }),
    );
  });

  test('property: never two neighbours of a series at once, and no more than a quarter', () => {
    const queued = fc.array(fc.record({ step: fc.integer({ min: 1, max: 9 }), field: fc.nat({ max: 2 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(queued, (steps) => {
        let sequence = 0;
        const queue = steps.map(({ step, field }) => {
          sequence += step;
          return entry(sequence, [`f${field}`]);
        });
        const chosen = thin().choose(queue, nothing);
        expect(chosen.length).toBeLessThanOrEqual(Math.ceil(queue.length / 4));
        for (const name of new Set(queue.map(seriesOf))) {
          const series = queue.filter((one) => seriesOf(one) === name);
          for (const [index, one] of series.entries()) {
            if (!chosen.includes(one)) continue;
            expect(index).toBeGreaterThan(0);
            expect(index).toBeLessThan(series.length - 1);
            expect(chosen).not.toContain(series[index + 1]);
          }
        }
      }),
    );
  });
});
