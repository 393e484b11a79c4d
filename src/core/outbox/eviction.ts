import { toEntry } from '../model/entry.js';
import { isStorageException, isStorageFull, type StorageException } from '../model/exceptions.js';
import type { Emitter } from '../notify/emitter.js';
import type { OverflowPolicy } from '../options/options.js';
import type { Outbox } from './outbox.js';

/** Which share of the queue is dropped at first where the storage is full: each time costs it as much as a rewriting. */
const SHARE = 0.01;

/** Makes room for what is to be saved, at the cost of the oldest entries, where that is asked for. */
export class Eviction {
  readonly #outbox: Outbox;
  readonly #emitter: Emitter;
  readonly #policy: OverflowPolicy;

  constructor(outbox: Outbox, emitter: Emitter, policy: OverflowPolicy) {
    this.#outbox = outbox;
    this.#emitter = emitter;
    this.#policy = policy;
  }

  /**
   * Saves entries; where there is no room, again after some was made; where what was saved before turns out to be lost, again
   * once that is saved anew.
   *
   * @param count - How many entries `save` adds.
   * @param ids - Those that leave the quarantine for it: they make room themselves, and are not dropped.
   * @param save - Reads anew what it saves each time that it is called: a listener may have committed meanwhile.
   * @throws What `save` throws, if no room is to be made or can be.
   */
  save<Result>(count: number, ids: readonly string[], save: () => Result): Result {
    try {
      return this.#saveEvicting(count, ids, save);
    } catch (error) {
      if (!isStorageException(error) || !this.#outbox.reconcile()) throw error;
      return this.#saveEvicting(count, ids, save);
    }
  }

  #saveEvicting<Result>(count: number, ids: readonly string[], save: () => Result): Result {
    for (let share = SHARE; ; share *= 2) {
      try {
        return save();
      } catch (error) {
        const mayEvict = this.#policy === 'drop-oldest' && isStorageFull(error);
        if (!mayEvict || !this.#evict(count - this.#outbox.quarantine.count(ids), ids, share, error)) throw error;
      }
    }
  }

  /** @returns Whether it is worth trying again. */
  #evict(count: number, ids: readonly string[], share: number, { what: message }: StorageException): boolean {
    const missing = count - this.#outbox.capacityLeft;
    const wanted = missing > 0 ? missing : Math.ceil((this.#outbox.length + this.#outbox.quarantine.size) * share);
    const evicted = this.#outbox.evictable(wanted, ids);
    if (evicted.length === 0 || evicted.length < missing) return false;
    // Told before they go, so that a listener can still put them elsewhere if this process ends here.
    this.#emitter.emit('drop', { entries: evicted.map((entry) => toEntry(entry)), message });
    this.#outbox.evict(evicted);
    return true;
  }
}
