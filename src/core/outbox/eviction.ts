import { toEntry } from '../model/entry.js';
import { isStorageFull, redactException, type StorageException } from '../model/exceptions.js';
import type { Redactor } from '../model/foreign-text.js';
import type { Emitter } from '../notify/emitter.js';
import type { OverflowPolicy } from '../options/options.js';
import type { Outbox } from './outbox.js';

/** The share of the queue that the first eviction removes if the storage is full: an eviction may rewrite the whole storage. */
const SHARE = 0.01;

/** The entries that need space. */
export interface Demand {
  /** The number of entries to add. */
  readonly count: number;
  /** The ids of the quarantined entries that they replace, which are not evicted. */
  readonly leaving?: readonly string[];
}

/** The parts of a client that an eviction uses. */
export interface EvictionParts {
  readonly outbox: Outbox;
  readonly emitter: Emitter;
  readonly redactor: Redactor;
}

/** Evicts the oldest entries for new entries, with `overflow: 'drop-oldest'`. */
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
   * @param save - Reads the values to save in each call, as a listener may have committed meanwhile.
   * @throws The exception of `save`, if eviction is off or can't make enough space.
   */
  save<Result>({ count, leaving = [] }: Demand, save: () => Result): Result {
    for (let share = SHARE; ; share *= 2) {
      try {
        return save();
      } catch (error) {
        // The message of the exception becomes the message of the event.
        redactException(error, this.#redactor);
        const mayEvict = this.#policy === 'drop-oldest' && isStorageFull(error);
        if (!mayEvict || !this.#evict(count - this.#outbox.quarantine.count(leaving), leaving, share, error))
          throw error;
      }
    }
  }

  /** @returns Whether enough entries were evicted to try again. */
  #evict(count: number, leaving: readonly string[], share: number, { reason: message }: StorageException): boolean {
    const missing = count - this.#outbox.capacityLeft;
    const wanted = missing > 0 ? missing : Math.ceil((this.#outbox.length + this.#outbox.quarantine.size) * share);
    const evicted = this.#outbox.evictable(wanted, leaving);
    if (evicted.length === 0 || evicted.length < missing) return false;
    this.#emitter.emit('discard', { reason: 'overflow', entries: evicted.map((entry) => toEntry(entry)), message });
    // Before the removal: a listener can save the entries elsewhere, even if this process ends now.
    this.#emitter.flush();
    this.#outbox.evict(evicted);
    return true;
  }
}
