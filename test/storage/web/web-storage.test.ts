import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Writer } from '../../../src/core/ports/storage.js';
import { ConfigException, StorageException } from '../../../src/index.js';
import type { LocksLike } from '../../../src/storage/web/lease/lock-lease.js';
import { entryKey, heartbeatKey, stagedKey, writerKey } from '../../../src/storage/web/records/keys.js';
import { encodeRecord } from '../../../src/storage/web/records/record.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { type StorageUnderTest, storageContract } from '../../contract/storage-contract.js';
import { binding, entryOf, otherBindings } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../../support/fakes/fake-web.js';

/** An origin: one `localStorage`, and tabs that come and go. */
class Origin implements StorageUnderTest {
  readonly localStorage = new FakeWebStorage();
  readonly locks = new FakeLocks();
  readonly clock = new FakeClock();
  readonly #tabs = new Map<Writer, LocksLike & { end(): void }>();

  open(of = binding, options = {}): Writer {
    const tab = this.locks.tab();
    const writer = webStorage(this.localStorage, options, { locks: tab }).open(of, this.clock);
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

/** Pages on plain http, of one `localStorage`. */
class PlainOrigin implements StorageUnderTest {
  readonly localStorage = new FakeWebStorage();
  readonly clock = new FakeClock();
  readonly #pages = new Map<Writer, EventTarget>();

  open(of = binding, clock = this.clock): Writer {
    const page = new EventTarget();
    const writer = webStorage(this.localStorage, {}, { page }).open(of, clock);
    this.#pages.set(writer, page);
    return writer;
  }

  /** What the browser tells a page. */
  tell(writer: Writer, type: 'pagehide' | 'pageshow'): void {
    this.#pages.get(writer)?.dispatchEvent(new Event(type));
  }

  /** Leaves the page for good. */
  crash(writer: Writer): void {
    this.tell(writer, 'pagehide');
    this.#pages.delete(writer);
  }

  async adopt(writer: Writer, atStart: boolean) {
    const adoption = writer.adopt(atStart);
    await this.clock.advance(5000);
    return adoption;
  }

  /** Looks every half a minute, as an `Api` does. @returns How many seconds it took until something was found. */
  async adoptWhenSilent(writer: Writer): Promise<{ entries: readonly StoredEntry[]; seconds: number }> {
    for (let seconds = 0; seconds < 600; seconds += 30) {
      const { entries } = await this.adopt(writer, seconds === 0);
      if (entries.length > 0) return { entries, seconds };
      await this.clock.advance(25_000);
    }
    return { entries: [], seconds: Number.POSITIVE_INFINITY };
  }
}

storageContract('webStorage on plain http', () => new PlainOrigin());

describe('F28 webStorage on plain http, where there are no Web Locks', () => {
  test('takes over what a page left that crashed, after three minutes without a sign', async () => {
    const origin = new PlainOrigin();
    const crashed = origin.open();
    crashed.save(entryOf(crashed, 1), false);
    const { entries, seconds } = await origin.adoptWhenSilent(origin.open());
    expect(entries).toEqual([entryOf(crashed, 1)]);
    expect(seconds).toBeGreaterThanOrEqual(180);
    expect(seconds).toBeLessThanOrEqual(240);
  });

  test('never robs a page that gives a sign of life once a minute, as hidden ones do', async () => {
    const origin = new PlainOrigin();
    const [hidden, other] = [origin.open(), origin.open()];
    hidden.save(entryOf(hidden, 1), false);
    for (let look = 0; look < 20; look++) {
      expect((await origin.adopt(other, false)).entries).toEqual([]);
      await origin.clock.advance(25_000);
      if (look % 2) void hidden.adopt(false);
    }
    expect(hidden.check()).toBeUndefined();
  });

  test('takes over at once what a page left that was closed or reloaded', async () => {
    const origin = new PlainOrigin();
    const closed = origin.open();
    closed.save(entryOf(closed, 1), false);
    origin.tell(closed, 'pagehide');
    const adoption = origin.open().adopt(true);
    await origin.clock.advance(1000);
    expect((await adoption).entries).toEqual([entryOf(closed, 1)]);
  });

  test('a page that comes back from the back/forward cache goes on, if nobody took it over', async () => {
    const origin = new PlainOrigin();
    const cached = origin.open();
    cached.save(entryOf(cached, 1), false);
    origin.tell(cached, 'pagehide');
    origin.tell(cached, 'pageshow');
    expect(cached.check()).toBeUndefined();
    expect((await origin.adopt(origin.open(), true)).entries).toEqual([]);
  });

  test('a page that is hidden and still commits shows with that commit that it lives', async () => {
    const origin = new PlainOrigin();
    const hidden = origin.open();
    hidden.save(entryOf(hidden, 1), false);
    origin.tell(hidden, 'pagehide');
    hidden.save(entryOf(hidden, 2), false);
    expect((await origin.adopt(origin.open(), true)).entries).toEqual([]);
  });

  test('a frozen page that wakes up is told what another took over, and goes on under a new id', async () => {
    const origin = new PlainOrigin();
    const ancestor = origin.open();
    ancestor.save(entryOf(ancestor, 1), false);
    origin.crash(ancestor);
    const frozen = origin.open();
    await origin.adopt(frozen, true);
    frozen.save(entryOf(frozen, 1), false);
    frozen.saveStaged([{ fieldId: 'a', value: 1 }]);
    const before = frozen.id;
    const adopter = origin.open();
    const { entries } = await origin.adoptWhenSilent(adopter);
    expect(new Set(entries.map(({ writer }) => writer))).toEqual(new Set([ancestor.id, before]));
    expect(frozen.check()).toEqual({
      kind: 'taken',
      writers: new Set([ancestor.id, before]),
      isStagedTaken: false,
    });
    expect(frozen.check()).toBeUndefined();
    expect(frozen.id).not.toBe(before);
    frozen.save(entryOf(frozen, 2), false);
    expect((await origin.adopt(adopter, false)).entries).toEqual([]);
    origin.crash(frozen);
    expect(await origin.adopt(origin.open(), true)).toMatchObject({ entries: [entryOf(frozen, 2)], staged: [] });
  });

  test('a frozen page whose staged values came back elsewhere is told so', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open();
    frozen.saveStaged([{ fieldId: 'a', value: 1 }]);
    origin.tell(frozen, 'pagehide');
    expect((await origin.adopt(origin.open(), true)).staged).toEqual([{ fieldId: 'a', value: 1 }]);
    origin.tell(frozen, 'pageshow');
    expect(frozen.check()).toMatchObject({ kind: 'taken', isStagedTaken: true });
  });

  test('a frozen page is told so even while nothing can be removed, and leaves what it had staged to the next start', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open();
    frozen.save(entryOf(frozen, 1), false);
    frozen.saveStaged([{ fieldId: 'a', value: 1 }]);
    const adopter = origin.open();
    expect((await origin.adoptWhenSilent(adopter)).entries).toHaveLength(1);
    const { id } = frozen;
    const { localStorage } = origin;
    localStorage.removeItem = () => {
      throw Object.assign(new Error('no'), { name: 'SecurityError' });
    };
    expect(frozen.check()).toEqual({ kind: 'taken', writers: new Set([id]), isStagedTaken: true });
    expect(frozen.id).not.toBe(id);
    localStorage.removeItem = (key) => void localStorage.items.delete(key);
    adopter.close();
    expect((await origin.adopt(origin.open(), true)).staged).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('a frozen page is told so even when the other has sent everything already', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open();
    frozen.save(entryOf(frozen, 1), false);
    const adopter = origin.open();
    const { entries } = await origin.adoptWhenSilent(adopter);
    adopter.remove(entries);
    adopter.close();
    expect(frozen.check()).toMatchObject({ kind: 'taken' });
  });

  test('a hidden page that is shown again is told so, even where the other let go of the staged values that it left', async () => {
    const origin = new PlainOrigin();
    const [hidden, other] = [origin.open(), origin.open()];
    hidden.save(entryOf(hidden, 1), false);
    hidden.saveStaged([{ fieldId: 'a', value: 1 }]);
    origin.tell(hidden, 'pagehide');
    other.remove((await origin.adopt(other, false)).entries);
    const { id } = hidden;
    origin.tell(hidden, 'pageshow');
    expect(hidden.check()).toMatchObject({ kind: 'taken', writers: new Set([id]) });
  });

  test('a page that freezes while it adopts does not bring home what it was told that another took', async () => {
    const origin = new PlainOrigin();
    const [left, living, writer] = [origin.open(), origin.open(), origin.open()];
    left.save(entryOf(left, 1), false);
    living.save(entryOf(living, 1), false);
    origin.crash(left);
    const adoption = writer.adopt(true);
    await origin.clock.advance(1500);
    origin.localStorage.setItem(heartbeatKey(left.id), '@another0000000001');
    expect(writer.check()).toMatchObject({ kind: 'taken', writers: new Set([left.id]) });
    await origin.clock.advance(5000);
    expect((await adoption).entries).toEqual([]);
  });

  test('of two pages that take one over at once, one gets it', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    origin.crash(left);
    const adoptions = [origin.open(), origin.open()].map((writer) => writer.adopt(true));
    await origin.clock.advance(5000);
    const taken = (await Promise.all(adoptions)).map(({ entries }) => entries.length);
    expect(taken.sort()).toEqual([0, 1]);
  });

  test('a pause of everybody is no silence: whoever wakes first takes nothing', async () => {
    const origin = new PlainOrigin();
    const [one, other] = [origin.open(), origin.open()];
    one.save(entryOf(one, 1), false);
    await origin.adopt(other, true);
    await origin.clock.advance(3_600_000);
    expect((await origin.adopt(other, false)).entries).toEqual([]);
  });

  test('an adopter that crashes in turn leaves all to the next', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    origin.crash(left);
    await origin.adopt(origin.open(), true);
    const { entries, seconds } = await origin.adoptWhenSilent(origin.open());
    expect(entries).toEqual([entryOf(left, 1)]);
    expect(seconds).toBeGreaterThanOrEqual(180);
  });

