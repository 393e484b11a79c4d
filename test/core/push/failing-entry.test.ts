import { describe, expect, test } from 'vitest';
import { plainEntry, type QueuedEntry } from '../../../src/core/model/entry.js';
import { BadEntryFinder } from '../../../src/core/push/bad-entry-finder.js';
import {
  entries,
  good,
  LIMITS,
  ModelUploads,
  pushUntil,
  pushUntilGoodAreStored,
  sequences,
  uploadsOf,
  VERDICTS,
} from './model-uploads.js';

const { stored: STORED, refused: REFUSED, failed: FAILED } = VERDICTS;

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
    expect(probes).toEqual([2, 2, 2, 3].flatMap((probe) => [undefined, undefined, probe]));
  });

  test('has suspects as probes before an entry that failed as one', () => {
    const uploads = uploadsOf(1, new Map());
    uploads.outage = 'refused';
    uploads.push();
    uploads.outage = undefined;
    // As adopted entries do, these stand before it.
    uploads.queue = [...uploads.commit('failed', 'failed', 'refused'), ...uploads.queue.slice(0, 1)];
    pushUntilGoodAreStored(uploads, 20);
    expect(uploads.storedSequences).toEqual([1]);
  });

  test('has a probe that failed before if there is no other', () => {
    const uploads = uploadsOf(2, new Map([0, 1].map((place) => [place, 'failed'])), 1);
    for (let push = 0; push < 12; push++) uploads.push();
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
    pushUntil(uploads, () => uploads.struck !== 0);
    expect(sequences(uploads.queue)).toEqual([1, 3, 4]);
    pushUntil(uploads, () => uploads.struck !== 1);
    expect(sequences(uploads.queue)).toEqual([1, 3]);
  });

  test('ends the push unless an acceptance or a rejection came between two failures', () => {
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
