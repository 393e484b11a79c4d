import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { LocksLike } from '../../../src/storage/web/lease/lock-lease.js';
import { entryKey } from '../../../src/storage/web/records/keys.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../../support/fakes/fake-web.js';
import { LockedOrigin } from '../../support/fakes/web-origins.js';

describe('adoption by Web Locks', () => {
  test('a writer that saved before its lock was granted is not fenced', async () => {
    const origin = new LockedOrigin();
    const late = origin.locks.tab();
    let grant = (): void => {};
    // A tab whose request reaches the browser only after the first look of another.
    const slow: LocksLike = {
      query: late.query,
      request: (name, options, callback) =>
        new Promise((resolve) => {
          grant = () => resolve(late.request(name, options, callback));
        }),
    };
    const writer = webStorage(origin.localStorage, {}, { locks: slow }).open(destination, origin.clock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const other = origin.open();
    const adoption = other.adopt({ isFirst: true });
    await origin.clock.advance(500);
    grant();
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([]);
  });

  test('a tab that ends while the next one looks for orphans is adopted by the same look', async () => {
    const origin = new LockedOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    const adoption = origin.open().adopt({ isFirst: true });
    await origin.clock.advance(50);
    origin.crash(left);
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([entryOf(left, 1)]);
  });

  test('the lock of a page in the back/forward cache is not requested', async () => {
    const origin = new LockedOrigin();
    const cached = origin.open();
    cached.save(entryOf(cached, 1), { clearsStaged: false });
    const asked: string[] = [];
    const tab = origin.locks.tab();
    const watched: LocksLike = {
      query: tab.query,
      request: (name, options, callback) => {
        asked.push(name);
        return tab.request(name, options, callback);
      },
    };
    const writer = webStorage(origin.localStorage, {}, { locks: watched }).open(destination, origin.clock);
    await origin.adopt(writer, { isFirst: true });
    await origin.adopt(writer, { isFirst: false });
    expect(asked.filter((name) => name.includes(cached.id))).toEqual([]);
  });

  test('a writer closed while it looks for orphans adopts nothing', async () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    origin.crash(writer);
    const closing = origin.open();
    const adoption = closing.adopt({ isFirst: true });
    await origin.clock.advance(1050);
    closing.close();
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([]);
    expect((await origin.adopt(origin.open(), { isFirst: true })).entries).toEqual([entryOf(writer, 1)]);
  });

  test('adopts entries of pages of the same origin without Web Locks, which are fenced', async () => {
    const origin = new LockedOrigin();
    const plain = webStorage(origin.localStorage, {}, {}).open(destination, origin.clock);
    plain.save(entryOf(plain, 1), { clearsStaged: false });
    const adopter = origin.open();
    let found: readonly StoredEntry[] = [];
    for (let look = 0; look < 10 && found.length === 0; look++) {
      found = (await origin.adopt(adopter, { isFirst: false })).entries;
      await origin.clock.advance(25_000);
    }
    expect(found).toEqual([entryOf(plain, 1)]);
    expect(plain.check()).toMatchObject({ kind: 'fenced' });
  });

  test('does not adopt, without Web Locks, entries of pages that have them, as it cannot know whether they live', async () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const plain = webStorage(origin.localStorage, {}, {}).open(destination, origin.clock);
    for (let look = 0; look < 10; look++) expect((await origin.adopt(plain, { isFirst: false })).entries).toEqual([]);
  });
});

test('a change of a dead tab that arrives after its adoption keeps its destination', async () => {
  const clock = new FakeClock();
  const local = new FakeWebStorage();
  const locks = new FakeLocks();
  const tab = locks.tab();
  const left = webStorage(local, {}, { locks: tab }).open(destination, clock);
  left.save(entryOf(left, 1), { clearsStaged: false });
  const late = entryOf(left, 2);
  left.save(late, { clearsStaged: false });
  const record = local.getItem(entryKey(left.id, 2)) as string;
  local.removeItem(entryKey(left.id, 2)); // not yet here
  tab.end();
  const next = webStorage(local, {}, { locks: locks.tab() }).open(destination, clock);
  const adoption = next.adopt({ isFirst: true });
  await clock.advance(5000);
  local.setItem(entryKey(left.id, 2), record); // now it is
  const { entries } = await adoption;
  next.remove(entries);
  next.close();
  const last = webStorage(local, {}, { locks: locks.tab() }).open(destination, clock);
  const again = last.adopt({ isFirst: true });
  await clock.advance(5000);
  const result = await again;
  expect(result.entries).toEqual([late]);
});
