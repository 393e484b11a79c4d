import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainEntry, type QueuedEntry } from '../../../src/core/model/entry.js';
import { BadEntryFinder, type UploadOutcome } from '../../../src/core/push/bad-entry-finder.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';
import { MODES, type Mode, ModelUploads } from './model-uploads.js';

const LIMITS = { maxEntries: 1000, maxBytes: 512 * 1024 };
const STORED: UploadOutcome = { kind: 'stored' };
const REFUSED: UploadOutcome = { kind: 'refused', rejection: { status: 400, reason: 'Bad request: 400' } };
const FAILED: UploadOutcome = { kind: 'failed', rejection: { status: 503, reason: 'Bad luck: 503' } };
const FAILURES = MODES.filter((mode) => mode !== 'refused');

const entries = (count: number): QueuedEntry[] => Array.from({ length: count }, (_, index) => queuedEntry(index + 1));
const sequences = (batch: readonly QueuedEntry[]): number[] => batch.map(({ sequence }) => sequence);
const allowed = (count: number): number => 2 * Math.log2(Math.max(1, count)) + 2;
const good = (count: number): undefined[] => Array.from({ length: count }, () => undefined);

/** A queue with bad entries at some places. */
function uploadsOf(count: number, places: ReadonlyMap<number, Mode>, maxEntries?: number): ModelUploads {
  const uploads = new ModelUploads(maxEntries);
  uploads.commit(...Array.from({ length: count }, (_, index) => places.get(index)));
  return uploads;
}

function pushUntilGoodAreStored(uploads: ModelUploads, maxPushes: number): void {
  while (uploads.goodLeft > 0) {
    if (uploads.pushes >= maxPushes) throw new Error(`${uploads.goodLeft} good entries left after ${maxPushes} pushes`);
    uploads.push();
  }
}

function expectAscending(uploads: ModelUploads): void {
  const stored = uploads.storedSequences;
  const at = stored.findIndex((sequence, index) => index > 0 && sequence <= (stored[index - 1] as number));
  if (at >= 0) throw new Error(`entry ${stored[at]} was delivered after ${stored[at - 1]}`);
}

/** The delivered entries that were committed before one delivered earlier. */
function overtaken({ stored }: ModelUploads): QueuedEntry[] {
  let last = 0;
  return stored.filter(({ sequence }) => {
    const isOvertaken = sequence < last;
    last = Math.max(last, sequence);
    return isOvertaken;
  });
}

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
    expect(finder.settle(queue.slice(0, 2), { kind: 'transient' }, 0)).toEqual({ endsPush: true });
    finder.begin({ queued: 4, maxEntries: 1000 });
    expect(finder.plan(queue, LIMITS)).toEqual(queue);
  });
});

describe('one bad entry', () => {
  test.each(MODES)(
    '%s: at any place of 2 to 200, all others are stored within 8 pushes, in order',
    (mode) => {
      let [pushes, requests, total] = [0, 0, 0];
      for (let count = 2; count <= 200; count++) {
        for (let place = 0; place < count; place++) {
          const uploads = uploadsOf(count, new Map([[place, mode]]));
          pushUntilGoodAreStored(uploads, mode === 'refused' ? 1 : 8);
          expectAscending(uploads);
          pushes = Math.max(pushes, uploads.pushes);
          requests = Math.max(requests, uploads.maxRequests);
          total = Math.max(total, uploads.requests);
        }
      }
      console.log(`${mode}, 1 of 2–200: at most ${pushes} pushes, ${requests} requests a push, ${total} in all`);
      expect(total).toBeLessThanOrEqual(mode === 'refused' ? 13 : 60);
    },
    60_000,
  );

  test.each(MODES)(
    '%s: at any place of 1,000, all others are stored within 10 pushes, in order',
    (mode) => {
      let [pushes, total] = [0, 0];
      for (let place = 0; place < 1000; place++) {
        const uploads = uploadsOf(1000, new Map([[place, mode]]));
        pushUntilGoodAreStored(uploads, mode === 'refused' ? 1 : 10);
        expectAscending(uploads);
        pushes = Math.max(pushes, uploads.pushes);
        total = Math.max(total, uploads.requests);
      }
      console.log(`${mode}, 1 of 1,000: at most ${pushes} pushes, ${total} requests in all`);
      expect(total).toBeLessThanOrEqual(80);
    },
    60_000,
  );

  test.each(MODES)(
    '%s: at any place of 100 it is quarantined with its failure once new entries have passed',
    (mode) => {
      let pushes = 0;
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
        pushes = Math.max(pushes, uploads.pushes);
      }
      console.log(`${mode}, 1 of 100: quarantined within ${pushes} pushes`);
    },
  );

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
    while (uploads.struck === 0) uploads.push();
    const firstStrike = uploads.now;
    while (uploads.quarantined.length === 0) {
      uploads.commit(undefined);
      uploads.push();
    }
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
    while (uploads.struck === 0) uploads.push();
    expect(uploads.finder.isBlamed(bad)).toBe(true);
  });
});

