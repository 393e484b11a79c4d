import type { LocksLike } from '../../../src/storage/web/lease/lock-lease.js';
import type { WebStorageLike } from '../../../src/storage/web/records/keys.js';

/** `localStorage` as browsers have it: bounded in UTF-16 units, keys included, and enumerated in no promised order. */
export class FakeWebStorage implements WebStorageLike {
  readonly items = new Map<string, string>();
  capacity = 5_242_880;

  get length(): number {
    return this.items.size;
  }

  get units(): number {
    let units = 0;
    for (const [key, value] of this.items) units += key.length + value.length;
    return units;
  }

  key(index: number): string | null {
    return [...this.items.keys()].reverse()[index] ?? null;
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    const before = this.items.get(key);
    const grown = this.units + (before === undefined ? key.length : -before.length) + value.length;
    if (grown > this.capacity) throw Object.assign(new Error('full'), { name: 'QuotaExceededError' });
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }
}

/** As polyfills over a `Map` and mocks have it: a missing key is `undefined`. */
export class LooseWebStorage extends FakeWebStorage {
  override key(index: number): string {
    return super.key(index) ?? (undefined as never);
  }

  override getItem(key: string): string {
    return super.getItem(key) ?? (undefined as never);
  }
}

interface LockRequest {
  readonly name: string;
  readonly tab: object;
  grant(): void;
}

/** The Web Locks of one origin, for any number of tabs. */
export class FakeLocks {
  #held: LockRequest[] = [];
  #pending: LockRequest[] = [];

  /** The `navigator.locks` of a new tab. `end` frees its locks, as a browser does when a tab ends. */
  tab(): LocksLike & { end(): void } {
    const tab = {};
    return {
      request: (name, { ifAvailable = false }, callback) =>
        new Promise((resolve, reject) => {
          const request: LockRequest = {
            name,
            tab,
            grant: () => {
              this.#held.push(request);
              // As in browsers, the callback runs in a later turn than the request.
              void Promise.resolve()
                .then(() => callback({ name }))
                .then(resolve, reject)
                .finally(() => this.#free((other) => other === request));
            },
          };
          if (!this.#held.some((other) => other.name === name)) request.grant();
          else if (ifAvailable) void Promise.resolve(callback(null)).then(resolve, reject);
          else this.#pending.push(request);
        }),
      query: async () => ({ held: names(this.#held), pending: names(this.#pending) }),
      end: () => {
        this.#pending = this.#pending.filter((request) => request.tab !== tab);
        this.#free((request) => request.tab === tab);
      },
    };
  }

  #free(isFreed: (request: LockRequest) => boolean): void {
    this.#held = this.#held.filter((request) => !isFreed(request));
    for (const request of [...this.#pending]) {
      if (this.#held.some(({ name }) => name === request.name)) continue;
      this.#pending = this.#pending.filter((other) => other !== request);
      request.grant();
    }
  }
}

const names = (requests: readonly LockRequest[]): { name: string }[] => requests.map(({ name }) => ({ name }));
