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
  /** Until the answers to the requests under way are there. */
  underWay: Promise<void> | undefined;

  constructor(outbound: Outbound, limits: BatchLimits, budget: Surroundings['keepalive']) {
    this.#outbound = outbound;
    this.#limits = limits;
    this.#budget = budget;
  }

  /** @param isLeaving - Whether what is being uploaded is sent too, as its request ends with the page. */
  send(isLeaving: boolean): void {
    const { queue } = this.#outbound;
    // A page that is only hidden goes on with what is under way, and in order.
    if (!isLeaving && queue.inFlight.length + queue.leaving.size > 0) return;
    queue.check();
    const { leaving } = queue;
    // Also what has left before and is not answered: what is newer must not arrive first.
    const batch = queue.oldest(this.#limits.maxEntries);
    const maxBytes = Math.min(this.#limits.maxBytes, this.#budget.bytesLeft);
    batch.length = batchLength(batch, { ...this.#limits, maxBytes });
    const bytes = bodyBytes(batch);
    if (batch.every((entry) => leaving.has(entry)) || bytes > this.#budget.bytesLeft) return;
    this.#budget.bytesLeft -= bytes;
    for (const entry of batch) leaving.add(entry);
    const answered = this.#exchange(batch)
      .catch(() => {})
      .finally(() => {
        this.#budget.bytesLeft += bytes;
        for (const entry of batch) leaving.delete(entry);
      });
    const all = Promise.all([this.underWay, answered]).then(() => {
      if (this.underWay === all) this.underWay = undefined;
    });
    this.underWay = all;
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
