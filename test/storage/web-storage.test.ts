import { describe, expect, test } from 'vitest';
import { encodeRecord } from '../../src/core/entry.js';
import type { Writer } from '../../src/core/storage.js';
import { StorageException } from '../../src/index.js';
import { entryKey, stagedKey, writerKey } from '../../src/storage/web-keys.js';
import type { LocksLike } from '../../src/storage/web-lease.js';
import { webStorage } from '../../src/storage/web-storage.js';
import {
  binding,
  entryOf,
  otherBindings,
  type StorageUnderTest,
  storageContract,
} from '../contract/storage-contract.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../support/fake-web.js';

/** An origin: one `localStorage`, and tabs that come and go. */
class Origin implements StorageUnderTest {
  readonly localStorage = new FakeWebStorage();
  readonly locks = new FakeLocks();
  readonly clock = new FakeClock();
  readonly #tabs = new Map<Writer, LocksLike & { end(): void }>();

  open(of = binding): Writer {
    const tab = this.locks.tab();
    const writer = webStorage(this.localStorage, tab).open(of, this.clock);
    this.#tabs.set(writer, tab);
    return writer;
  }

  crash(writer: Writer): void {
    this.#tabs.get(writer)?.end();
  }

  async adopt(writer: Writer, atStart: boolean) {
    const adoption = writer.adopt(atStart);
    await this.clock.advance(5000);
    return adoption;
  }
}

storageContract('webStorage with Web Locks', () => new Origin());

