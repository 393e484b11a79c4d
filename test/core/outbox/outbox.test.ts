import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QueuedEntry, StoredEntry } from '../../../src/core/model/entry.js';
import { Emitter } from '../../../src/core/notify/emitter.js';
import { type Draft, Outbox } from '../../../src/core/outbox/outbox.js';
import type { OwnershipLoss, SaveOptions, Writer } from '../../../src/core/ports/storage.js';
import { StorageException } from '../../../src/index.js';

const draftOf = ({ timestamp, values }: Omit<Draft, 'bytes'>): Draft => ({
  timestamp,
  values,
  bytes: Buffer.byteLength(values),
});

function append(outbox: Outbox, content: Omit<Draft, 'bytes'>): QueuedEntry {
  return outbox.append(draftOf(content));
}

const key = ({ writer, sequence }: StoredEntry): string => `${writer}/${sequence}`;

/** A writer that keeps keys, and fails as the test says. */
class FakeWriter implements Writer {
  readonly id = 'own';
  readonly saved = new Set<string>();
  /** The removed keys, in order. */
  readonly removed: string[] = [];
  /** How often staged values were removed. */
  stagedForgotten = 0;
  /** How many calls of `save` succeed from now on. */
  savesLeft = Number.POSITIVE_INFINITY;
  removalFails = false;
  /** The result of the next check. */
  loss: OwnershipLoss | undefined;

  save(entry: StoredEntry, { clearsStaged }: SaveOptions = { clearsStaged: false }): void {
    if (this.savesLeft <= 0) throw new StorageException('the disk is full');
    this.savesLeft -= 1;
    this.saved.add(key(entry));
    if (clearsStaged) this.stagedForgotten += 1;
  }

  remove(entries: readonly StoredEntry[]): void {
    if (this.removalFails) throw new StorageException('the disk is gone');
    for (const entry of entries) this.saved.delete(key(entry));
    this.removed.push(...entries.map(key));
  }

  check(): OwnershipLoss | undefined {
    const { loss } = this;
    this.loss = undefined;
    return loss;
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    for (const entry of entries) this.save(entry);
  }

  quarantine(): void {}
  saveStaged(): void {}
  adopt = async () => ({ entries: [], staged: [], warnings: [] });
  close(): void {}
}

const values = fc.constantFrom('[{"a":1}]', '[{"temperature":21.5}]', '[{"å€😀":"\u2028"}]', '[{"a":""},{"b":true}]');
const content = fc.record({ timestamp: fc.nat(), values });
const contents = fc.array(content, { maxLength: 4 });
/** The places of the entries that an operation is about; more than there are counts from the front again. */
const places = fc.array(fc.nat({ max: 30 }), { maxLength: 10 });

type Step =
  | { readonly do: 'append'; readonly content: { timestamp: number; values: string } }
  | { readonly do: 'append, full' }
  | { readonly do: 'restore'; readonly contents: readonly { timestamp: number; values: string }[] }
  | { readonly do: 'restore, full'; readonly contents: readonly { timestamp: number; values: string }[] }
  | { readonly do: 'adopt'; readonly contents: readonly { timestamp: number; values: string }[] }
  | { readonly do: 'remove' | 'remove, broken'; readonly places: readonly number[] }
  | { readonly do: 'remove oldest' | 'remove again'; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), content }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('append, full' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), contents }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore, full' as const), contents }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('adopt' as const), contents }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), places }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove, broken' as const), places }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove oldest' as const), count: fc.nat({ max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove again' as const), count: fc.nat({ max: 6 }) }) },
);

