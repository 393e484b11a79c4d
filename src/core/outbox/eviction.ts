import type { QueuedEntry } from '../model/entry.js';
import { isStorageFull, redactException } from '../model/exceptions.js';
import type { Redactor } from '../model/foreign-text.js';
import type { OverflowPolicy } from '../options/options.js';
import type { Discarder } from './discarder.js';
import { type Lanes, URGENT } from './lanes.js';
import type { Outbox } from './outbox.js';

/** The share of the queue that the first eviction removes if the storage is full: an eviction may rewrite the whole storage. */
const SHARE = 0.01;
const NONE: readonly string[] = [];

/** The parts of a client that an eviction uses. */
export interface EvictionParts {
  readonly outbox: Outbox;
  readonly discarder: Discarder;
  readonly lanes: Pick<Lanes, 'laneOf'>;
  readonly redactor: Redactor;
}

/** Makes space for new entries at the cost of queued ones, if the option `overflow` says so. */
export class Eviction {
  readonly #parts: EvictionParts;
  readonly #policy: OverflowPolicy;

  constructor(parts: EvictionParts, policy: OverflowPolicy) {
    this.#parts = parts;
    this.#policy = policy;
  }

  /**
   * Evicts entries after a failure to save new ones. Afterwards saving is tried again, with values that are read again, as a
   * listener may have committed meanwhile.
   *
   * @param failures - How often saving has failed before: each time twice as many entries are evicted.
   * @param leaving - The ids of entries that leave the quarantine for the new ones, and are not evicted.
   * @throws The error, if eviction is off or can't make enough space.
   */
  makeSpace(error: unknown, failures: number, leaving: readonly string[] = NONE): void {
    const { discarder, redactor } = this.#parts;
    // The message of the exception becomes the message of the event.
    redactException(error, redactor);
    if (!isStorageFull(error)) throw error;
    const evicted = this.#choose(leaving, SHARE * 2 ** failures);
    if (evicted.length === 0) throw error;
    discarder.discard(evicted, { reason: 'overflow', message: error.reason });
  }

  /** @returns No entries if they would not be enough. */
  #choose(leaving: readonly string[], share: number): QueuedEntry[] {
    const { outbox, lanes } = this.#parts;
    const { shortage } = outbox;
    if (this.#policy === 'refuse') return [];
    if (this.#policy === 'drop-oldest') {
      const total = outbox.length + outbox.quarantine.size;
      return take(outbox.evictable(leaving), shortage?.entries ?? total * share, shortage?.bytes);
    }
    const evictable = new Set(outbox.evictable(leaving));
    const isKept = (entry: QueuedEntry): boolean => !evictable.has(entry) || lanes.laneOf(entry) === URGENT;
    const chosen = this.#policy.choose([...outbox.quarantine, ...outbox], isKept);
    return chosen.length < (shortage?.entries ?? 0) ? [] : chosen;
  }
}

/** The first entries, so many and of so many bytes; none if these are needed and there are fewer. */
function take(entries: Iterable<QueuedEntry>, count: number, bytes?: number): QueuedEntry[] {
  const taken: QueuedEntry[] = [];
  let missing = bytes ?? 0;
  for (const entry of entries) {
    missing -= entry.bytes;
    if (taken.push(entry) >= count && missing <= 0) return taken;
  }
  return bytes === undefined ? taken : [];
}
