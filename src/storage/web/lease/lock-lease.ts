/** The members of `navigator.locks` that are used. */
export interface LocksLike {
  request(
    name: string,
    options: { ifAvailable?: boolean },
    callback: (lock: object | null) => Promise<void> | void,
  ): Promise<unknown>;
  query(): Promise<{ held?: readonly { name?: string }[]; pending?: readonly { name?: string }[] }>;
}

/** Frees a lock. Idempotent. */
export type Release = () => void;

/**
 * Acquires a lock and holds it until released: proof of life, as the browser frees the locks of a tab that ends in any way.
 * The lock is requested in the task of the call, so that a later query lists it as held or pending.
 */
export function holdLock(locks: LocksLike, name: string, onHeld: () => void): Release {
  const { held, release } = deferredRelease();
  const hold = (): Promise<void> => {
    onHeld();
    return held;
  };
  locks.request(name, {}, hold).catch(() => {});
  return release;
}

/** @returns The release; `undefined` if another page holds the lock. */
export function tryLock(locks: LocksLike, name: string): Promise<Release | undefined> {
  return new Promise((resolve) => {
    const { held, release } = deferredRelease();
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock === null ? undefined : release);
        return lock === null ? undefined : held;
      })
      .catch(() => resolve(undefined));
  });
}

/**
 * The names of all locks that are held or requested. A query takes no lock from an open page. A page with a lock in the
 * back/forward cache is still listed, but Chromium discards that page on a query, as it does when its lock is requested: the
 * lock is free a moment later, and the page is reloaded when the user comes back.
 */
export async function namesOfLiving(locks: LocksLike): Promise<Set<string>> {
  const { held = [], pending = [] } = await locks.query();
  return new Set([...held, ...pending].map((lock) => lock.name ?? ''));
}

function deferredRelease(): { held: Promise<void>; release: Release } {
  let release: Release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { held, release };
}
