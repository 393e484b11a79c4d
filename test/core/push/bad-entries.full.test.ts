import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expectAscending,
  MODES,
  type Mode,
  type ModelUploads,
  pushUntilGoodAreStored,
  uploadsOf,
} from './model-uploads.js';

interface Measured {
  readonly pushes: number;
  /** In one push. */
  readonly maxRequests: number;
  /** In all pushes. */
  readonly requests: number;
}

/** The most that one bad entry costs, at every `step`-th place. */
function measureOneBad(count: number, step: number, mode: Mode, maxPushes: number): Measured {
  const measured: ModelUploads[] = [];
  for (let place = 0; place < count; place += step) {
    const uploads = uploadsOf(count, new Map([[place, mode]]));
    pushUntilGoodAreStored(uploads, mode === 'refused' ? 1 : maxPushes);
    expectAscending(uploads);
    measured.push(uploads);
  }
  return maxOf(measured);
}

function maxOf(measured: readonly Measured[]): Measured {
  const max = (key: keyof Measured): number => Math.max(...measured.map((one) => one[key]));
  return { pushes: max('pushes'), maxRequests: max('maxRequests'), requests: max('requests') };
}

function report(name: string, measured: readonly Measured[]): void {
  const { pushes, maxRequests, requests } = maxOf(measured);
  console.log(`${name}: at most ${pushes} pushes, ${maxRequests} requests in one push, ${requests} in all`);
}

describe('one bad entry', () => {
  /** Cut-offs take most pushes, so they are tried with each count and place; the other modes with some. */
  const countsOf = (mode: Mode): number[] =>
    mode === 'cut-off'
      ? Array.from({ length: 199 }, (_, index) => 2 + index)
      : [2, 3, 4, 5, 31, 32, 33, 95, 100, 191, 200];

  test.each(MODES)(
    '%s: at any place of 2 to 200, all others are stored within 8 pushes, in order',
    (mode) => {
      const measured = countsOf(mode).map((count) => measureOneBad(count, 1, mode, 8));
      report(`${mode}, 1 of 2–200`, measured);
      for (const { requests } of measured) expect(requests).toBeLessThanOrEqual(mode === 'refused' ? 12 : 60);
    },
    60_000,
  );

  test.each(MODES)(
    '%s: at any place of 1,000, all others are stored within 10 pushes, in order',
    (mode) => {
      const measured = measureOneBad(1000, mode === 'cut-off' ? 1 : 7, mode, 10);
      report(`${mode}, 1 of 1,000`, [measured]);
      expect(measured.requests).toBeLessThanOrEqual(mode === 'refused' ? 14 : 80);
    },
    60_000,
  );

  test.each(MODES)(
    '%s: at any place of 100 it is quarantined with its failure once new entries have passed',
    (mode) => {
      const measured: ModelUploads[] = [];
      for (let place = 0; place < 100; place++) {
        const uploads = uploadsOf(100, new Map([[place, mode]]));
        const bad = uploads.queue[place];
        while (uploads.quarantined.length === 0) {
          expect(uploads.pushes).toBeLessThanOrEqual(mode === 'refused' ? 1 : 8);
          uploads.commit(undefined);
          uploads.push();
        }
        expect(uploads.quarantined[0]?.entry).toBe(bad);
        expect(uploads.quarantined[0]?.status).toBe(mode === 'refused' ? 400 : mode === 'failed' ? 503 : 0);
        expect(uploads.struck).toBe(0);
        measured.push(uploads);
      }
      report(`${mode}, 1 of 100 until it is quarantined`, measured);
    },
  );
});

describe('several bad entries', () => {
  const places = fc.uniqueArray(fc.nat({ max: 99 }), { minLength: 2, maxLength: 5 });
  const modes = fc.array(fc.constantFrom(...MODES), { minLength: 5, maxLength: 5 });

  test('of any kinds at any places: all others are stored within a bounded number of pushes, in order', () => {
    const measured: ModelUploads[] = [];
    fc.assert(
      fc.property(places, modes, (bad, kinds) => {
        const uploads = uploadsOf(100, new Map(bad.map((place, index) => [place, kinds[index] as Mode])));
        pushUntilGoodAreStored(uploads, 5 + 12 * bad.length);
        expectAscending(uploads);
        measured.push(uploads);
      }),
      { numRuns: 1000 },
    );
    report('2 to 5 of 100, of any kinds', measured);
  });

  test.each(MODES)('%s: in a row, all others are stored within 12 pushes for each, in order', (mode) => {
    for (const count of [2, 3, 5, 10]) {
      const measured = Array.from({ length: 101 - count }, (_, start) => {
        const row = Array.from({ length: count }, (_, index): [number, Mode] => [start + index, mode]);
        const uploads = uploadsOf(100, new Map(row));
        pushUntilGoodAreStored(uploads, 12 * count);
        expectAscending(uploads);
        return uploads;
      });
      report(`${mode}, ${count} in a row of 100`, measured);
    }
  });

  test('are all quarantined at last, and nothing else is', () => {
    fc.assert(
      fc.property(places, modes, (bad, kinds) => {
        const uploads = uploadsOf(100, new Map(bad.map((place, index) => [place, kinds[index] as Mode])));
        while (uploads.quarantined.length < bad.length) {
          if (uploads.pushes > 10 + 12 * bad.length) throw new Error('not all are quarantined');
          uploads.commit(undefined);
          uploads.push();
        }
        for (const { entry } of uploads.quarantined) expect(uploads.isBad(entry)).toBe(true);
      }),
    );
  });
});
