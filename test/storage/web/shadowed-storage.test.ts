import { describe, expect, test } from 'vitest';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../../support/fakes/fake-web.js';

/** As browsers have it: its methods and `length` are its prototype's, and refuse any other object. */
class BrowserStorage {
  readonly #inner = new FakeWebStorage();

  get [Symbol.toStringTag](): string {
    return 'Storage';
  }

  get length(): number {
    return this.#inner.length;
  }

  key(index: number): string | null {
    return this.#inner.key(index);
  }

  getItem(key: string): string | null {
    return this.#inner.getItem(key);
  }

  setItem(key: string, value: string): void {
    this.#inner.setItem(key, value);
  }

  removeItem(key: string): void {
    this.#inner.removeItem(key);
  }
}

const MEMBERS = ['length', 'key', 'getItem', 'setItem', 'removeItem'] as const;

/** Puts a text in the place of members, as `localStorage.key = 'x'` does in Chromium. */
function shadow<Target extends object>(target: Target, members: readonly string[] = MEMBERS): Target {
  for (const member of members) Object.defineProperty(target, member, { value: 'x', configurable: true });
  return target;
}

function setUp(localStorage: BrowserStorage) {
  const clock = new FakeClock();
  const locks = new FakeLocks();
  const open = () => {
    const tab = locks.tab();
    const writer = webStorage(localStorage, {}, { locks: tab }).open(destination, clock);
    return { writer, crash: () => tab.end() };
  };
  const adopt = async () => {
    const adoption = open().writer.adopt({ isFirst: true });
    await clock.advance(5000);
    return adoption;
  };
  return { open, adopt };
}

describe('F50 a localStorage whose members a page has shadowed', () => {
  test.each(MEMBERS)('works: saves, removes, and is adopted, with %s shadowed before and after', async (member) => {
    for (const isBefore of [true, false]) {
      const localStorage = new BrowserStorage();
      if (isBefore) shadow(localStorage, [member]);
      const { open, adopt } = setUp(localStorage);
      const { writer, crash } = open();
      writer.save(entryOf(writer, 1), { clearsStaged: false });
      if (!isBefore) shadow(localStorage, [member]);
      for (const sequence of [2, 3]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
      writer.remove([entryOf(writer, 2)]);
      expect(writer.check()).toBeUndefined();
      crash();
      expect(await adopt()).toMatchObject({ entries: [entryOf(writer, 1), entryOf(writer, 3)], warnings: [] });
    }
  });

  test('calls the methods of its prototype as they are then: a page may wrap them', () => {
    const localStorage = new BrowserStorage();
    const { writer } = setUp(localStorage).open();
    const { setItem } = BrowserStorage.prototype;
    const keys: string[] = [];
    BrowserStorage.prototype.setItem = function (key, value) {
      keys.push(key);
      setItem.call(this, key, value);
    };
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    BrowserStorage.prototype.setItem = setItem;
    expect(keys).toHaveLength(2);
  });

  test('that is no browser’s is used as it is: the own methods of one that wraps another are called', () => {
    const inner = new BrowserStorage();
    const calls: string[] = [];
    // Only its get trap makes the methods work; its prototype's refuse it.
    const wrapped = new Proxy(inner, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          calls.push(String(name));
          return member.apply(target, args);
        };
      },
    });
    const { writer } = setUp(wrapped).open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    expect(calls).toContain('setItem');
    expect(inner.length).toBe(2);
  });

  test('and that fails when it is looked through warns, and keeps what can be had', async () => {
    const localStorage = new FakeWebStorage();
    const clock = new FakeClock();
    localStorage.setItem('of the page', 'x');
    localStorage.key = () => {
      throw new TypeError('not a function');
    };
    const adoption = webStorage(localStorage, {}, { locks: new FakeLocks().tab() })
      .open(destination, clock)
      .adopt({ isFirst: true });
    await clock.advance(5000);
    expect(await adoption).toMatchObject({ entries: [], warnings: [{ code: 'storage-failed' }] });
  });

  test('and that fails as its page is closed warns of nothing', async () => {
    const localStorage = new FakeWebStorage();
    const clock = new FakeClock();
    const locks = { ...new FakeLocks().tab(), query: () => Promise.reject(new Error('the page is gone')) };
    const writer = webStorage(localStorage, {}, { locks }).open(destination, clock);
    const other = webStorage(localStorage, {}, {}).open(destination, clock);
    other.save(entryOf(other, 1), { clearsStaged: false });
    const adoption = writer.adopt({ isFirst: true });
    writer.close();
    await clock.advance(5000);
    expect((await adoption).warnings).toEqual([]);
  });
});

describe('F51 the error of a localStorage that is full', () => {
  test.each([
    ['of another realm', Object.assign(Object.create(null), { name: 'QuotaExceededError' })],
    ['of an older Firefox', { name: 'NS_ERROR_DOM_QUOTA_REACHED' }],
    ['of a Firefox on a full disk', { name: 'NS_ERROR_FILE_NO_DEVICE_SPACE' }],
    ['of an older WebKit', { name: 'QUOTA_EXCEEDED_ERR' }],
  ])('%s is known by its name', (_what, error) => {
    const localStorage = new FakeWebStorage();
    const writer = webStorage(localStorage, {}, {}).open(destination, new FakeClock());
    localStorage.setItem = () => {
      throw error;
    };
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow(
      expect.objectContaining({ name: 'StorageException', isFull: true }),
    );
  });

  test.each([undefined, null, 'QuotaExceededError', Object.defineProperty({}, 'name', { get: () => forbidden() })])(
    'is not taken for it: %j',
    (error) => {
      const localStorage = new FakeWebStorage();
      const writer = webStorage(localStorage, {}, {}).open(destination, new FakeClock());
      localStorage.setItem = () => {
        throw error;
      };
      expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow(
        expect.objectContaining({ message: 'localStorage refused (unknown)', isFull: false }),
      );
    },
  );
});

function forbidden(): never {
  throw new Error('not to be looked at');
}
