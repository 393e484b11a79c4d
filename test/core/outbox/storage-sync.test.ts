import { describe, expect, test } from 'vitest';
import type { QueuedEntry, StoredEntry } from '../../../src/core/model/entry.js';
import { StorageSync } from '../../../src/core/outbox/storage-sync.js';
import type { Loss, Writer } from '../../../src/core/ports/storage.js';
import { queuedEntry } from '../../support/queued-entry.js';

const refused = (of: QueuedEntry): QueuedEntry => ({ ...of, refusal: { status: 400, reason: 'no' } });
const key = ({ writer, sequence, refusal }: StoredEntry): string => `${writer}-${sequence}${refusal ? '!' : ''}`;

/** A storage that can be told to fail, call by call. */
function setUp(saves = true) {
  const saved = new Map<string, StoredEntry>();
  const failing = new Set<'remove' | 'saveAgain' | 'quarantine'>();
  const calls: string[] = [];
  const state: { loss: Loss | undefined } = { loss: undefined };
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
  const keeper = new StorageSync(writer, saves, () => held);
  return { keeper, held, saved, failing, calls, state };
}

describe('what the storage failed at', () => {
  test.each(['remove', 'quarantine'] as const)('is tried again until it succeeds (%s), and then no more', (name) => {
    const { keeper, saved, failing, calls } = setUp();
    keeper.save(queuedEntry(1), false);
    failing.add(name);
    keeper[name]([refused(queuedEntry(1))]);
    expect(keeper.retry()).toBe(name);
    failing.clear();
    expect(keeper.retry()).toBeUndefined();
    expect([...saved.values()].map(key)).toEqual(name === 'remove' ? [] : ['own-1!']);
    const { length } = calls;
    keeper.retry();
    expect(calls).toHaveLength(length);
  });

  test('to note is not tried again for an entry that was removed since', () => {
    const { keeper, failing, calls } = setUp();
    const one = refused(queuedEntry(1));
    keeper.save(queuedEntry(1), false);
    failing.add('quarantine');
    keeper.quarantine([one]);
    keeper.remove([one]);
    failing.clear();
    calls.length = 0;
    expect(keeper.retry()).toBeUndefined();
    expect(calls).toEqual([]);
  });

  test('to note is tried again for the others where one was removed since', () => {
    const { keeper, saved, failing } = setUp();
    for (const sequence of [1, 2]) keeper.save(queuedEntry(sequence), false);
    failing.add('quarantine');
    const one = refused(queuedEntry(1));
    keeper.quarantine([one, refused(queuedEntry(2))]);
    keeper.remove([one]);
    failing.clear();
    keeper.retry();
    expect([...saved.values()].map(key)).toEqual(['own-2!']);
  });

  test('is not tried again for what another took over', () => {
    const { keeper, failing, calls, state } = setUp();
    failing.add('remove').add('quarantine');
    keeper.remove([queuedEntry(1), queuedEntry(1, 'other')]);
    keeper.quarantine([refused(queuedEntry(2)), refused(queuedEntry(2, 'other'))]);
    state.loss = { kind: 'taken', writers: new Set(['own']), isStagedTaken: false };
    expect(keeper.reconcile()).toMatchObject({ kind: 'taken' });
    failing.clear();
    calls.length = 0;
    keeper.retry();
    expect(calls).toEqual(['remove other-1', 'quarantine other-2!']);
  });

  test('to forget does not keep what was deleted underneath from being saved again, and nothing comes back', () => {
    const { keeper, held, failing, calls, state } = setUp();
    held.push(queuedEntry(2));
    failing.add('remove');
    keeper.remove([queuedEntry(1)]);
    state.loss = { kind: 'cleared' };
    keeper.reconcile();
    calls.length = 0;
    keeper.retry();
    expect(calls).toEqual(['remove own-1', 'saveAgain own-2']);
    failing.clear();
    calls.length = 0;
    keeper.retry();
    expect(calls).toEqual(['remove own-1']);
  });
});

describe('what was deleted underneath', () => {
  test('is saved again with all that is held, those in quarantine as such', () => {
    const { keeper, held, saved, state } = setUp();
    held.push(queuedEntry(1), refused(queuedEntry(2)));
    state.loss = { kind: 'cleared' };
    keeper.reconcile();
    keeper.retry();
    expect([...saved.values()].map(key)).toEqual(['own-1', 'own-2!']);
  });

  test('is saved where nothing is to be saved only if it was adopted', () => {
    const { keeper, held, calls, state } = setUp(false);
    held.push({ ...queuedEntry(1, 'dead'), origin: 'adopted' }, queuedEntry(1));
    state.loss = { kind: 'cleared' };
    keeper.reconcile();
    keeper.retry();
    expect(calls).toEqual(['saveAgain dead-1']);
    expect(keeper.isSaved(queuedEntry(1))).toBe(false);
    expect(keeper.isSaved({ ...queuedEntry(1), origin: 'adopted' })).toBe(true);
  });
});
