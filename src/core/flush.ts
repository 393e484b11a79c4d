import { batchLength, bodyBytes, joinBody } from './batch.js';
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
  readonly #budget: Surroundings['keepalive'];
  readonly #onStored: () => void;
  #last: Leaving | undefined;
  /** Until the answers to the requests under way are there. */
  underWay: Promise<void> | undefined;

  /** @param onStored - Told when the server has stored something. */
  constructor(outbound: Outbound, budget: Surroundings['keepalive'], onStored: () => void) {
    this.#outbound = outbound;
    this.#budget = budget;
    this.#onStored = onStored;
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
    const batch = this.#batch();
    const bytes = bodyBytes(batch);
    const known = new Set([...leaving].flat());
    if (batch.every((entry) => known.has(entry)) || bytes > this.#budget.bytesLeft) return;
    const last: Leaving = { batch, bytes, hasLeft: false };
    this.#last = last;
    this.#budget.bytesLeft -= bytes;
    leaving.add(batch);
    const exchange = this.#exchange(last);
    last.hasLeft = true;
    const answered = exchange.catch(() => {}).finally(() => this.#forget(last));
    const all = Promise.all([this.underWay, answered]).then(() => {
      if (this.underWay === all) this.underWay = undefined;
    });
    this.underWay = all;
  }

  /** The oldest; where there are others, without those that would make them fail. */
  #batch(): QueuedEntry[] {
    const { queue, isolation, size } = this.#outbound;
    const { maxEntries, maxBytes } = size.limits;
    const oldest = queue.oldest(maxEntries + isolation.known);
    const innocent = oldest.filter((entry) => !isolation.isBlamed(entry));
    const batch = (innocent.length > 0 ? innocent : oldest).slice(0, maxEntries);
    batch.length = batchLength(batch, { maxEntries, maxBytes: Math.min(maxBytes, this.#budget.bytesLeft) });
    return batch;
  }

  #forget(leaving: Leaving): void {
    this.#outbound.queue.leaving.delete(leaving.batch);
    if (this.#last === leaving) this.#last = undefined;
    this.#budget.bytesLeft += leaving.bytes;
  }

  async #exchange(leaving: Leaving): Promise<void> {
    const { batch } = leaving;
    const { queue, server, clock, wallClock, emitter } = this.#outbound;
    const started = clock.monotonic();
    const { verdict } = await server.postEntries(joinBody(batch, wallClock), leaving).outcome;
    if (verdict.kind !== 'stored') return;
    const entries = queue.remove(batch);
    // Another request carried them too, and was answered first.
    if (entries === 0) return;
    this.#onStored();
    emitter.emit('push', { entries, requests: 1, milliseconds: clock.monotonic() - started });
  }
}
