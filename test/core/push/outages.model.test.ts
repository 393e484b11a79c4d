import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QueuedEntry } from '../../../src/core/model/entry.js';
import {
  expectAscending,
  FAILURES,
  good,
  MODES,
  type Mode,
  ModelUploads,
  pushUntilGoodAreStored,
  uploadsOf,
} from './model-uploads.js';

/** The delivered entries that were committed before one delivered earlier. */
function overtaken({ stored }: ModelUploads): QueuedEntry[] {
  let last = 0;
  return stored.filter(({ sequence }) => {
    const isOvertaken = sequence < last;
    last = Math.max(last, sequence);
    return isOvertaken;
  });
}

/** An outage from a request of a push to the end of a push. */
interface Outage {
  readonly pushesBefore: number;
  readonly request: number;
  readonly pushes: number;
  readonly mode: Mode;
}

/** Pushes through outages, one push after the other, with new entries between. */
function* through(uploads: ModelUploads, outages: readonly Outage[]) {
  for (const { pushesBefore, request, pushes, mode } of outages) {
    for (let push = 0; push < pushesBefore + pushes; push++) {
      const isFirst = push === pushesBefore;
      uploads.outage = push > pushesBefore ? mode : undefined;
      uploads.onRequest = (index) => {
        if (isFirst && index >= request) uploads.outage = mode;
      };
      uploads.commit(...good(push % 3));
      yield { isDown: push > pushesBefore, report: uploads.push() };
    }
  }
  uploads.onRequest = () => {};
  uploads.outage = undefined;
}

const outagesOf = (modes: readonly Mode[], maxPushes: number, maxRequest = 12, maxLength = 5): fc.Arbitrary<Outage[]> =>
  fc.array(
    fc.record({
      pushesBefore: fc.nat({ max: 8 }),
      request: fc.nat({ max: maxRequest }),
      pushes: fc.integer({ min: 1, max: maxPushes }),
      mode: fc.constantFrom(...modes),
    }),
    { maxLength },
  );

describe('an outage', () => {
  test('at any moment quarantines nothing, gives no strike, changes no order and takes two requests a push', () => {
    const limits = fc.constantFrom(1, 2, 7, 1000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), outagesOf(FAILURES, 12), limits, (count, outages, maxEntries) => {
        const uploads = uploadsOf(count, new Map(), maxEntries);
        for (const { isDown, report } of through(uploads, outages)) {
          if (isDown) expect(report.requests.length).toBeLessThanOrEqual(2);
          expect(uploads.struck).toBe(0);
        }
        pushUntilGoodAreStored(uploads, uploads.pushes + 1);
        expectAscending(uploads);
        expect(uploads.quarantined).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('of rejections quarantines nothing and changes no order, if it begins between pushes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), outagesOf(MODES, 12, 0), (count, outages) => {
        const uploads = uploadsOf(count, new Map());
        for (const _ of through(uploads, outages)) expect(uploads.struck).toBe(0);
        pushUntilGoodAreStored(uploads, uploads.pushes + 1);
        expectAscending(uploads);
        expect(uploads.quarantined).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('of up to 3 pushes changes no order of the good entries even if there is a bad one, and blames none', () => {
    const place = fc.nat({ max: 59 });
    fc.assert(
      fc.property(place, outagesOf(FAILURES, 3, 12, 1), fc.constantFrom(...FAILURES), (bad, outages, mode) => {
        const uploads = uploadsOf(60, new Map([[bad, mode]]));
        for (const _ of through(uploads, outages)) {
          for (const entry of uploads.queue)
            if (uploads.finder.isBlamed(entry)) expect(uploads.isBad(entry)).toBe(true);
        }
        pushUntilGoodAreStored(uploads, uploads.pushes + 12);
        expectAscending(uploads);
        for (const { entry } of uploads.quarantined) expect(uploads.isBad(entry)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('of any length among several bad entries blames no good ones; only failed probes may be overtaken', () => {
    const fates = fc.array(fc.option(fc.constantFrom(...FAILURES), { nil: undefined, freq: 8 }), { maxLength: 60 });
    fc.assert(
      fc.property(fates, outagesOf(FAILURES, 12), (given, outages) => {
        const uploads = new ModelUploads();
        uploads.commit(...given);
        const bad = given.filter((mode) => mode !== undefined).length;
        for (const { isDown, report } of through(uploads, outages))
          if (isDown) expect(report.requests.length).toBeLessThanOrEqual(2);
        pushUntilGoodAreStored(uploads, uploads.pushes + 10 + 9 * bad);
        for (const { entry } of uploads.quarantined) expect(uploads.isBad(entry)).toBe(true);
        for (const entry of overtaken(uploads)) expect(uploads.failedAlone.get(entry)).toBeGreaterThanOrEqual(2);
        expect(new Set(uploads.stored).size).toBe(uploads.stored.length);
      }),
      { numRuns: 500 },
    );
  });

  test('that ends between an entry and its probe costs that entry its place, and nothing else', () => {
    const uploads = uploadsOf(4, new Map(), 1);
    uploads.outage = 'failed';
    uploads.push();
    uploads.push();
    uploads.onRequest = (index) => {
      if (index === 1) uploads.outage = undefined;
    };
    uploads.push();
    expect(uploads.storedSequences).toEqual([2, 3, 4]);
    uploads.push();
    expect(uploads.storedSequences).toEqual([2, 3, 4, 1]);
    expect(uploads.struck).toBe(0);
  });
});