describe('an entry that fails alone', () => {
  /** Pushes as often as it takes until the first entry failed alone in two pushes in a row. */
  function failedAloneTwice(count: number): ModelUploads {
    const uploads = uploadsOf(count, new Map([[0, 'failed']]), 1);
    expect(uploads.push().requests).toHaveLength(1);
    expect(uploads.push().requests).toHaveLength(1);
    return uploads;
  }

  test('is followed by the entry behind it in the third push, and waits behind all others once that is accepted', () => {
    const uploads = failedAloneTwice(4);
    const { requests } = uploads.push();
    expect(requests.map(({ batch }) => sequences(batch))).toEqual([[1], [2], [3], [4]]);
    expect(uploads.struck).toBe(1);
    expect(sequences(uploads.queue)).toEqual([1]);
  });

  test('is unsuspected again if the entry behind it fails too', () => {
    const uploads = failedAloneTwice(4);
    uploads.outage = 'failed';
    expect(uploads.push().requests).toHaveLength(2);
    uploads.outage = undefined;
    expect([1, 2, 3].map(() => uploads.push().requests.length)).toEqual([1, 1, 4]);
    expect(uploads.struck).toBe(1);
  });

  test('is counted anew if another entry failed alone between', () => {
    const uploads = failedAloneTwice(4);
    const [first] = uploads.queue as [QueuedEntry];
    uploads.queue.unshift(...new ModelUploads().commit(undefined));
    uploads.outage = 'failed';
    expect(uploads.push().requests).toHaveLength(1);
    uploads.outage = undefined;
    expect(uploads.push()).toMatchObject({ stored: 1, requests: { length: 2 } });
    expect(uploads.queue[0]).toBe(first);
  });

  test('is never sent together with others, even behind adopted entries', () => {
    const uploads = uploadsOf(2, new Map([[1, 'failed']]));
    uploads.push();
    for (let success = 0; success < 32; success++) uploads.sizer.grow();
    uploads.queue.unshift(...uploads.commit(...good(3)).map(plainEntry));
    const { requests } = uploads.push();
    expect(requests.map(({ batch }) => sequences(batch))).toEqual([[3, 4, 5], [2]]);
  });

  test('has no strike if nothing is behind it, however often it fails', () => {
    const uploads = uploadsOf(1, new Map([[0, 'failed']]));
    for (let push = 0; push < 10; push++) expect(uploads.push().requests).toHaveLength(1);
    expect(uploads.struck).toBe(0);
    uploads.commit(undefined);
    expect(uploads.push()).toMatchObject({ stored: 1, requests: { length: 2 } });
    expect(uploads.struck).toBe(1);
  });

  test('has the entries behind it as probes in turn, so that another bad entry among them does not clear it', () => {
    const uploads = uploadsOf(4, new Map([0, 1].map((place) => [place, 'failed'])), 1);
    const probes = Array.from({ length: 12 }, () => uploads.push().requests[1]?.batch[0]?.sequence);
    const none = undefined;
    expect(probes).toEqual([none, none, 2, none, none, 2, none, none, 2, none, none, 3]);
  });

  test('has a probe that failed before if there is no other', () => {
    const uploads = uploadsOf(2, new Map([0, 1].map((place) => [place, 'failed'])), 1);
    for (let push = 0; push < 9; push++) uploads.push();
    uploads.repair(uploads.queue[1] as QueuedEntry);
    for (let push = 0; push < 3; push++) uploads.push();
    expect(uploads.storedSequences).toEqual([2]);
    expect(uploads.struck).toBe(1);
  });

  test('has its old probes again after an outage, in which these failed for no fault of their own', () => {
    const uploads = uploadsOf(5, new Map([[1, 'failed']]), 1);
    uploads.outage = 'failed';
    for (let push = 0; push < 12; push++) uploads.push();
    uploads.outage = undefined;
    pushUntilGoodAreStored(uploads, 15);
    expect(uploads.storedSequences).toEqual([1, 3, 4, 5]);
  });

  test('has its probe right behind it, before any entry with strikes', () => {
    const uploads = uploadsOf(4, new Map([0, 2].map((place) => [place, 'failed'])), 1);
    while (uploads.struck === 0) uploads.push();
    expect(sequences(uploads.queue)).toEqual([1, 3, 4]);
    while (uploads.struck === 1) uploads.push();
    expect(sequences(uploads.queue)).toEqual([1, 3]);
  });

  test('ends the push unless an acceptance or a refusal came between two failures', () => {
    const finder = new BadEntryFinder();
    const queue = entries(20);
    finder.begin({ queued: 20, maxEntries: 1000 });
    for (const outcome of [STORED, REFUSED]) {
      expect(finder.settle(queue.slice(0, 10), FAILED, 0).endsPush).toBe(false);
      expect(finder.settle(queue.slice(10), outcome, 0).endsPush).toBe(false);
    }
    expect(finder.settle(queue.slice(0, 10), FAILED, 0).endsPush).toBe(false);
    expect(finder.settle(queue.slice(0, 5), FAILED, 0).endsPush).toBe(true);
  });

  test('is forgotten when it leaves the queue', () => {
    const uploads = failedAloneTwice(4);
    uploads.finder.remove(uploads.queue.splice(0, 1));
    expect(uploads.finder.plan(uploads.queue, LIMITS)).toEqual(uploads.queue);
  });
});

