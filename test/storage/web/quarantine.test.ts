import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { StorageException } from '../../../src/index.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { LockedOrigin } from '../../support/fakes/web-origins.js';

describe('webStorage and quarantine', () => {
  const refused = (entry: StoredEntry): StoredEntry => ({
    ...entry,
    rejection: { status: 400, reason: 'Bad request: no' },
  });

  test('counts the reason in the quota, and frees all of it', () => {
    const origin = new LockedOrigin();
    const before = origin.open(destination, { maxLength: 100_000 });
    before.save(entryOf(before, 1), { clearsStaged: false });
    const perEntry = origin.localStorage.units;
    before.quarantine([refused(entryOf(before, 1))]);
    const withReason = origin.localStorage.units;
    expect(withReason).toBeGreaterThan(perEntry);
    before.quarantine([refused(entryOf(before, 1))]);
    expect(origin.localStorage.units).toBe(withReason);
    before.remove([refused(entryOf(before, 1))]);
    const empty = origin.localStorage.units;
    // As often as wanted: else the room that is counted would shrink each time.
    for (let round = 2; round < 2000; round++) {
      before.save(entryOf(before, round), { clearsStaged: false });
      before.quarantine([refused(entryOf(before, round))]);
      before.remove([refused(entryOf(before, round))]);
    }
    expect(origin.localStorage.units).toBe(empty);
    before.save(entryOf(before, 2000, 'x'.repeat(90_000)), { clearsStaged: false });
  });

  test('does not save the reason where maxLength is reached: the entry stays as it was', async () => {
    const origin = new LockedOrigin();
    const writer = origin.open(destination, { maxLength: 260 });
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    expect(() => writer.quarantine([refused({ ...entryOf(writer, 1) })])).toThrow(StorageException);
    origin.crash(writer);
    const { entries } = await origin.adopt(origin.open(), { isFirst: true });
    expect(entries).toEqual([entryOf(writer, 1)]);
  });

  test('saves a deleted entry again with its rejection', async () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.quarantine([refused(entryOf(writer, 1))]);
    origin.localStorage.items.clear();
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain([refused(entryOf(writer, 1))]);
    origin.crash(writer);
    expect((await origin.adopt(origin.open(), { isFirst: true })).entries).toEqual([refused(entryOf(writer, 1))]);
  });
});