  test('can take over in a localStorage that has no room left', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    origin.crash(left);
    origin.localStorage.capacity = origin.localStorage.units;
    const adopter = origin.open();
    const { entries } = await origin.adopt(adopter, true);
    expect(entries).toEqual([entryOf(left, 1)]);
  });

  test('keeps what it leaves for those that wake up within bounds', async () => {
    const origin = new PlainOrigin();
    for (let visit = 0; visit < 200; visit++) {
      const writer = origin.open();
      writer.remove((await origin.adopt(writer, true)).entries);
      writer.save(entryOf(writer, 1), false);
      origin.crash(writer);
    }
    expect(origin.localStorage.length).toBeLessThan(60);
  });
});

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
    const writer = webStorage(origin.localStorage, {}, { locks: slow }).open(binding, origin.clock);
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
    const writer = webStorage(origin.localStorage, {}, { locks: watched }).open(binding, origin.clock);
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

  test('takes over what pages without Web Locks of the same origin left, and they see that it does', async () => {
    const origin = new Origin();
    const plain = webStorage(origin.localStorage, {}, {}).open(binding, origin.clock);
    plain.save(entryOf(plain, 1), false);
    const adopter = origin.open();
    let found: readonly StoredEntry[] = [];
    for (let look = 0; look < 10 && found.length === 0; look++) {
      found = (await origin.adopt(adopter, false)).entries;
      await origin.clock.advance(25_000);
    }
    expect(found).toEqual([entryOf(plain, 1)]);
    expect(plain.check()).toMatchObject({ kind: 'taken' });
  });

  test('leaves alone, without Web Locks, what pages that have them left: it cannot tell whether they live', async () => {
    const origin = new Origin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    const plain = webStorage(origin.localStorage, {}, {}).open(binding, origin.clock);
    for (let look = 0; look < 10; look++) expect((await origin.adopt(plain, false)).entries).toEqual([]);
  });
});

