import type { Clock } from '../../core/time/clock.js';

const MAX_PAIRS = 10_000;
/** A stranger may post with any number of keys in the name of a device. */
const MAX_KEYS_OF_DEVICE = 8;
const MAX_MESSAGES = 1000;
/** Upstream is not asked about the same key more often. */
const CHECK_AGAIN_MS = 10_000;
/** A device that is away for longer leaves its place to others. */
const EXPIRES_MS = 24 * 3_600_000;

interface Pair {
  readonly device: string;
  messages: number;
  /** Of the monotonic clock. */
  checkedAt: number;
}

/** The keys that were accepted while upstream was away, and how much was accepted under each. */
export class UnverifiedPairs {
  readonly #pairs = new Map<string, Pair>();
  readonly #keys = new Map<string, number>();
  readonly #clock: Pick<Clock, 'monotonic'>;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Whether a key was checked so recently that it need not be checked again. */
  isFresh(keyHash: string): boolean {
    const pair = this.#pairs.get(keyHash);
    return pair !== undefined && this.#clock.monotonic() - pair.checkedAt < CHECK_AGAIN_MS;
  }

  /** Notes that a key could not be checked. @returns `false` if there is no place for another one. */
  add(device: string, keyHash: string): boolean {
    const pair = this.#pairs.get(keyHash);
    if (pair === undefined && !this.#hasSpaceFor(device)) return false;
    this.delete(keyHash);
    this.#pairs.set(keyHash, { device, messages: pair?.messages ?? 0, checkedAt: this.#clock.monotonic() });
    this.#keys.set(device, (this.#keys.get(device) ?? 0) + 1);
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
    const pair = this.#pairs.get(keyHash);
    if (pair === undefined) return;
    this.#pairs.delete(keyHash);
    const others = (this.#keys.get(pair.device) ?? 1) - 1;
    if (others > 0) this.#keys.set(pair.device, others);
    else this.#keys.delete(pair.device);
  }

  #hasSpaceFor(device: string): boolean {
    this.#expire();
    return this.#pairs.size < MAX_PAIRS && (this.#keys.get(device) ?? 0) < MAX_KEYS_OF_DEVICE;
  }

  /** The first pair was checked longest ago. */
  #expire(): void {
    for (const [keyHash, { checkedAt }] of this.#pairs) {
      if (this.#clock.monotonic() - checkedAt < EXPIRES_MS) return;
      this.delete(keyHash);
    }
  }
}
