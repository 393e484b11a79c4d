/** The members of `navigator.locks` that are used. */
export interface LocksLike {
  request(
    name: string,
    options: { ifAvailable?: boolean },
    callback: (lock: object | null) => Promise<void> | void,
  ): Promise<unknown>;
  query(): Promise<{ held?: readonly { name?: string }[]; pending?: readonly { name?: string }[] }>;
}

/** Ends a hold; calling it twice is harmless. */
export type Release = () => void;

/**
 * Takes a lock and holds it until released: proof of life, as the browser frees the locks of a tab that ends in any way.
 * It is asked for in the same task as the call, so whoever looks later finds it held or pending.
 */
export function holdLock(locks: LocksLike, name: string, onHeld: () => void): Release {
  const { held, release } = lease();
  const hold = (): Promise<void> => {
    onHeld();
    return held;
  };
  locks.request(name, {}, hold).catch(() => {});
  return release;
}

/** @returns The release, or `undefined` if somebody else has the lock. */
export function tryLock(locks: LocksLike, name: string): Promise<Release | undefined> {
  return new Promise((resolve) => {
    const { held, release } = lease();
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock === null ? undefined : release);
        return lock === null ? undefined : held;
      })
      .catch(() => resolve(undefined));
  });
}

/**
 * The names of all locks that somebody has or waits for. Poll takes nothing from those that are open. One that is in the
 * back/forward cache with a lock still stands among them, but Chromium then discards it, as it does when the lock itself is
 * asked for: its lock is free a moment later, and it is loaded anew when the user comes back.
 */
export async function namesOfLiving(locks: LocksLike): Promise<Set<string>> {
  const { held = [], pending = [] } = await locks.query();
  return new Set([...held, ...pending].map((lock) => lock.name ?? ''));
}

function lease(): { held: Promise<void>; release: Release } {
  let release: Release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { held, release };
}
