import type { StoredEntry } from '../model/entry.js';
import { type BatchLimits, bodyBytes } from './batch.js';

/** After this many successes since the last failure, twice as much is sent. */
const SUCCESSES_TO_GROW = 8;

/** How much one request may carry: as much as the link and the server have proved to take, within the configured maximum. */
export class BatchSizer {
  readonly #max: BatchLimits;
  #limits: BatchLimits;
  #successes = 0;
  /** How many requests in a row were cut off. */
  #cutOffs = 0;

  constructor(max: BatchLimits) {
    this.#max = max;
    this.#limits = max;
  }

  /** The limits of the next request. */
  get limits(): BatchLimits {
    return this.#limits;
  }

  /**
   * A request failed for a reason that may be its size: the next request carries half of it, and never less than one entry.
   *
   * @param isCutOff - Whether it was reset, cut off or truncated. Any link drops a connection now and then, so at the
   * configured maximum it takes two in a row; below it the size is suspected already, and one is enough.
   */
  shrink(batch: readonly StoredEntry[], { isCutOff = false }: { readonly isCutOff?: boolean } = {}): void {
    // A single entry can't be split, so its failure says nothing about the size of others.
    if (batch.length < 2) return;
    this.#successes = 0;
    this.#cutOffs = isCutOff ? this.#cutOffs + 1 : 0;
    if (this.#cutOffs === 1 && !this.#isBelowMax) return;
    this.#limits = { maxEntries: Math.ceil(batch.length / 2), maxBytes: Math.ceil(bodyBytes(batch) / 2) };
  }

  /** A request was stored: every eighth success doubles the limits. */
  grow(): void {
    this.#cutOffs = 0;
    this.#successes += 1;
    if (this.#successes < SUCCESSES_TO_GROW) return;
    this.#successes = 0;
    this.#limits = {
      maxEntries: Math.min(2 * this.#limits.maxEntries, this.#max.maxEntries),
      maxBytes: Math.min(2 * this.#limits.maxBytes, this.#max.maxBytes),
    };
  }

  get #isBelowMax(): boolean {
    const { maxEntries, maxBytes } = this.#limits;
    return maxEntries < this.#max.maxEntries || maxBytes < this.#max.maxBytes;
  }
}
