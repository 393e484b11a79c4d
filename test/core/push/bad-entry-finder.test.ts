import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QueuedEntry } from '../../../src/core/model/entry.js';
import { BadEntryFinder, type UploadVerdict } from '../../../src/core/push/bad-entry-finder.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';
import {
  entries,
  expectAscending,
  LIMITS,
  type Mode,
  ModelUploads,
  pushUntilGoodAreStored,
  sequences,
  uploadsOf,
  VERDICTS,
} from './model-uploads.js';

const { stored: STORED, refused: REFUSED, failed: FAILED } = VERDICTS;

describe('the next batch', () => {
  test('is read lazily: no further than the limit while nothing is known', () => {
    const finder = new BadEntryFinder();
    let read = 0;
    function* endless(): Generator<QueuedEntry> {
      for (;;) yield queuedEntry(++read);
    }
    expect(finder.plan(endless(), { ...LIMITS, maxEntries: 7 })).toHaveLength(7);
    expect(read).toBe(7);
  });

  test('is read one entry further than the limit once something is known', () => {
    const finder = new BadEntryFinder();
    const [first] = entries(1) as [QueuedEntry];
    finder.settle([first], FAILED, 0);
    let read = 0;
    function* endless(): Generator<QueuedEntry> {
      yield first;
      for (;;) yield queuedEntry(1 + ++read);
    }
    finder.plan(endless(), { ...LIMITS, maxEntries: 7 });
    expect(read).toBe(7);
  });

  test('keeps both limits', () => {
    const finder = new BadEntryFinder();
    expect(finder.plan(entries(10), { maxEntries: 3, maxBytes: 10_000 })).toHaveLength(3);
    const { length } = finder.plan(entries(100), { maxEntries: 100, maxBytes: 300 });
    expect(length).toBeGreaterThan(1);
    expect(length).toBeLessThan(10);
    expect(finder.plan(entries(10), { maxEntries: 3, maxBytes: 1 })).toHaveLength(1);
  });

  test('is empty without candidates', () => {
    expect(new BadEntryFinder().plan([], LIMITS)).toEqual([]);
  });

  test('is the same however often it is planned', () => {
    const finder = new BadEntryFinder();
    const queue = entries(8);
    finder.begin({ queued: 8, maxEntries: 1000 });
    finder.settle(finder.plan(queue, LIMITS), REFUSED, 0);
    finder.plan(queue.slice(0, 1), LIMITS);
    finder.plan([], LIMITS);
    expect(sequences(finder.plan(queue, LIMITS))).toEqual([1, 2, 3, 4]);
    expect(sequences(finder.plan(queue, LIMITS))).toEqual([1, 2, 3, 4]);
  });

  test('ends the push after a transient outcome, which is no evidence', () => {
    const finder = new BadEntryFinder();
    const queue = entries(4);
    finder.begin({ queued: 4, maxEntries: 1000 });
    finder.settle(queue, REFUSED, 0);
    expect(finder.settle(queue.slice(0, 2), { kind: 'transient', message: '' }, 0)).toEqual({ endsPush: true });
    finder.begin({ queued: 4, maxEntries: 1000 });
    expect(finder.plan(queue, LIMITS)).toEqual(queue);
  });
});

const allowed = (count: number): number => 2 * Math.log2(Math.max(1, count)) + 2;