describe.each([
  ['with Web Locks', () => new Origin()],
  ['on plain http', () => new PlainOrigin()],
])('F19 webStorage %s whose keys are deleted underneath', (_where, makeOrigin) => {
  const clear = ({ localStorage }: Origin | PlainOrigin): void => localStorage.items.clear();

  test('says so, once all is saved again only once', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    clear(origin);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain([entryOf(writer, 1)]);
    expect(writer.check()).toBeUndefined();
  });

  test('has all again that was saved again, its own and adopted, for whoever comes next', async () => {
    const origin = makeOrigin();
    const left = origin.open();
    for (const sequence of [1, 2]) left.save(entryOf(left, sequence), false);
    await origin.crash(left);
    const writer = origin.open();
    const { entries } = await origin.adopt(writer, true);
    writer.save(entryOf(writer, 1), false);
    clear(origin);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain([...entries, entryOf(writer, 1)]);
    writer.remove(entries.slice(0, 1));
    await origin.crash(writer);
    const again = await origin.adopt(origin.open(), true);
    expect(again.entries).toHaveLength(2);
    expect(again.entries).toEqual(expect.arrayContaining([entryOf(left, 2), entryOf(writer, 1)]));
  });

  test('sees that its adopted keys are gone where it has none of its own', async () => {
    const origin = makeOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    await origin.crash(left);
    const writer = origin.open();
    await origin.adopt(writer, true);
    clear(origin);
    expect(writer.check()).toEqual({ kind: 'cleared' });
  });

  test('sees that its adopted keys are gone, though it has staged a value since', async () => {
    const origin = makeOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    await origin.crash(left);
    const writer = origin.open();
    await origin.adopt(writer, true);
    clear(origin);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    expect(writer.check()).toEqual({ kind: 'cleared' });
  });

  test('forgets with their commit the values that it has staged since', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    clear(origin);
    writer.saveStaged([{ fieldId: 'a', value: 2 }]);
    writer.check();
    writer.save(entryOf(writer, 1), true);
    expect(origin.localStorage.items.has(stagedKey(writer.id))).toBe(false);
  });

  test('says nothing more once it is closed', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    writer.close();
    clear(origin);
    expect(writer.check()).toBeUndefined();
  });

  test('saves nothing again once it is closed', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    clear(origin);
    writer.check();
    writer.close();
    writer.saveAgain([entryOf(writer, 1)]);
    expect([...origin.localStorage.items]).toEqual([]);
  });

  test('can be saved again in part and then in full, where there was no room at first', async () => {
    const origin = makeOrigin();
    const writer = origin.open();
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), false);
    clear(origin);
    writer.check();
    origin.localStorage.capacity = 300;
    const all = [1, 2, 3].map((sequence) => entryOf(writer, sequence));
    expect(() => writer.saveAgain(all)).toThrow(StorageException);
    origin.localStorage.capacity = 5_242_880;
    writer.saveAgain(all);
    await origin.crash(writer);
    expect((await origin.adopt(origin.open(), true)).entries).toEqual(all);
  });
});

