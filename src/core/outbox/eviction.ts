import { toEntry } from '../model/entry.js';
import { isStorageFull, redactException, type StorageException } from '../model/exceptions.js';
import type { Redactor } from '../model/foreign-text.js';
import type { Emitter } from '../notify/emitter.js';
import type { OverflowPolicy } from '../options/options.js';
import type { Outbox } from './outbox.js';

/** The share of the queue that is evicted first where the storage is full: each eviction costs it as much as a rewriting. */
const SHARE = 0.01;

/** The entries that need room. */
export interface Demand {
  /** How many entries are added. */
  readonly count: number;
  /** The ids of entries that leave the quarantine for them: they make room themselves, and are not evicted. */
  readonly leaving?: readonly string[];
}

/** The parts of a client that an eviction uses. */
export interface EvictionParts {
  readonly outbox: Outbox;
  readonly emitter: Emitter;
  readonly redactor: Redactor;
}

/** Makes room for new entries at the cost of the oldest, if the option `overflow` says so. */
export class Eviction {
  readonly #outbox: Outbox;
  readonly #emitter: Emitter;
  readonly #redactor: Redactor;
  readonly #policy: OverflowPolicy;

  constructor({ outbox, emitter, redactor }: EvictionParts, policy: OverflowPolicy) {
    this.#outbox = outbox;
    this.#emitter = emitter;
    this.#redactor = redactor;
    this.#policy = policy;
  }

  /**
   * Saves entries, again after each eviction.
   *
   * @param save - Reads what it saves anew in each call: a listener may have committed meanwhile.
   * @throws The exception of `save`, if no room is to be made or can be.
   */
  save<Result>({ count, leaving = [] }: Demand, save: () => Result): Result {
    for (let share = SHARE; ; share *= 2) {
      try {
        return save();
      } catch (error) {
        // The message of the exception becomes that of the event.
        redactException(error, this.#redactor);
        const mayEvict = this.#policy === 'drop-oldest' && isStorageFull(error);
        if (!mayEvict || !this.#evict(count - this.#outbox.quarantine.count(leaving), leaving, share, error))
          throw error;
      }
    }
  }

  /** @returns Whether it is worth trying again. */
  #evict(count: number, leaving: readonly string[], share: number, { reason: message }: StorageException): boolean {
    const missing = count - this.#outbox.capacityLeft;
    const wanted = missing > 0 ? missing : Math.ceil((this.#outbox.length + this.#outbox.quarantine.size) * share);
    const evicted = this.#outbox.evictable(wanted, leaving);
    if (evicted.length === 0 || evicted.length < missing) return false;
    this.#emitter.emit('discard', { reason: 'overflow', entries: evicted.map((entry) => toEntry(entry)), message });
    // Before the entries go: a listener can still save them elsewhere if this process ends here.
    this.#emitter.flush();
    this.#outbox.evict(evicted);
    return true;
  }
}
