import type { WebStorageLike } from '../../src/storage/web-keys.js';
import type { LocksLike } from '../../src/storage/web-lease.js';
import { FakeLocks } from '../support/fake-web.js';
import { Life } from './life.js';
import type { Random } from './random.js';
import type { SimulatedTime } from './time.js';

/** A page of the simulated origin. */
export interface Page {
  readonly life: Life;
  readonly storage: WebStorageLike;
  readonly locks: LocksLike;
}

/** An origin: one `localStorage` that all of its pages share, and the locks by which they know each other. */
export class Origin {
  readonly items: Map<string, string>;
  /** How many UTF-16 units there is room for; and which calls throw. */
  room = Number.POSITIVE_INFINITY;
  readonly failing = new Set<'set' | 'remove'>();
  /** Changes with the items. */
  version = 0;
  readonly #locks = new FakeLocks();
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #onEvent: (event: string) => void;
  #keys: string[] | undefined;

  /** @param onEvent - Told of each call that fails. */
  constructor(
    time: SimulatedTime,
    random: Random,
    onEvent: (event: string) => void = () => {},
    items = new Map<string, string>(),
  ) {
    this.#time = time;
    this.#random = random;
    this.#onEvent = onEvent;
    this.items = items;
  }

  /** @param locksFreedAfter - How long after a page's end, in milliseconds, the browser frees its locks. */
  open(locksFreedAfter = 0): Page {
    const tab = this.#locks.tab();
    const life = new Life(this.#random, () => {
      if (locksFreedAfter === 0) tab.end();
      else this.#time.after(this, locksFreedAfter, () => tab.end());
    });
    return { life, storage: this.#storageOf(life), locks: locksOf(life, tab) };
  }

  heal(): void {
    this.room = Number.POSITIVE_INFINITY;
    this.failing.clear();
  }

  set(key: string, value: string): void {
    this.items.set(key, value);
    this.#changed();
  }

  #storageOf(life: Life): WebStorageLike {
    const { items } = this;
    const set = (key: string, value: string): void => this.set(key, value);
    const remove = (key: string): void => {
      items.delete(key);
      this.#changed();
    };
    const keys = (): string[] => {
      this.#keys ??= [...items.keys()].reverse();
      return this.#keys;
    };
    return {
      get length() {
        life.operate();
        return items.size;
      },
      key: (index) => keys()[index] ?? null,
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => {
        life.operate((share) => share > 0.5 && set(key, value));
        if (this.failing.has('set')) this.#fail('set', 'SecurityError');
        const before = items.get(key);
        const grown = (before === undefined ? key.length : -before.length) + value.length;
        if (grown > this.room) this.#fail('full', 'QuotaExceededError');
        this.room -= grown;
        set(key, value);
      },
      removeItem: (key) => {
        life.operate((share) => share > 0.5 && remove(key));
        if (this.failing.has('remove')) this.#fail('remove', 'SecurityError');
        this.room += items.has(key) ? key.length + (items.get(key)?.length ?? 0) : 0;
        remove(key);
      },
    };
  }

  #fail(fault: string, name: string): never {
    this.#onEvent(`storage fails: ${fault}`);
    throw Object.assign(new Error(fault), { name });
  }

  #changed(): void {
    this.#keys = undefined;
    this.version += 1;
  }
}

/** A page that has ended is told nothing more. */
function locksOf(life: Life, tab: LocksLike): LocksLike {
  const never = new Promise<never>(() => {});
  return {
    request: (name, options, callback) =>
      life.isAlive ? tab.request(name, options, (lock) => (life.isAlive ? callback(lock) : never)) : never,
    query: async () => {
      const snapshot = await tab.query();
      return life.isAlive ? snapshot : never;
    },
  };
}
