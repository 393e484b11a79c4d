import { describe, expect, test } from 'vitest';
import { plainEntry, type QueuedEntry, type StoredEntry } from '../../../src/core/model/entry.js';
import { StorageSync } from '../../../src/core/outbox/storage-sync.js';
import type { OwnershipLoss, Writer } from '../../../src/core/ports/storage.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';

const refused = (of: QueuedEntry): QueuedEntry => ({ ...of, rejection: { status: 400, reason: 'no' } });
const key = ({ writer, sequence, rejection }: StoredEntry): string => `${writer}-${sequence}${rejection ? '!' : ''}`;

/** A storage whose calls can be made to fail, one by one. */
function setUp(saves = true) {
  const saved = new Map<string, StoredEntry>();
  const failing = new Set<'remove' | 'saveAgain' | 'quarantine'>();
  const calls: string[] = [];
  const state: { loss: OwnershipLoss | undefined } = { loss: undefined };
  const call = (
    name: 'remove' | 'saveAgain' | 'quarantine',
    of: readonly StoredEntry[],
    write: (one: StoredEntry) => void,
  ): void => {
    calls.push(`${name} ${of.map(key).join()}`);
    if (failing.has(name)) throw new Error('the disk is gone');
    for (const one of of) write(one);
  };
  const plain = (one: StoredEntry): string => `${one.writer}-${one.sequence}`;
  const writer: Writer = {
    id: 'own',
    check: () => {
      const { loss } = state;
      state.loss = undefined;
      return loss;
    },
    save: (one) => void saved.set(plain(one), one),
    saveAgain: (of) => call('saveAgain', of, (one) => saved.has(plain(one)) || saved.set(plain(one), one)),
    remove: (of) => call('remove', of, (one) => saved.delete(plain(one))),
    quarantine: (of) => call('quarantine', of, (one) => saved.has(plain(one)) && saved.set(plain(one), one)),
    saveStaged: () => {},
    adopt: async () => ({ entries: [], staged: [], warnings: [] }),
    close: () => {},
  };
  const held: QueuedEntry[] = [];
  const sync = new StorageSync(writer, { saves, contents: [held] });
  return { sync, held, saved, failing, calls, state };
}

describe('StorageSync: a failed operation', () => {
  test.each(['remove', 'quarantine'] as const)('is tried again until it succeeds (%s), and then no more', (name) => {
    const { sync, saved, failing, calls } = setUp();
    sync.save(queuedEntry(1));
    failing.add(name);
    sync[name]([refused(queuedEntry(1))]);
    expect(sync.retry()).toBe(name);
    failing.clear();
    expect(sync.retry()).toBeUndefined();
    expect([...saved.values()].map(key)).toEqual(name === 'remove' ? [] : ['own-1!']);
    const { length } = calls;
    sync.retry();
    expect(calls).toHaveLength(length);
  });

  test('to note is not tried again for an entry that was removed since', () => {
    const { sync, failing, calls } = setUp();
    const one = refused(queuedEntry(1));
    sync.save(queuedEntry(1));
    failing.add('quarantine');
    sync.quarantine([one]);
    sync.remove([one]);
    failing.clear();
    calls.length = 0;
    expect(sync.retry()).toBeUndefined();
    expect(calls).toEqual([]);
  });

  test('to note is tried again for the others where one was removed since', () => {
    const { sync, saved, failing } = setUp();
    for (const sequence of [1, 2]) sync.save(queuedEntry(sequence));
    failing.add('quarantine');
    const one = refused(queuedEntry(1));
    sync.quarantine([one, refused(queuedEntry(2))]);
    sync.remove([one]);
    failing.clear();
    sync.retry();
    expect([...saved.values()].map(key)).toEqual(['own-2!']);
  });

  test('is not tried again for fenced entries', () => {
    const { sync, failing, calls, state } = setUp();
    failing.add('remove').add('quarantine');
    sync.remove([queuedEntry(1), queuedEntry(1, 'other')]);
    sync.quarantine([refused(queuedEntry(2)), refused(queuedEntry(2, 'other'))]);
    state.loss = { kind: 'fenced', writers: new Set(['own']), isStagedFenced: false };
    expect(sync.reconcile()).toMatchObject({ kind: 'fenced' });
    failing.clear();
    calls.length = 0;
    sync.retry();
    expect(calls).toEqual(['remove other-1', 'quarantine other-2!']);
  });

  test('to remove does not keep deleted entries from being saved again, and nothing comes back', () => {
    const { sync, held, failing, calls, state } = setUp();
    held.push(queuedEntry(2));
    failing.add('remove');
    sync.remove([queuedEntry(1)]);
    state.loss = { kind: 'cleared' };
    sync.reconcile();
    calls.length = 0;
    sync.retry();
    expect(calls).toEqual(['remove own-1', 'saveAgain own-2']);
    failing.clear();
    calls.length = 0;
    sync.retry();
    expect(calls).toEqual(['remove own-1']);
  });
});

describe('StorageSync: entries deleted from the storage', () => {
  test('is saved again with all that is held, those in quarantine as such', () => {
    const { sync, held, saved, state } = setUp();
    held.push(queuedEntry(1), refused(queuedEntry(2)));
    state.loss = { kind: 'cleared' };
    sync.reconcile();
    sync.retry();
    expect([...saved.values()].map(key)).toEqual(['own-1', 'own-2!']);
  });

  test('is saved where nothing is to be saved only if it was adopted', () => {
    const { sync, held, calls, state } = setUp(false);
    const adopted = plainEntry(queuedEntry(1, 'dead'));
    held.push(adopted, queuedEntry(1));
    state.loss = { kind: 'cleared' };
    sync.reconcile();
    sync.retry();
    expect(calls).toEqual(['saveAgain dead-1']);
    expect(sync.isSaved(queuedEntry(1))).toBe(false);
    expect(sync.isSaved(adopted)).toBe(true);
  });
});