describe('webStorage', () => {
  test('writes one key per entry, below its own writer, beside its binding', () => {
    const origin = new Origin();
    const writer = origin.open();
    expect(origin.localStorage.length).toBe(0);
    writer.save(entryOf(writer, 1), false);
    writer.save(entryOf(writer, 2), false);
    expect(Object.fromEntries(origin.localStorage.items)).toEqual({
      [writerKey(writer.id)]: JSON.stringify(binding),
      [entryKey(writer.id, 1)]: encodeRecord(entryOf(writer, 1)),
      [entryKey(writer.id, 2)]: encodeRecord(entryOf(writer, 2)),
    });
  });

  test('leaves nothing behind once what a dead tab left is removed', async () => {
    const origin = new Origin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    origin.crash(writer);
    const next = origin.open();
    const { entries } = await origin.adopt(next, true);
    next.remove(entries);
    expect(origin.localStorage.length).toBe(0);
  });

  test('clears away a dead writer that had nothing left to send', async () => {
    const origin = new Origin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    writer.remove([entryOf(writer, 1)]);
    origin.crash(writer);
    await origin.adopt(origin.open(), true);
    expect(origin.localStorage.length).toBe(0);
  });

  test('never touches the keys of the page itself', async () => {
    const origin = new Origin();
    const own = {
      length: '1',
      'nikdev-iot': 'x',
      'nikdev-iot/2/abcdefgh12345678/1': 'newer',
      'nikdev-iot/1/short/1': 'x',
    };
    for (const [key, value] of Object.entries(own)) origin.localStorage.setItem(key, value);
    const writer = origin.open();
    writer.save(entryOf(writer, 1), true);
    writer.remove([entryOf(writer, 1)]);
    origin.crash(writer);
    await origin.adopt(origin.open(), true);
    expect(Object.fromEntries(origin.localStorage.items)).toEqual(own);
  });

  test.each([
    ['torn', '{"version":1,"timestamp":170'],
    ['of a newer version', '{"version":2,"timestamp":1700000000,"values":[{"a":1}]}'],
    ['altered so that it holds two fields in one object', '{"version":1,"timestamp":1,"values":[{"a":1,"b":2}]}'],
    ['holding what no value can be', '{"version":1,"timestamp":1,"values":[{"a":null}]}'],
    ['empty', ''],
  ])('a record that is %s is reported and left where it is, and the others are read', async (_what, record) => {
    const origin = new Origin();
    const writer = origin.open();
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), false);
    origin.localStorage.setItem(entryKey(writer.id, 2), record);
    origin.crash(writer);
    const next = origin.open();
    const { entries, warnings } = await origin.adopt(next, true);
    expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
    expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
    next.remove(entries);
    expect(Object.fromEntries(origin.localStorage.items)).toEqual({
      [writerKey(writer.id)]: JSON.stringify(binding),
      [entryKey(writer.id, 2)]: record,
    });
    expect((await origin.adopt(next, false)).warnings).toEqual([]);
  });

  test('a full localStorage is a StorageException, and what is there stays', () => {
    const origin = new Origin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    origin.localStorage.capacity = origin.localStorage.units + 10;
    expect(() => writer.save(entryOf(writer, 2), false)).toThrow(StorageException);
    expect(origin.localStorage.getItem(entryKey(writer.id, 1))).toBe(encodeRecord(entryOf(writer, 1)));
    writer.remove([entryOf(writer, 1)]);
    writer.save(entryOf(writer, 3), false);
    expect(origin.localStorage.getItem(entryKey(writer.id, 3))).not.toBeNull();
  });

  test('staged values that do not fit are passed over in silence', () => {
    const origin = new Origin();
    const writer = origin.open();
    origin.localStorage.capacity = 100;
    writer.saveStaged([{ fieldId: 'a', value: 'x'.repeat(100) }]);
    expect(origin.localStorage.getItem(stagedKey(writer.id))).toBeNull();
  });

  test.each(otherBindings)('entries of dead tabs for %o are reported as waiting', async (other) => {
    const origin = new Origin();
    const writer = origin.open(other);
    writer.save(entryOf(writer, 1), false);
    const next = origin.open();
    expect((await origin.adopt(next, true)).warnings).toEqual([]);
    origin.crash(writer);
    const { warnings } = await origin.adopt(next, false);
    expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['entries-waiting']));
    expect(warnings[0]?.message).toContain(other.deviceId);
    expect(warnings[0]?.message).toContain(other.baseUrl);
  });

  test('a writer that saved before its lock was granted is not robbed', async () => {
    const origin = new Origin();
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
    const writer = webStorage(origin.localStorage, slow).open(binding, origin.clock);
    writer.save(entryOf(writer, 1), false);
    const other = origin.open();
    const adoption = other.adopt(true);
    await origin.clock.advance(500);
    grant();
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([]);
  });

  test('a tab that is left while the next one already looks is adopted in the same go', async () => {
    const origin = new Origin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    const adoption = origin.open().adopt(true);
    await origin.clock.advance(50);
    origin.crash(left);
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([entryOf(left, 1)]);
  });

  test('a page in the back/forward cache, which holds its lock, is not asked for it', async () => {
    const origin = new Origin();
    const cached = origin.open();
    cached.save(entryOf(cached, 1), false);
    const asked: string[] = [];
    const tab = origin.locks.tab();
    const watched: LocksLike = {
      query: tab.query,
      request: (name, options, callback) => {
        asked.push(name);
        return tab.request(name, options, callback);
      },
    };
    const writer = webStorage(origin.localStorage, watched).open(binding, origin.clock);
    await origin.adopt(writer, true);
    await origin.adopt(writer, false);
    expect(asked.filter((name) => name.includes(cached.id))).toEqual([]);
  });

  test('a writer closed while it looks takes nothing', async () => {
    const origin = new Origin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    origin.crash(writer);
    const closing = origin.open();
    const adoption = closing.adopt(true);
    await origin.clock.advance(1050);
    closing.close();
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([]);
    expect((await origin.adopt(origin.open(), true)).entries).toEqual([entryOf(writer, 1)]);
  });

  test('without Web Locks what earlier visits left waits, and a warning says so', async () => {
    const origin = new Origin();
    const left = webStorage(origin.localStorage, undefined).open(binding, origin.clock);
    left.save(entryOf(left, 1), false);
    const { entries, warnings } = await webStorage(origin.localStorage, undefined)
      .open(binding, origin.clock)
      .adopt(true);
    expect(entries).toEqual([]);
    expect(warnings).toMatchObject([{ code: 'adoption-unavailable' }]);
    expect((await origin.adopt(origin.open(), true)).entries).toEqual([entryOf(left, 1)]);
  });
});