describe('Outbox', () => {
  test('is what a plain array would be, and so is its storage, whatever is done in whatever order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const writer = new FakeWriter();
        const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
        /** The entries that the queue must hold, in order, and those that left it but are still saved. */
        let model: QueuedEntry[] = [];
        const left: QueuedEntry[] = [];
        let unremoved: QueuedEntry[] = [];
        let sequence = 0;
        let dead = 0;

        const added = (
          entry: { timestamp: number; values: string },
          origin: 'committed' | 'restored',
        ): QueuedEntry => ({
          ...entry,
          writer: writer.id,
          sequence: ++sequence,
          origin,
          epoch: undefined,
          bytes: Buffer.byteLength(entry.values),
        });
        const remove = (entries: QueuedEntry[]): void => {
          outbox.remove(entries);
          model = model.filter((entry) => !entries.some((other) => key(other) === key(entry)));
          left.push(...entries);
          unremoved = writer.removalFails ? [...unremoved, ...entries] : [];
        };
        const at = (places: readonly number[]): QueuedEntry[] => {
          const entries = [...outbox];
          const chosen = new Set(places.map((place) => entries[place % Math.max(1, entries.length)]));
          return [...chosen].filter((entry) => entry !== undefined);
        };

        for (const step of steps) {
          switch (step.do) {
            case 'append':
              model.push(added(step.content, 'committed'));
              expect(append(outbox, step.content)).toEqual(model.at(-1));
              break;
            case 'append, full':
              writer.savesLeft = 0;
              expect(() => append(outbox, { timestamp: 0, values: '[{"a":1}]' })).toThrow(StorageException);
              sequence += 1;
              break;
            case 'restore': {
              const entries = step.contents.map((content) => added(content, 'restored'));
              expect(outbox.requeue(step.contents.map(draftOf))).toEqual(entries);
              model.push(...entries);
              break;
            }
            case 'restore, full':
              if (step.contents.length === 0) break;
              writer.savesLeft = step.contents.length - 1;
              expect(() => outbox.requeue(step.contents.map(draftOf))).toThrow(StorageException);
              sequence += step.contents.length;
              if (step.contents.length > 1) unremoved = [];
              break;
            case 'adopt': {
              dead += 1;
              const entries = step.contents.map((content, index) => ({
                ...content,
                writer: `dead${dead}`,
                sequence: index + 1,
                bytes: Buffer.byteLength(content.values),
              }));
              for (const entry of entries) writer.saved.add(key(entry));
              outbox.adopt(entries);
              const own = model.findIndex(({ origin }) => origin !== undefined);
              model.splice(own < 0 ? model.length : own, 0, ...entries);
              break;
            }
            case 'remove':
              if (at(step.places).length > 0) remove(at(step.places));
              break;
            case 'remove, broken':
              writer.removalFails = true;
              remove(at(step.places));
              break;
            case 'remove oldest':
              if (model.length > 0 && step.count > 0) remove(outbox.oldest(step.count));
              break;
            case 'remove again':
              if (left.length > 0 && step.count > 0) remove(left.slice(0, step.count));
              break;
          }
          writer.savesLeft = Number.POSITIVE_INFINITY;
          writer.removalFails = false;

          expect([...outbox]).toEqual(model);
          expect(outbox.length).toBe(model.length);
          expect(outbox.bytes).toBe(model.reduce((bytes, entry) => bytes + Buffer.byteLength(entry.values), 0));
          expect(outbox.lastSequence).toBe(sequence);
          expect(outbox.oldest(3)).toEqual(model.slice(0, 3));
          expect(writer.saved).toEqual(new Set([...model, ...unremoved].map(key)));
        }
        expect(outbox.retrySync()).toBeUndefined();
        expect(writer.saved).toEqual(new Set(model.map(key)));
      }),
      { numRuns: 500 },
    );
  });

  test('reports whether the storage has removed all entries that left, and tries again until it has', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    const entry = append(outbox, { timestamp: 1, values: '[{"a":1}]' });
    writer.removalFails = true;
    outbox.remove([entry]);
    expect([...outbox]).toEqual([]);
    expect(outbox.retrySync()).toBe('remove');
    expect(writer.saved.size).toBe(1);
    writer.removalFails = false;
    expect(outbox.retrySync()).toBeUndefined();
    expect(writer.saved.size).toBe(0);
  });

  /** An outbox, and the losses that it reports. */
  function watched() {
    const writer = new FakeWriter();
    const news: [string, number][] = [];
    const emitter = new Emitter();
    emitter.connect(news, {
      fenced: [(all, { entries }) => all.push(['fenced', entries])],
      cleared: [(all) => all.push(['cleared', 0])],
    });
    const outbox = new Outbox(writer, emitter, { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    return { writer, news, outbox };
  }

  test('numbers its entries on from the last sequence number of its writer', () => {
    const writer = Object.assign(new FakeWriter(), { lastSequence: 41 });
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    expect(append(outbox, { timestamp: 1, values: '[{"a":1}]' }).sequence).toBe(42);
    expect([...writer.saved]).toEqual(['own/42']);
  });

  test('drops fenced entries, and returns their number', () => {
    const { writer, news, outbox } = watched();
    outbox.adopt([
      { writer: 'one', sequence: 1, timestamp: 1, values: '[{"a":1}]', bytes: 9 },
      { writer: 'two', sequence: 1, timestamp: 1, values: '[{"a":1}]', bytes: 9 },
    ]);
    append(outbox, { timestamp: 1, values: '[{"b":1}]' });
    outbox.reconcile();
    expect(news).toEqual([]);
    writer.loss = { kind: 'fenced', writers: new Set(['own', 'one']), isStagedFenced: false };
    outbox.reconcile();
    expect(news).toEqual([['fenced', 2]]);
    expect([...outbox].map(key)).toEqual(['two/1']);
    expect(outbox.fencedCount).toBe(2);
    expect(outbox.bytes).toBe('[{"a":1}]'.length);
  });

  test('drops fenced entries of the quarantine too, and counts them', () => {
    const { writer, news, outbox } = watched();
    const [, second] = [1, 2, 3].map((timestamp) => append(outbox, { timestamp, values: '[{"a":1}]' }));
    outbox.moveToQuarantine(second as QueuedEntry, { status: 400, reason: 'no' });
    writer.loss = { kind: 'fenced', writers: new Set(['own']), isStagedFenced: false };
    outbox.reconcile();
    expect(news).toEqual([['fenced', 3]]);
    expect(outbox.fencedCount).toBe(3);
    expect(outbox.quarantine.size).toBe(0);
  });

  test('keeps entries that were deleted underneath, quarantined entries too, and reports it once', () => {
    const { writer, news, outbox } = watched();
    const [, second] = [1, 2, 3].map((timestamp) => append(outbox, { timestamp, values: '[{"a":1}]' }));
    outbox.moveToQuarantine(second as QueuedEntry, { status: 400, reason: 'no' });
    writer.loss = { kind: 'cleared' };
    outbox.reconcile();
    outbox.reconcile();
    expect(news).toEqual([['cleared', 0]]);
    expect([outbox.length, outbox.quarantine.size, outbox.fencedCount]).toEqual([2, 1, 0]);
  });

  test('never saves fenced entries again', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    outbox.adopt([{ writer: 'one', sequence: 1, timestamp: 1, values: '[{"a":1}]', bytes: 9 }]);
    append(outbox, { timestamp: 1, values: '[{"b":1}]' });
    writer.saved.clear();
    writer.loss = { kind: 'cleared' };
    writer.savesLeft = 0;
    outbox.reconcile();
    writer.loss = { kind: 'fenced', writers: new Set(['one']), isStagedFenced: false };
    writer.savesLeft = Number.POSITIVE_INFINITY;
    outbox.reconcile();
    expect([...writer.saved]).toEqual(['own/1']);
  });

  test('clears staged values in the storage with a commit, and not with a restore', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    append(outbox, { timestamp: 1, values: '[{"a":1}]' });
    expect(writer.stagedForgotten).toBe(1);
    outbox.requeue([{ timestamp: 1, values: '[{"a":1}]' }].map(draftOf));
    expect(writer.stagedForgotten).toBe(1);
  });

  test.each([
    ['that are being uploaded', 0],
    ['behind those that are being uploaded', 2],
  ])('removes the oldest %s without a look at those that stay, however many they are', (_name, start) => {
    const outbox = new Outbox(new FakeWriter(), new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    const entries = [1, 2, 3, 4, 5, 6].map((timestamp) => append(outbox, { timestamp, values: '[{"a":1}]' }));
    outbox.checkOut(entries.slice(0, 2));
    const removed = entries.slice(start, start + 2);
    const staying = entries.filter((entry) => !removed.includes(entry));
    let looks = 0;
    for (const entry of staying) {
      const { bytes } = entry;
      Object.defineProperty(entry, 'bytes', {
        get() {
          looks += 1;
          return bytes;
        },
      });
    }
    outbox.remove(removed);
    expect(looks).toBe(0);
    expect(outbox.length).toBe(4);
    expect(outbox.bytes).toBe(4 * 9);
  });

  test('drops what is in quarantine first, then the oldest that are not on their way, each once, and counts the rest', () => {
    const some = fc.integer({ min: 0, max: 8 });
    const which = fc.array(fc.nat({ max: 11 }), { maxLength: 3 });
    fc.assert(
      fc.property(some, some, which, which, which, (count, sent, leaving, aside, kept) => {
        const writer = new FakeWriter();
        const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
        const all = Array.from({ length: 12 }, (_, index) =>
          append(outbox, { timestamp: index, values: `[{"a":"${'x'.repeat(index)}"}]` }),
        );
        const chosen = (places: number[]): QueuedEntry[] => all.filter((_, index) => places.includes(index));
        for (const entry of chosen(aside)) outbox.moveToQuarantine(entry, { status: 400, reason: 'no' });
        const inFlight = outbox.oldest(sent);
        for (const batch of [inFlight, chosen(leaving)]) outbox.checkOut(batch);

        const keys = (entries: readonly QueuedEntry[]): string[] => entries.map(key);
        const away = keys([...inFlight, ...chosen(leaving)]);
        const refused = chosen(aside).filter((entry) => !kept.includes(all.indexOf(entry)));
        const queued = [...outbox];
        const expected = keys([...refused, ...queued.filter((entry) => !away.includes(key(entry)))]).slice(0, count);
        const dropped = [...outbox.evictable(chosen(kept).map(({ sequence }) => `own-${sequence}`))].slice(0, count);
        expect(keys(dropped)).toEqual(expected);

        outbox.evict(dropped);
        const rest = queued.filter((entry) => !expected.includes(key(entry)));
        expect([...outbox]).toEqual(rest);
        expect(outbox.bytes).toBe(rest.reduce((bytes, entry) => bytes + entry.values.length, 0));
        expect(outbox.quarantine.size + outbox.length).toBe(all.length - expected.length);
        expect(writer.removed).toEqual(expected);
      }),
    );
  });

  test('restores nothing where not all entries fit, with an exception that does not mention staged values', () => {
    const outbox = new Outbox(new FakeWriter(), new Emitter(), { saves: true, maxEntries: 2, maxBytes: Infinity });
    const entry = { timestamp: 1, values: '[{"a":1}]' };
    append(outbox, { timestamp: 1, values: entry.values });
    expect(() => outbox.requeue([entry, entry].map(draftOf))).toThrow(
      expect.objectContaining({
        message: 'The entry could not be saved: maxQueuedEntries (2) is reached. Still queued and safe: 1 (9 bytes).',
        advice: 'Push the queue or free space, then restore again.',
        isFull: true,
      }),
    );
    expect(outbox.length).toBe(1);
  });

  test('saves again what was deleted underneath, as soon as the storage takes it', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    for (const timestamp of [1, 2, 3]) append(outbox, { timestamp, values: '[{"a":1}]' });
    writer.saved.clear();
    writer.loss = { kind: 'cleared' };
    writer.savesLeft = 1;
    outbox.reconcile();
    expect(outbox.length).toBe(3);
    expect(outbox.retrySync()).toBe('save');
    writer.savesLeft = 3;
    expect(outbox.retrySync()).toBeUndefined();
    expect([...writer.saved]).toEqual(['own/1', 'own/2', 'own/3']);
  });

  test('tries to save again what was deleted underneath before anything newer', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    append(outbox, { timestamp: 1, values: '[{"a":1}]' });
    writer.saved.clear();
    writer.loss = { kind: 'cleared' };
    writer.savesLeft = 0;
    outbox.reconcile();
    writer.savesLeft = 1;
    outbox.reconcile();
    expect([...writer.saved]).toEqual(['own/1']);
  });

  test('keeps entries that are not to be saved, whatever happens to the storage', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: false, maxEntries: 1e9, maxBytes: Infinity });
    append(outbox, { timestamp: 1, values: '[{"a":1}]' });
    writer.loss = { kind: 'fenced', writers: new Set(['own']), isStagedFenced: false };
    outbox.reconcile();
    expect(outbox.length).toBe(1);
    writer.loss = { kind: 'cleared' };
    outbox.reconcile();
    expect(writer.saved.size).toBe(0);
  });

  test('saves nothing in its storage where entries are not to be saved', () => {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: false, maxEntries: 1e9, maxBytes: Infinity });
    const entry = append(outbox, { timestamp: 1, values: '[{"a":1}]' });
    expect([...outbox]).toEqual([entry]);
    expect(writer.saved.size).toBe(0);
    outbox.remove([entry]);
    expect(outbox.length).toBe(0);
  });

  test.each<[string, () => Error, RegExp]>([
    [
      'one of ours',
      () => new StorageException('localStorage is full', { advice: 'Make room.' }),
      /localStorage is full/,
    ],
    ['any other', () => new Error('EIO /home/user/key'), /the storage failed: Error: EIO/],
  ])(
    'a save that failed with %s error is reported with the queued entries and that the values are staged',
    (_name, makeError, what) => {
      const writer = new FakeWriter();
      const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
      append(outbox, { timestamp: 1, values: '[{"a":1}]' });
      writer.save = () => {
        throw makeError();
      };
      expect(() => append(outbox, { timestamp: 2, values: '[{"a":2}]' })).toThrow(what);
      expect(() => append(outbox, { timestamp: 2, values: '[{"a":2}]' })).toThrow(
        /queued and safe: 1 .9 bytes.*still staged/,
      );
      expect(outbox.length).toBe(1);
    },
  );
});

