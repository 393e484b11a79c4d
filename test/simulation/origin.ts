import { setMaxListeners } from 'node:events';
import type { PageLike } from '../../src/storage/web/lease/heartbeat-lease.js';
import type { LocksLike } from '../../src/storage/web/lease/lock-lease.js';
import type { WebStorageLike } from '../../src/storage/web/records/keys.js';
import { FakeLocks } from '../support/fakes/fake-web.js';
import { Life } from './life.js';
import type { Random } from './random.js';
import type { SimulatedTime } from './time.js';

/** A page of the simulated origin. */
export interface Page {
  readonly life: Life;
  readonly storage: WebStorageLike;
  /** Absent on plain http. */
  readonly locks: LocksLike | undefined;
  /** Its `window`. */
  readonly window: PageLike & EventTarget;
  /** Its signs of life, by the writer that they are for: when it gave the last, and whether that said that it was left. */
  readonly signs: ReadonlyMap<string, Sign>;
}

export interface Sign {
  readonly at: number;
  readonly isLeft: boolean;
}

/** What a page does to the items that all share. */
interface Change {
  readonly page: object;
  /** By how many UTF-16 units all keys and values of ours grew. */
  readonly grown: number;
}

const OURS = /^nikdev-iot\/1\/[\da-z]{16}\//;
const LIFE = /^nikdev-iot\/1\/([\da-z]{16})\/life$/;

/** An origin: one `localStorage` that all of its pages share, and the locks by which they know each other. */
export class Origin {
  readonly items: Map<string, string>;
  /** How many UTF-16 units there is room for; and which calls throw. */
  room = Number.POSITIVE_INFINITY;
  readonly failing = new Set<'set' | 'remove'>();
  /** Changes with the items. */
  version = 0;
  /** How many UTF-16 units our keys and their values take. */
  length = 0;
  /** Told of each item that a page lets grow. */
  onGrowth: (change: Change) => void = () => {};
  readonly #hasLocks: boolean;
  readonly #locks = new FakeLocks();
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #onEvent: (event: string) => void;
  #keys: string[] | undefined;

  /** @param hasLocks - `false` on plain http. @param onEvent - Told of each call that fails. */
  constructor(
    time: SimulatedTime,
    random: Random,
    hasLocks: boolean,
    onEvent: (event: string) => void = () => {},
    items = new Map<string, string>(),
  ) {
    this.#time = time;
    this.#random = random;
    this.#hasLocks = hasLocks;
    this.#onEvent = onEvent;
    this.items = items;
    for (const [key, value] of items) this.length += lengthOf(key, value);
  }

  /** Another one with the same items, that nobody has open. */
  copy(time: SimulatedTime, random: Random): Origin {
    return new Origin(time, random, this.#hasLocks, undefined, new Map(this.items));
  }

  /** @param locksFreedAfter - How long after a page's end, in milliseconds, the browser frees its locks. */
  open(locksFreedAfter = 0): Page {
    const tab = this.#locks.tab();
    const life = new Life(this.#random, () => {
      if (locksFreedAfter === 0) tab.end();
      else this.#time.after(this, locksFreedAfter, () => tab.end());
    });
    const signs = new Map<string, Sign>();
    const window = new EventTarget();
    // Each writer that is open in it, or was adopted there, listens.
    setMaxListeners(0, window);
    return {
      life,
      storage: this.#storageOf(life, signs),
      locks: this.#hasLocks ? locksOf(life, tab) : undefined,
      window,
      signs,
    };
  }

  heal(): void {
    this.room = Number.POSITIVE_INFINITY;
    this.failing.clear();
  }

  set(key: string, value: string): void {
    const before = this.items.get(key);
    this.length += lengthOf(key, value) - (before === undefined ? 0 : lengthOf(key, before));
    this.items.set(key, value);
    this.#changed();
  }

  /** Puts an item there that no page of ours wrote. */
  plant(key: string, value: string): void {
    const before = this.length;
    this.set(key, value);
    if (this.length > before) this.onGrowth({ page: this, grown: this.length - before });
  }

  /** As the user or the host page does it. */
  clear(): void {
    for (const [key, value] of this.items) this.room += key.length + value.length;
    this.items.clear();
    this.length = 0;
    this.#changed();
  }

  #storageOf(life: Life, signs: Map<string, Sign>): WebStorageLike {
    const { items } = this;
    const set = (key: string, value: string): void => {
      const before = this.length;
      this.set(key, value);
      const [, writer] = LIFE.exec(key) ?? [];
      if (writer) signs.set(writer, { at: this.#time.monotonic, isLeft: value[0] === '-' });
      if (this.length > before) this.onGrowth({ page: life, grown: this.length - before });
    };
    const remove = (key: string): void => {
      const before = items.get(key);
      if (before !== undefined) this.length -= lengthOf(key, before);
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

const lengthOf = (key: string, value: string): number => (OURS.test(key) ? key.length + value.length : 0);

/** A page that has ended is told nothing more, and a frozen one not yet. */
function locksOf(life: Life, tab: LocksLike): LocksLike {
  const heard = <Result>(what: () => Result | Promise<Result>): Promise<Result> =>
    new Promise((resolve) => life.tell(() => resolve(what())));
  return {
    request: (name, options, callback) =>
      life.isAlive ? tab.request(name, options, (lock) => heard(() => callback(lock))) : new Promise<never>(() => {}),
    query: async () => {
      const snapshot = await tab.query();
      return heard(() => snapshot);
    },
  };
}