describe('entries with strikes', () => {
  /** Bad entries with a strike each, and nothing else queued. */
  function struck(count: number): ModelUploads {
    const uploads = uploadsOf(2 * count, new Map(Array.from({ length: count }, (_, index) => [2 * index, 'failed'])));
    while (uploads.struck < count) uploads.push();
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
    const rejection = { status: 503, reason: 'Bad luck: 503' };
    expect(finder.settle([other], STORED, 180_000).quarantine).toEqual({
      entry: bad,
      rejection: { ...rejection, retryable: true },
    });
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

describe('refused content', () => {
  test('413 for a single entry is refused content, 413 for several is not', () => {
    const finder = new BadEntryFinder();
    const queue = entries(4) as [QueuedEntry, ...QueuedEntry[]];
    const tooLarge: UploadOutcome = { kind: 'too-large', rejection: { status: 413, reason: 'Bad request: 413' } };
    finder.begin({ queued: 4, maxEntries: 1000 });
    expect(finder.settle(queue, tooLarge, 0)).toEqual({ endsPush: false });
    expect(finder.plan(queue, LIMITS)).toEqual(queue);
    finder.settle(queue.slice(1), STORED, 0);
    expect(finder.settle([queue[0]], tooLarge, 0).quarantine).toEqual({
      entry: queue[0],
      rejection: tooLarge.kind === 'too-large' ? tooLarge.rejection : undefined,
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
    // Each good entry keeps the row of refusals short.
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

describe('several bad entries', () => {
  const places = fc.uniqueArray(fc.nat({ max: 99 }), { minLength: 2, maxLength: 5 });
  const modes = fc.array(fc.constantFrom(...MODES), { minLength: 5, maxLength: 5 });

  test('of any kinds at any places: all others are stored within a bounded number of pushes, in order', () => {
    let pushes = 0;
    fc.assert(
      fc.property(places, modes, (bad, kinds) => {
        const uploads = uploadsOf(100, new Map(bad.map((place, index) => [place, kinds[index] as Mode])));
        pushUntilGoodAreStored(uploads, 5 + 9 * bad.length);
        expectAscending(uploads);
        pushes = Math.max(pushes, uploads.pushes);
      }),
      { numRuns: 1000 },
    );
    console.log(`2 to 5 of 100, of any kinds: at most ${pushes} pushes`);
  });

  test.each(MODES)('%s: in a row, all others are stored within 12 pushes for each, in order', (mode) => {
    for (const count of [2, 3, 5, 10]) {
      let [pushes, requests] = [0, 0];
      for (let start = 0; start <= 100 - count; start++) {
        const row = Array.from({ length: count }, (_, index): [number, Mode] => [start + index, mode]);
        const uploads = uploadsOf(100, new Map(row));
        pushUntilGoodAreStored(uploads, 12 * count);
        expectAscending(uploads);
        pushes = Math.max(pushes, uploads.pushes);
        requests = Math.max(requests, uploads.requests);
      }
      console.log(`${mode}, ${count} in a row of 100: at most ${pushes} pushes, ${requests} requests in all`);
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

  test('of refusals quarantines nothing and changes no order, if it begins between pushes', () => {
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
      fc.property(place, outagesOf(FAILURES, 2, 12, 1), fc.constantFrom(...FAILURES), (bad, outages, mode) => {
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