describe('the ownership of entries', () => {
  /** An outbox with two entries, which another run adopts before the next check. */
  function fenced() {
    const writer = new FakeWriter();
    const outbox = new Outbox(writer, new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    const entries = [1, 2].map((timestamp) => append(outbox, { timestamp, values: '[{"a":1}]' }));
    writer.loss = { kind: 'fenced', writers: new Set(['own']), isStagedFenced: true };
    return { writer, outbox, entries };
  }

  test('is checked before entries are requeued', () => {
    const { outbox } = fenced();
    outbox.requeue([draftOf({ timestamp: 3, values: '[{"a":1}]' })]);
    expect([...outbox].map(({ timestamp }) => timestamp)).toEqual([3]);
  });

  test('is checked before entries are checked out, which then have to be chosen anew', () => {
    const { outbox, entries } = fenced();
    expect(outbox.checkOut(entries)).toBeUndefined();
    expect(outbox.length).toBe(0);
    expect(outbox.hasCheckouts).toBe(false);
  });

  test('lets entries be checked out that were deleted underneath, however often that is found', () => {
    const { writer, outbox, entries } = fenced();
    writer.check = () => ({ kind: 'cleared' });
    expect(outbox.checkOut(entries)?.entries).toEqual(entries);
  });

  test('is checked once a checkout is released', () => {
    const { writer, outbox } = fenced();
    const { loss } = writer;
    writer.loss = undefined;
    const checkout = outbox.checkOut(outbox.oldest(1));
    writer.loss = loss;
    checkout?.release();
    expect(outbox.length).toBe(0);
  });

  test('is checked once entries were removed: they count as removed, not as fenced', () => {
    const { writer, outbox, entries } = fenced();
    expect(outbox.remove(entries.slice(0, 1))).toBe(1);
    expect(outbox.fencedCount).toBe(1);
    expect(writer.removed).toEqual(['own/1']);
  });
});

describe('a checkout', () => {
  test('keeps its entries from being evicted until it is released, also where another holds them too', () => {
    const outbox = new Outbox(new FakeWriter(), new Emitter(), { saves: true, maxEntries: 1e9, maxBytes: Infinity });
    const [first, second] = [1, 2].map((timestamp) => append(outbox, { timestamp, values: '[{"a":1}]' }));
    const checkouts = [1, 2].map(() => outbox.checkOut([first as QueuedEntry]));
    expect([...outbox.evictable([])]).toEqual([second]);
    checkouts[0]?.release();
    checkouts[0]?.release();
    expect([...outbox.evictable([])]).toEqual([second]);
    checkouts[1]?.release();
    expect(outbox.hasCheckouts).toBe(false);
    expect([...outbox.evictable([])]).toEqual([first, second]);
  });
});
