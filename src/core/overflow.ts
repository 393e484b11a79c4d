import type { Emitter } from './emitter.js';
import { toEntry } from './entry.js';
import { StorageException } from './exceptions.js';
import type { PushQueue } from './push-queue.js';

/** What becomes of a commit for which there is no room: it is refused, or the oldest entries are dropped for it. */
export type OverflowPolicy = 'refuse' | 'drop-oldest';

/** Which share of the queue is dropped at first where the storage is full: each time costs it as much as a rewriting. */
const SHARE = 0.01;

/** Makes room for what is to be saved, at the cost of the oldest entries, where that is asked for. */
export class Overflow {
  readonly #queue: PushQueue;
  readonly #emitter: Emitter;
  readonly #policy: OverflowPolicy;

  constructor(queue: PushQueue, emitter: Emitter, policy: OverflowPolicy) {
    this.#queue = queue;
    this.#emitter = emitter;
    this.#policy = policy;
  }

  /**
   * Saves entries; where there is no room, again after some was made.
   *
   * @param count - How many entries `save` adds.
   * @param ids - Those that leave the quarantine for it: they make room themselves, and are not dropped.
   * @param save - Reads anew what it saves each time that it is called: a listener may have committed meanwhile.
   * @throws What `save` throws, if no room is to be made or can be.
   */
  save<Result>(count: number, ids: readonly string[], save: () => Result): Result {
    for (let share = SHARE; ; share *= 2) {
      try {
        return save();
      } catch (error) {
        const mayDrop = this.#policy === 'drop-oldest' && error instanceof StorageException && error.isFull;
        if (!mayDrop || !this.#drop(count - this.#queue.quarantine.count(ids), ids, share, error)) throw error;
      }
    }
  }

  /** @returns Whether it is worth trying again. */
  #drop(count: number, ids: readonly string[], share: number, { what: message }: StorageException): boolean {
    const missing = count - this.#queue.room;
    const wanted = missing > 0 ? missing : Math.ceil((this.#queue.length + this.#queue.quarantine.size) * share);
    const dropped = this.#queue.droppable(wanted, ids);
    if (dropped.length === 0 || dropped.length < missing) return false;
    // Told before they go, so that a listener can still put them elsewhere if this process ends here.
    this.#emitter.emit('drop', { entries: dropped.map((entry) => toEntry(entry)), message });
    this.#queue.drop(dropped);
    return true;
  }
}
