import { setMaxListeners } from 'node:events';
import type { PageLike } from '../../src/storage/web/lease/heartbeat-lease.js';
import type { LocksLike } from '../../src/storage/web/lease/lock-lease.js';
import type { WebStorageLike } from '../../src/storage/web/records/keys.js';
import { FakeLocks } from '../support/fakes/fake-web.js';
import { Lifecycle } from './lifecycle.js';
import type { Random } from './random.js';
import type { SimulatedTime } from './time.js';

/** A page of the simulated origin. */
export interface Page {
  readonly lifecycle: Lifecycle;
  readonly storage: WebStorageLike;
  /** Absent on plain http. */
  readonly locks: LocksLike | undefined;
  /** Its `window`. */
  readonly window: PageLike & EventTarget;
  /** The last heartbeat that it wrote for each writer. */
  readonly heartbeats: ReadonlyMap<string, Heartbeat>;
}

export interface Heartbeat {
  readonly at: number;
  /** Whether it says that the page was left. */
  readonly isLeft: boolean;
}

/** A change of the shared items by a page. */
interface Change {
  readonly page: object;
  /** By how many UTF-16 units the SDK's keys and values grew. */
  readonly grown: number;
}

const OWN_KEY = /^nikdev-iot\/1\/[\da-z]{16}\//;
const HEARTBEAT_KEY = /^nikdev-iot\/1\/([\da-z]{16})\/life$/;

/** An origin: one `localStorage` that all of its pages share, and the locks by which they know each other. */
export class Origin {
  readonly items: Map<string, string>;
  /** The free UTF-16 units, and the calls that throw. */
  freeSpace = Number.POSITIVE_INFINITY;
  readonly failing = new Set<'set' | 'remove'>();
  /** Changes with the items. */
  version = 0;
  /** The UTF-16 units of the SDK's keys and values. */
  length = 0;
  /** Called for each item that grows. */
  onGrowth: (change: Change) => void = () => {};
  readonly #hasLocks: boolean;
  readonly #locks = new FakeLocks();
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #onEvent: (event: string) => void;
  #keys: string[] | undefined;

  /** @param hasLocks - `false` on plain http. @param onEvent - Called for each call that fails. */
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

  /** Another origin with the same items and no page. */
  copy(time: SimulatedTime, random: Random): Origin {
    return new Origin(time, random, this.#hasLocks, undefined, new Map(this.items));
  }

  /** @param locksFreedAfter - How long after a page's end, in milliseconds, the browser frees its locks. */
  open(locksFreedAfter = 0): Page {
    const tab = this.#locks.tab();
    const lifecycle = new Lifecycle(this.#random, () => {
      if (locksFreedAfter === 0) tab.end();
      else this.#time.after(this, locksFreedAfter, () => tab.end());
    });
    const heartbeats = new Map<string, Heartbeat>();
    const window = new EventTarget();
    // Each writer that is open in the page, or was adopted there, listens.
    setMaxListeners(0, window);
    return {
      lifecycle,
      storage: this.#storageOf(lifecycle, heartbeats),
      locks: this.#hasLocks ? locksOf(lifecycle, tab) : undefined,
      window,
      heartbeats,
    };
  }

  heal(): void {
    this.freeSpace = Number.POSITIVE_INFINITY;
    this.failing.clear();
  }

  set(key: string, value: string): void {
    const before = this.items.get(key);
    this.length += lengthOf(key, value) - (before === undefined ? 0 : lengthOf(key, before));
    this.items.set(key, value);
    this.#changed();
  }

  /** Adds an item that the SDK did not write. */
  plant(key: string, value: string): void {
    const before = this.length;
    this.set(key, value);
    if (this.length > before) this.onGrowth({ page: this, grown: this.length - before });
  }

  /** Clears the storage as its user or the host page does. */
  clear(): void {
    for (const [key, value] of this.items) this.freeSpace += key.length + value.length;
    this.items.clear();
    this.length = 0;
    this.#changed();
  }

  #storageOf(lifecycle: Lifecycle, heartbeats: Map<string, Heartbeat>): WebStorageLike {
    const { items } = this;
    const set = (key: string, value: string): void => {
      const before = this.length;
      this.set(key, value);
      const [, writer] = HEARTBEAT_KEY.exec(key) ?? [];
      if (writer) heartbeats.set(writer, { at: this.#time.monotonic, isLeft: value[0] === '-' });
      if (this.length > before) this.onGrowth({ page: lifecycle, grown: this.length - before });
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
        lifecycle.operate();
        return items.size;
      },
      key: (index) => keys()[index] ?? null,
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => {
        lifecycle.operate((share) => share > 0.5 && set(key, value));
        if (this.failing.has('set')) this.#fail('set', 'SecurityError');
        const before = items.get(key);
        const grown = (before === undefined ? key.length : -before.length) + value.length;
        if (grown > this.freeSpace) this.#fail('full', 'QuotaExceededError');
        this.freeSpace -= grown;
        set(key, value);
      },
      removeItem: (key) => {
        lifecycle.operate((share) => share > 0.5 && remove(key));
        if (this.failing.has('remove')) this.#fail('remove', 'SecurityError');
        this.freeSpace += items.has(key) ? key.length + (items.get(key)?.length ?? 0) : 0;
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

const lengthOf = (key: string, value: string): number => (OWN_KEY.test(key) ? key.length + value.length : 0);

/** Locks whose answers reach a page only while it is alive and not frozen. */
function locksOf(lifecycle: Lifecycle, tab: LocksLike): LocksLike {
  const delivered = <Result>(answer: () => Result | Promise<Result>): Promise<Result> =>
    new Promise((resolve) => lifecycle.deliver(() => resolve(answer())));
  return {
    request: (name, options, callback) =>
      lifecycle.isAlive
        ? tab.request(name, options, (lock) => delivered(() => callback(lock)))
        : new Promise<never>(() => {}),
    query: async () => {
      const snapshot = await tab.query();
      return delivered(() => snapshot);
    },
  };
}