test('F19 F28 a page whose adopted keys alone are gone, and have no room any more, goes on to show that it lives', async () => {
  const origin = new PlainOrigin();
  const left = origin.open();
  left.save(entryOf(left, 1), false);
  origin.crash(left);
  const [writer, other] = [origin.open(), origin.open()];
  const { entries } = await origin.adopt(writer, true);
  origin.localStorage.items.clear();
  writer.save(entryOf(writer, 1), false);
  origin.localStorage.capacity = origin.localStorage.units;
  for (let look = 0; look < 10; look++) {
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(() => writer.saveAgain([...entries, entryOf(writer, 1)])).toThrow(StorageException);
    expect((await origin.adopt(other, false)).entries).toEqual([]);
    await origin.clock.advance(25_000);
    void writer.adopt(false);
  }
});

describe('F28 two writers of one page on plain http', () => {
  const openTwo = (origin: PlainOrigin) => {
    const storage = webStorage(origin.localStorage, {}, { page: new EventTarget() });
    return [storage.open(binding, origin.clock), storage.open(binding, origin.clock)] as const;
  };

  test('what the one gives back, the other adopts', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    origin.crash(left);
    const [one, other] = openTwo(origin);
    expect((await origin.adopt(one, true)).entries).toHaveLength(1);
    one.close();
    expect((await origin.adopt(other, true)).entries).toEqual([entryOf(left, 1)]);
  });

  test('what the one left, the other adopts, though another page was faster once and crashed', async () => {
    const origin = new PlainOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), false);
    origin.crash(left);
    const [, other] = openTwo(origin);
    const faster = origin.open();
    const adoptions = [other.adopt(true), faster.adopt(true)];
    await origin.clock.advance(5000);
    const [ours, theirs] = await Promise.all(adoptions);
    expect([ours?.entries.length, theirs?.entries.length]).toEqual([0, 1]);
    expect((await origin.adoptWhenSilent(other)).entries).toEqual([entryOf(left, 1)]);
  });
});

