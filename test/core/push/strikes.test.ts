import { describe, expect, test } from 'vitest';
import type { QueuedEntry } from '../../../src/core/model/entry.js';
import { BadEntryFinder } from '../../../src/core/push/bad-entry-finder.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';
import {
  entries,
  FAILURES,
  good,
  type ModelUploads,
  pushUntil,
  pushUntilGoodAreStored,
  uploadsOf,
  VERDICTS,
} from './model-uploads.js';

const { stored: STORED, refused: REFUSED, failed: FAILED } = VERDICTS;

describe('entries with strikes', () => {
  /** Bad entries with a strike each, and nothing else queued. */
  function struck(count: number): ModelUploads {
    const uploads = uploadsOf(2 * count, new Map(Array.from({ length: count }, (_, index) => [2 * index, 'failed'])));
    pushUntil(uploads, () => uploads.struck >= count);
    pushUntilGoodAreStored(uploads, 60);
    expect(uploads.queue).toHaveLength(count);
    for (let success = 0; success < 100; success++) uploads.sizer.grow();
    return uploads;
  }

  test('are sent right before the last request, one a push, least recently tried first', () => {
    const uploads = struck(3);
    uploads.interval = 0;
    const tried = [1, 2, 3, 4].map(() => {
      uploads.commit(...good(3));
      const { requests } = uploads.push();
      expect(requests.map(({ kind }) => kind)).toEqual(['failed', 'stored']);
      return requests[0]?.batch[0];
    });
    expect(new Set(tried.slice(0, 3)).size).toBe(3);
    expect(tried[3]).toBe(tried[0]);
  });

  test('wait until what is left fits into one request', () => {
    const uploads = struck(1);
    uploads.sizer.shrink(entries(5));
    uploads.commit(...good(5));
    const { requests } = uploads.push();
    expect(requests.map(({ batch }) => batch.length)).toEqual([2, 2, 1, 1]);
    expect(requests.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'failed', 'stored']);
  });

  test('are all delivered in one push when the server takes them after all', () => {
    const uploads = struck(4);
    for (const entry of uploads.queue) uploads.repair(entry);
    expect(uploads.push()).toMatchObject({ stored: 4, requests: { length: 4 } });
  });

  test('fail without another strike if nothing else is queued', () => {
    const uploads = struck(2);
    for (let push = 0; push < 10; push++) expect(uploads.push().requests).toHaveLength(1);
    expect(uploads.quarantined).toEqual([]);
  });

  test('get no strike from an outage, which takes two requests a push', () => {
    const uploads = struck(1);
    uploads.outage = 'failed';
    uploads.commit(...good(3));
    for (let push = 0; push < 10; push++) expect(uploads.push().requests.length).toBeLessThanOrEqual(2);
    uploads.outage = undefined;
    expect(uploads.quarantined).toEqual([]);
    expect(uploads.push().stored).toBe(3);
    expect(uploads.quarantined).toEqual([]);
  });

  /** A finder that knows of an entry with one strike, given at 0 s. */
  function finderWithStrike(bad: QueuedEntry, other: QueuedEntry): BadEntryFinder {
    const finder = new BadEntryFinder();
    for (let push = 0; push < 3; push++) {
      finder.begin({ queued: 100, maxEntries: 1000 });
      finder.settle([bad], FAILED, 0);
    }
    finder.settle([other], STORED, 0);
    expect(finder.struckCount).toBe(1);
    return finder;
  }

  test('get a strike for a failure and the next acceptance, not for each further acceptance', () => {
    const [bad, other] = entries(2) as [QueuedEntry, QueuedEntry];
    const finder = finderWithStrike(bad, other);
    finder.begin({ queued: 100, maxEntries: 1000 });
    finder.settle([bad], FAILED, 0);
    for (const now of [60_000, 120_000, 180_000])
      expect(finder.settle([other], STORED, now).quarantine).toBe(undefined);
    finder.begin({ queued: 100, maxEntries: 1000 });
    finder.settle([bad], FAILED, 180_000);
    const rejection = { status: 503, reason: 'Bad luck: 503', retryable: true };
    expect(finder.settle([other], STORED, 180_000).quarantine).toEqual({ entry: bad, rejection });
    expect(finder.struckCount).toBe(0);
  });

  test('get no strike for a failure in one push and an acceptance in the next', () => {
    const [bad, other] = entries(2) as [QueuedEntry, QueuedEntry];
    const finder = finderWithStrike(bad, other);
    for (const now of [60_000, 120_000, 180_000]) {
      finder.begin({ queued: 100, maxEntries: 1000 });
      expect(finder.settle([other], STORED, now).quarantine).toBe(undefined);
      finder.settle([bad], FAILED, now);
    }
    expect(finder.struckCount).toBe(1);
  });

  test('are quarantined if their content is refused', () => {
    const uploads = struck(1);
    const [bad] = uploads.queue as [QueuedEntry];
    uploads.finder.begin({ queued: 1, maxEntries: 1000 });
    uploads.finder.settle([queuedEntry(99)], STORED, 0);
    expect(uploads.finder.settle([bad], REFUSED, 0).quarantine?.entry).toBe(bad);
    expect(uploads.struck).toBe(0);
  });

  test('are forgotten when they leave the queue', () => {
    const uploads = struck(2);
    uploads.finder.remove(uploads.queue.splice(0, 2));
    expect(uploads.struck).toBe(0);
  });
});

describe('an entry with strikes', () => {
  test.each(FAILURES)('%s: once it has a strike it costs one request a push, and holds up no new entries', (mode) => {
    const uploads = uploadsOf(100, new Map([[0, mode]]));
    uploads.interval = 0;
    pushUntilGoodAreStored(uploads, 8);
    for (let round = 0; round < 20 && uploads.quarantined.length === 0; round++) {
      uploads.commit(undefined, undefined);
      expect(uploads.push()).toMatchObject({ stored: 2, requests: { length: 2 } });
    }
  });

  test('gets strikes at least 60 s apart', () => {
    const uploads = uploadsOf(3, new Map([[0, 'failed']]));
    uploads.interval = 10_000;
    pushUntil(uploads, () => uploads.struck !== 0);
    const firstStrike = uploads.now;
    uploads.onRequest = (index) => {
      if (index === 0) uploads.commit(undefined);
    };
    uploads.commit(undefined);
    pushUntil(uploads, () => uploads.quarantined.length > 0);
    expect((uploads.quarantined[0]?.at ?? 0) - firstStrike).toBeGreaterThanOrEqual(110_000);
    expect(uploads.pushes).toBeGreaterThan(12);
  });

  test('is delivered when the server takes it after all, and loses its strikes', () => {
    const uploads = uploadsOf(3, new Map([[0, 'failed']]));
    pushUntilGoodAreStored(uploads, 8);
    expect(uploads.struck).toBe(1);
    uploads.repair(uploads.queue[0] as QueuedEntry);
    expect(uploads.push()).toMatchObject({ stored: 1 });
    expect(uploads.struck).toBe(0);
  });

  test('is left out of the unload flush once there is evidence against it, and not before', () => {
    const uploads = uploadsOf(3, new Map([[0, 'failed']]));
    const [bad] = uploads.queue as [QueuedEntry];
    for (let push = 0; push < 3; push++) {
      expect(uploads.finder.isBlamed(bad)).toBe(false);
      uploads.push();
    }
    pushUntil(uploads, () => uploads.struck !== 0);
    expect(uploads.finder.isBlamed(bad)).toBe(true);
  });
});
