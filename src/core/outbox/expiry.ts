import type { Entry, QueuedEntry } from '../model/entry.js';
import { type ClockCorrection, RELEASED } from '../time/clock-correction.js';
import type { Discarder } from './discarder.js';
import type { Outbox } from './outbox.js';

/** The parts of a client that an expiry uses. */
export interface ExpiryParts {
  readonly outbox: Outbox;
  readonly discarder: Discarder;
  readonly clockCorrection: ClockCorrection;
}

/** Discards queued entries that are older than `maxAge`: none in flight, and none while the clock is unset. */
export class Expiry {
  readonly #parts: ExpiryParts;
  readonly #maxAge: number;

  /** @param maxAge - In seconds. */
  constructor(parts: ExpiryParts, maxAge: number) {
    this.#parts = parts;
    this.#maxAge = maxAge;
  }

  /** Discards the expired entries at the head of the queue. */
  expireHead(): void {
    if (this.#maxAge < Infinity) this.#discard(() => this.#expired(this.#parts.outbox, { isHead: true }));
  }

  /**
   * Discards the expired ones among queued entries.
   *
   * @param read - Returns the queued entries; called again after a check of ownership.
   * @returns The entries that left.
   */
  expire(read: () => Iterable<QueuedEntry>): Entry[] {
    return this.#discard(() => this.#expired(read(), { isHead: false }));
  }

  #discard(read: () => QueuedEntry[]): Entry[] {
    const { outbox, discarder, clockCorrection } = this.#parts;
    // A listener of the event may commit or push.
    if (this.#maxAge === Infinity || discarder.isBusy || clockCorrection.seconds < RELEASED || read().length === 0)
      return [];
    // Entries that another run has adopted are not discarded here.
    outbox.reconcile();
    return discarder.discard(read(), { reason: 'expired', message: `maxAge (${this.#maxAge} s) is exceeded` });
  }

  #expired(candidates: Iterable<QueuedEntry>, { isHead }: { readonly isHead: boolean }): QueuedEntry[] {
    const { outbox } = this.#parts;
    const expired: QueuedEntry[] = [];
    for (const entry of candidates) {
      if (this.#isExpired(entry) && !outbox.isCheckedOut(entry)) expired.push(entry);
      else if (isHead) break;
    }
    return expired;
  }

  #isExpired(entry: QueuedEntry): boolean {
    const { origin, epoch } = entry;
    const { clockCorrection } = this.#parts;
    const time = clockCorrection.timeOf(entry, epoch);
    // A time given to `commit` is known. Another one from before the release is that of a clock that was unset.
    const isKnown = time >= RELEASED || (origin === 'committed' && epoch === undefined);
    return isKnown && clockCorrection.seconds - time > this.#maxAge;
  }
}
