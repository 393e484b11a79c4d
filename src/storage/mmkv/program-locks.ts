import type { LocksLike } from '../web/lease/lock-lease.js';

/** The storage objects of one name that have open writers. */
export interface LivingStorages {
  /** Whether another storage object than this has open writers. */
  hasOther(storage: object): boolean;
  /** Counts a writer. @returns A function that ends that; calling it twice is harmless. */
  add(storage: object): () => void;
}

interface Living {
  /** The names of all locks that are held. */
  readonly locks: Set<string>;
  /** A member for each open writer: its storage. */
  readonly writers: Set<{ readonly storage: object }>;
}

const REGISTRY = Symbol.for('nikdev-iot.living');

/** On the global object: a bundler may load this module more than once, and a reload of the app begins with an empty one. */
function livingOf(name: string): Living {
  const global = globalThis as { [REGISTRY]?: Map<string, Living> };
  global[REGISTRY] ??= new Map();
  const known = global[REGISTRY].get(name);
  if (known !== undefined) return known;
  const living: Living = { locks: new Set(), writers: new Set() };
  global[REGISTRY].set(name, living);
  return living;
}

/** @param name - Of the store. */
export function livingStorages(name: string): LivingStorages {
  const { writers } = livingOf(name);
  return {
    hasOther: (storage) => Array.from(writers).some((writer) => writer.storage !== storage),
    add(storage) {
      const writer = { storage };
      writers.add(writer);
      return () => void writers.delete(writer);
    },
  };
}

/** Locks of which all holders live in this program, as Web Locks have holders in all tabs. */
export function programLocks(name: string): LocksLike {
  const { locks } = livingOf(name);
  return {
    async request(lock, _options, callback) {
      if (locks.has(lock)) return callback(null);
      locks.add(lock);
      try {
        return await callback({ name: lock });
      } finally {
        locks.delete(lock);
      }
    },
    async query() {
      // In a later task: a lock that is released in this one is free by then.
      await new Promise((resolve) => setTimeout(resolve));
      return { held: Array.from(locks, (lock) => ({ name: lock })) };
    },
  };
}
