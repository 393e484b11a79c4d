import { type BatchLimits, batchLength, bodyBytes, joinBody } from './batch.js';
import type { Outbound } from './outbound.js';
import type { QueuedEntry } from './queued-entry.js';
import type { Surroundings } from './surroundings.js';
import type { Departure } from './transport.js';

/** Entries on their way out of a page. */
interface Leaving extends Departure {
  readonly batch: readonly QueuedEntry[];
  readonly bytes: number;
}

/**
 * Sends what waits while a page goes away, in one request that outlives it, and that leaves in the same task: there may be no
 * later. Nothing leaves the queue before its verdict, for which the page may live after all.
 *
 * Even that task is not safe: as the process of a closed tab ends, Firefox cuts the running script off anywhere, without an
 * exception, and then runs the next. So it can be told again, and makes good what did not leave.
 */
export class Flush {
  readonly #outbound: Outbound;
  readonly #limits: BatchLimits;
  readonly #budget: Surroundings['keepalive'];
  #last: Leaving | undefined;
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
    if (this.#last?.hasLeft === false) this.#forget(this.#last);
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
    const last: Leaving = { batch, bytes, hasLeft: false };
    this.#last = last;
    this.#budget.bytesLeft -= bytes;
    for (const entry of batch) leaving.add(entry);
    const exchange = this.#exchange(last);
    last.hasLeft = true;
    const answered = exchange.catch(() => {}).finally(() => this.#forget(last));
    const all = Promise.all([this.underWay, answered]).then(() => {
      if (this.underWay === all) this.underWay = undefined;
    });
    this.underWay = all;
  }

  #forget(leaving: Leaving): void {
    for (const entry of leaving.batch) this.#outbound.queue.leaving.delete(entry);
    if (this.#last === leaving) this.#last = undefined;
    this.#budget.bytesLeft += leaving.bytes;
  }

  async #exchange(leaving: Leaving): Promise<void> {
    const { batch } = leaving;
    const { queue, server, clock, wallClock, emitter } = this.#outbound;
    const started = clock.monotonic();
    const { verdict } = await server.postEntries(joinBody(batch, wallClock), leaving).outcome;
    if (verdict.kind !== 'stored') return;
    queue.remove(batch);
    emitter.emit('push', { entries: batch.length, requests: 1, milliseconds: clock.monotonic() - started });
  }
}
