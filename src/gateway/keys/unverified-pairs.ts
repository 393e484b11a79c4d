import type { Clock } from '../../core/time/clock.js';

const MAX_PAIRS = 10_000;
const MAX_MESSAGES = 1000;
/** Upstream is not asked about the same key more often. */
const CHECK_AGAIN_MS = 10_000;
/** A device that is away for longer leaves its place to others. */
const EXPIRES_MS = 24 * 3_600_000;

interface Pair {
  messages: number;
  checkedAt: number;
}

/** The keys that were accepted while upstream was away, and how much was accepted under each. */
export class UnverifiedPairs {
  readonly #pairs = new Map<string, Pair>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Whether a key was checked so recently that it need not be checked again. */
  isFresh(keyHash: string): boolean {
    const pair = this.#pairs.get(keyHash);
    return pair !== undefined && this.#clock.now() - pair.checkedAt < CHECK_AGAIN_MS;
  }

  /** Notes that a key could not be checked. @returns `false` if there is no place for another one. */
  add(keyHash: string): boolean {
    const pair = this.#pairs.get(keyHash);
    if (pair === undefined && this.#pairs.size >= MAX_PAIRS && !this.#expireOldest()) return false;
    this.#pairs.delete(keyHash);
    this.#pairs.set(keyHash, { messages: pair?.messages ?? 0, checkedAt: this.#clock.now() });
    return true;
  }

  /** Counts a message. @returns `false` if the key has no place, or had its share. */
  count(keyHash: string): boolean {
    const pair = this.#pairs.get(keyHash);
    if (pair === undefined || pair.messages >= MAX_MESSAGES) return false;
    pair.messages += 1;
    return true;
  }

  delete(keyHash: string): void {
    this.#pairs.delete(keyHash);
  }

  /** The first pair was checked longest ago. */
  #expireOldest(): boolean {
    for (const [keyHash, { checkedAt }] of this.#pairs)
      return this.#clock.now() - checkedAt >= EXPIRES_MS && this.#pairs.delete(keyHash);
    return false;
  }
}
