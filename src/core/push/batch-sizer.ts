import type { StoredEntry } from '../model/entry.js';
import { type BatchLimits, bodyBytes } from './batch.js';

/** The limits double after this many successes since the last failure. */
const SUCCESSES_TO_GROW = 8;

/** Adapts the limits of a request to the link and the server, within the configured maximum. */
export class BatchSizer {
  readonly #max: BatchLimits;
  #limits: BatchLimits;
  #successes = 0;
  /** The number of requests in a row that were cut off. */
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
   * A request failed, possibly because of its size: the next request carries half as much, but at least one entry.
   *
   * @param isCutOff - Whether it was reset, cut off or truncated. Any link drops a connection now and then, so at the
   * configured maximum only the second failure in a row counts; below it the size is suspected already, and the first counts.
   */
  shrink(batch: readonly StoredEntry[], { isCutOff = false }: { readonly isCutOff?: boolean } = {}): void {
    // A single entry can't be split, so its failure proves nothing about the size of batches.
    if (batch.length < 2) return;
    this.#successes = 0;
    this.#cutOffs = isCutOff ? this.#cutOffs + 1 : 0;
    if (this.#cutOffs === 1 && !this.#isBelowMax) return;
    this.#limits = { ...this.#max, maxEntries: Math.ceil(batch.length / 2), maxBytes: Math.ceil(bodyBytes(batch) / 2) };
  }

  /** A request was stored: every eighth success doubles the limits. */
  grow(): void {
    this.#cutOffs = 0;
    this.#successes += 1;
    if (this.#successes < SUCCESSES_TO_GROW) return;
    this.#successes = 0;
    this.#limits = {
      ...this.#max,
      maxEntries: Math.min(2 * this.#limits.maxEntries, this.#max.maxEntries),
      maxBytes: Math.min(2 * this.#limits.maxBytes, this.#max.maxBytes),
    };
  }

  get #isBelowMax(): boolean {
    const { maxEntries, maxBytes } = this.#limits;
    return maxEntries < this.#max.maxEntries || maxBytes < this.#max.maxBytes;
  }
}
