import { type BatchLimits, batchLength, bodyBytes, joinBody } from './batch.js';
import type { Outbound } from './outbound.js';
import type { QueuedEntry } from './queued-entry.js';
import type { Surroundings } from './surroundings.js';

/**
 * Sends what waits while a page goes away, in one request that outlives it, and that leaves in the same task: there may be no
 * later. Nothing leaves the queue before its verdict, for which the page may live after all.
 */
export class Flush {
  readonly #outbound: Outbound;
  readonly #limits: BatchLimits;
  readonly #budget: Surroundings['keepalive'];
  /** Until the answer to the request under way is there. */
  underWay: Promise<void> | undefined;

  constructor(outbound: Outbound, limits: BatchLimits, budget: Surroundings['keepalive']) {
    this.#outbound = outbound;
    this.#limits = limits;
    this.#budget = budget;
  }

  /** @param isLeaving - Whether what is being uploaded is sent too, as its request ends with the page. */
  send(isLeaving: boolean): void {
    const { queue } = this.#outbound;
    if (this.underWay !== undefined || (!isLeaving && queue.inFlight.length > 0)) return;
    queue.check();
    const batch = queue.oldest(this.#limits.maxEntries);
    const maxBytes = Math.min(this.#limits.maxBytes, this.#budget.bytesLeft);
    batch.length = batchLength(batch, { ...this.#limits, maxBytes });
    const bytes = bodyBytes(batch);
    if (batch.length === 0 || bytes > this.#budget.bytesLeft) return;
    this.#budget.bytesLeft -= bytes;
    queue.inFlight = batch;
    this.underWay = this.#exchange(batch)
      .catch(() => {})
      .finally(() => {
        this.#budget.bytesLeft += bytes;
        if (queue.inFlight === batch) queue.inFlight = [];
        this.underWay = undefined;
      });
  }

  async #exchange(batch: readonly QueuedEntry[]): Promise<void> {
    const { queue, server, clock, wallClock, emitter } = this.#outbound;
    const started = clock.monotonic();
    const { verdict } = await server.postEntries(joinBody(batch, wallClock), true).outcome;
    if (verdict.kind !== 'stored') return;
    queue.remove(batch);
    emitter.emit('push', { entries: batch.length, requests: 1, milliseconds: clock.monotonic() - started });
  }
}