describe('F40 the room that webStorage takes', () => {
  const open = (origin: Origin, maxLength: number): Writer => origin.open(binding, { maxLength });
  const fill = (writer: Writer, from = 1): number => {
    for (let sequence = from; ; sequence++) {
      try {
        writer.save(entryOf(writer, sequence), false);
      } catch (error) {
        expect(error).toBeInstanceOf(StorageException);
        expect(error).toMatchObject({ isFull: true });
        return sequence;
      }
    }
  };

  test('is at most maxLength, keys included, however entries and staged values come and go', () => {
    const origin = new Origin();
    const writer = open(origin, 2000);
    let next = 0;
    for (let round = 0; round < 20; round++) {
      writer.saveStaged([{ fieldId: 'a', value: 'x'.repeat(round * 7) }]);
      next = fill(writer, next + 1);
      expect(origin.localStorage.units - 'nikdev-iot/1/runs1'.length).toBeLessThanOrEqual(2000);
      expect(origin.localStorage.units).toBeGreaterThan(1700);
      writer.remove([next - 1, next - 2, next - 3].map((sequence) => entryOf(writer, sequence)));
      writer.save(entryOf(writer, ++next), round % 2 === 0);
    }
  });

  test('counts what was adopted, and no longer what was sent of it', async () => {
    const origin = new Origin();
    const left = open(origin, 2000);
    fill(left);
    origin.crash(left);
    const writer = open(origin, 2000);
    const adoption = writer.adopt(true);
    await origin.clock.advance(5000);
    const { entries } = await adoption;
    expect(() => writer.save(entryOf(writer, 1), false)).toThrow(StorageException);
    writer.remove(entries);
    writer.save(entryOf(writer, 2), false);
    fill(writer, 3);
    expect(origin.localStorage.units).toBeGreaterThan(1800);
  });

  test('counts what a writer of the same page left', () => {
    const origin = new Origin();
    const storage = webStorage(origin.localStorage, { maxLength: 2000 }, { locks: origin.locks.tab() });
    const [one, other] = [storage.open(binding, origin.clock), storage.open(binding, origin.clock)];
    fill(one);
    one.close();
    expect(() => other.save(entryOf(other, 1), false)).toThrow(/maxLength \(2000\)/);
  });

  test('is at most maxLength where adopted keys were deleted underneath before they were removed', async () => {
    const origin = new Origin();
    const left = open(origin, 2000);
    fill(left);
    origin.crash(left);
    const writer = open(origin, 2000);
    const adoption = writer.adopt(true);
    await origin.clock.advance(5000);
    const { entries } = await adoption;
    origin.localStorage.items.clear();
    writer.check();
    fill(writer);
    writer.remove(entries);
    fill(writer, 100);
    expect(origin.localStorage.units).toBeLessThanOrEqual(2000);
  });

  test('counts what other tabs take, as of the last look', async () => {
    const origin = new Origin();
    const other = open(origin, 2000);
    fill(other);
    const writer = open(origin, 2000);
    const adoption = writer.adopt(true);
    await origin.clock.advance(5000);
    await adoption;
    expect(() => writer.save(entryOf(writer, 1), false)).toThrow(/maxLength \(2000\)/);
  });

  test.each([0, -1, 1.5, Number.NaN, '3000000'])('cannot be %s', (maxLength) => {
    expect(() => webStorage(new FakeWebStorage(), { maxLength: maxLength as number })).toThrow(ConfigException);
  });

  test.each([undefined, null, {}, 'localStorage'])('nor can the storage be %s', (storage) => {
    expect(() => webStorage(storage as never)).toThrow(ConfigException);
  });
});

describe('webStorage and quarantine', () => {
  const refused = (entry: StoredEntry): StoredEntry => ({
    ...entry,
    refusal: { status: 400, reason: 'Bad request: no' },
  });

  test('counts the reason in its room, and gives all of it back', () => {
    const origin = new Origin();
    const before = origin.open(binding, { maxLength: 100_000 });
    before.save(entryOf(before, 1), false);
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
      before.save(entryOf(before, round), false);
      before.quarantine([refused(entryOf(before, round))]);
      before.remove([refused(entryOf(before, round))]);
    }
    expect(origin.localStorage.units).toBe(empty);
    before.save(entryOf(before, 2000, 'x'.repeat(90_000)), false);
  });

  test('has no room for the reason where maxLength is reached: the entry stays as it was', async () => {
    const origin = new Origin();
    const writer = origin.open(binding, { maxLength: 260 });
    writer.save(entryOf(writer, 1), false);
    expect(() => writer.quarantine([refused({ ...entryOf(writer, 1) })])).toThrow(StorageException);
    origin.crash(writer);
    const { entries } = await origin.adopt(origin.open(), true);
    expect(entries).toEqual([entryOf(writer, 1)]);
  });

  test('saves an entry that was deleted underneath again as what it is', async () => {
    const origin = new Origin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), false);
    writer.quarantine([refused(entryOf(writer, 1))]);
    origin.localStorage.items.clear();
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain([refused(entryOf(writer, 1))]);
    origin.crash(writer);
    expect((await origin.adopt(origin.open(), true)).entries).toEqual([refused(entryOf(writer, 1))]);
  });
});