describe('refused content', () => {
  test('413 for a single entry is refused content, 413 for several is not', () => {
    const finder = new BadEntryFinder();
    const queue = entries(4) as [QueuedEntry, ...QueuedEntry[]];
    const tooLarge: UploadVerdict = { kind: 'too-large', status: 413, message: 'Bad request: 413' };
    finder.begin({ queued: 4, maxEntries: 1000 });
    expect(finder.settle(queue, tooLarge, 0)).toEqual({ endsPush: false });
    expect(finder.plan(queue, LIMITS)).toEqual(queue);
    finder.settle(queue.slice(1), STORED, 0);
    expect(finder.settle([queue[0]], tooLarge, 0).quarantine).toEqual({
      entry: queue[0],
      rejection: { status: 413, reason: 'Bad request: 413' },
    });
  });

  test('costs at most 2·log2(n)+3 further requests for one entry, wherever it is', () => {
    for (const count of [2, 3, 4, 5, 10, 63, 64, 65, 1000]) {
      for (const place of new Set([0, 1, count >> 1, count - 2, count - 1])) {
        const uploads = uploadsOf(count, new Map([[place, 'refused']]));
        expect(uploads.push().requests.length - 1).toBeLessThanOrEqual(2 * Math.log2(count) + 3);
        expect(uploads.queue).toEqual([]);
      }
    }
  });

  test.each([1, 2, 3, 10, 100, 1000, 2500])(
    'of everything: %i entries are kept, each push ends soon, and later all arrive in order',
    (count) => {
      const uploads = uploadsOf(count, new Map());
      uploads.outage = 'refused';
      for (let push = 0; push < 5; push++)
        expect(uploads.push().requests.length).toBeLessThanOrEqual(allowed(Math.min(count, 1000)));
      uploads.outage = undefined;
      // The oldest suspect shows that the server takes entries again.
      expect(uploads.push().requests.length).toBeLessThanOrEqual(1 + Math.ceil(count / 1000));
      expect(uploads.queue).toEqual([]);
      expect(uploads.quarantined).toEqual([]);
      expectAscending(uploads);
    },
  );

  test.each([10, 12, 30])('of %i entries at the head does not hold up the rest', (count) => {
    const uploads = uploadsOf(200, new Map(Array.from({ length: count }, (_, index) => [index, 'refused'])));
    pushUntilGoodAreStored(uploads, 3);
    expectAscending(uploads);
    while (uploads.queue.length > 0) {
      expect(uploads.pushes).toBeLessThan(10);
      uploads.commit(undefined);
      uploads.push();
    }
    expect(uploads.quarantined).toHaveLength(count);
  });

  test('is searched for by halves, and what is behind it goes in one request', () => {
    const uploads = uploadsOf(8, new Map([[2, 'refused']]));
    const sent = uploads.push().requests.map(({ batch }) => sequences(batch));
    expect(sent).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [1, 2], [3], [4, 5, 6, 7, 8]]);
  });

  test('is searched for within the limits', () => {
    const finder = new BadEntryFinder();
    const queue = entries(8);
    finder.settle(queue, REFUSED, 0);
    expect(finder.plan(queue, { ...LIMITS, maxEntries: 3 })).toHaveLength(3);
    finder.settle(queue.slice(0, 6), REFUSED, 0);
    expect(finder.plan(queue, { ...LIMITS, maxEntries: 4 })).toHaveLength(3);
  });

  test('is proved by a suspect that is accepted: suspects refused before it in the push are sent again, alone', () => {
    const uploads = uploadsOf(3, new Map([[0, 'refused']]));
    uploads.outage = 'refused';
    for (let push = 0; push < 3; push++) uploads.push();
    uploads.outage = undefined;
    const sent = uploads.push().requests.map(({ batch }) => sequences(batch));
    expect(sent).toEqual([[1], [2], [3], [1]]);
    expect(sequences(uploads.quarantined.map(({ entry }) => entry))).toEqual([1]);
  });

  test('quarantines at most 20 entries a push', () => {
    const uploads = new ModelUploads(1);
    // Each good entry keeps the row of rejections short.
    uploads.commit(...Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? undefined : ('refused' as const))));
    uploads.push();
    expect(uploads.quarantined).toHaveLength(20);
    uploads.push();
    expect(uploads.quarantined).toHaveLength(30);
  });

  test('is not searched for where entries left the queue or adopted ones came first', () => {
    const finder = new BadEntryFinder();
    const queue = entries(4);
    finder.begin({ queued: 4, maxEntries: 1000 });
    finder.settle(finder.plan(queue, LIMITS), REFUSED, 0);
    const moved = [queuedEntry(99), ...queue];
    expect(finder.plan(moved, LIMITS)).toEqual(moved);
    finder.remove(queue);
    expect(finder.plan(entries(4), LIMITS)).toHaveLength(4);
  });

  test('is never found among good entries, nor in a push without acceptance', () => {
    const fates = fc.array(fc.option(fc.constant('refused' as Mode), { nil: undefined, freq: 3 }), { maxLength: 60 });
    fc.assert(
      fc.property(fates, fc.array(fc.boolean(), { maxLength: 6 }), (given, outages) => {
        const uploads = new ModelUploads();
        uploads.commit(...given);
        for (const isDown of outages) {
          uploads.outage = isDown ? 'refused' : undefined;
          const before = uploads.quarantined.length;
          const { requests, stored } = uploads.push();
          if (stored > 0) continue;
          expect(uploads.quarantined).toHaveLength(before);
          expect(requests.length).toBeLessThanOrEqual(allowed(given.length));
        }
        for (const { entry } of uploads.quarantined) expect(uploads.isBad(entry)).toBe(true);
      }),
    );
  });
});
