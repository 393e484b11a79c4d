import type { StoredEntry } from '../model/entry.js';
import { type BatchLimits, bodyBytes } from './batch.js';

/** So many requests must pass before more is sent at once again. */
const SUCCESSES = 8;

/** How much one request may carry: what passed, on this link and with this server, within what was configured. */
export class BatchSizer {
  readonly #max: BatchLimits;
  #limits: BatchLimits;
  #successes = 0;

  constructor(most: BatchLimits) {
    this.#max = most;
    this.#limits = most;
  }

  get limits(): BatchLimits {
    return this.#limits;
  }

  /** Half of what did not pass is sent the next time; less than one entry can't be, and one that fails alone tells nothing. */
  shrink(batch: readonly StoredEntry[]): void {
    if (batch.length < 2) return;
    this.#successes = 0;
    this.#limits = { maxEntries: Math.ceil(batch.length / 2), maxBytes: Math.ceil(bodyBytes(batch) / 2) };
  }

  /** A request passed: after some, twice as much is sent. */
  grow(): void {
    this.#successes += 1;
    if (this.#successes < SUCCESSES) return;
    this.#successes = 0;
    this.#limits = {
      maxEntries: Math.min(2 * this.#limits.maxEntries, this.#max.maxEntries),
      maxBytes: Math.min(2 * this.#limits.maxBytes, this.#max.maxBytes),
    };
  }
}
