import type { QueuedEntry } from '../model/entry.js';
import type { Environment } from '../ports/environment.js';
import type { Beacon } from '../ports/transport.js';
import { batchLength, bodyBytes, joinBody } from './batch.js';
import type { Outbound } from './outbound.js';

/** Entries on their way out of a page. */
interface PendingBeacon extends Beacon {
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
export class UnloadFlush {
  readonly #outbound: Outbound;
  readonly #budget: Environment['keepalive'];
  readonly #onStored: () => void;
  #last: PendingBeacon | undefined;
  /** Until the answers to the requests under way are there. */
  pending: Promise<void> | undefined;

  /** @param onStored - Told when the server has stored something. */
  constructor(outbound: Outbound, budget: Environment['keepalive'], onStored: () => void) {
    this.#outbound = outbound;
    this.#budget = budget;
    this.#onStored = onStored;
  }

  /** @param isLeaving - Whether what is being uploaded is sent too, as its request ends with the page. */
  send(isPagehide: boolean): void {
    const { outbox } = this.#outbound;
    if (this.#last?.dispatched === false) this.#forget(this.#last);
    // A page that is only hidden goes on with what is under way, and in order.
    if (!isPagehide && outbox.inFlight.length + outbox.pendingBeacons.size > 0) return;
    outbox.reconcile();
    const { pendingBeacons } = outbox;
    // Also what has left before and is not answered: what is newer must not arrive first.
    const batch = this.#batch();
    const bytes = bodyBytes(batch);
    const known = new Set([...pendingBeacons].flat());
    if (batch.every((entry) => known.has(entry)) || bytes > this.#budget.bytesLeft) return;
    const last: PendingBeacon = { batch, bytes, dispatched: false };
    this.#last = last;
    this.#budget.bytesLeft -= bytes;
    pendingBeacons.add(batch);
    const exchange = this.#exchange(last);
    last.dispatched = true;
    const answered = exchange.catch(() => {}).finally(() => this.#forget(last));
    const all = Promise.all([this.pending, answered]).then(() => {
      if (this.pending === all) this.pending = undefined;
    });
    this.pending = all;
  }

  /** The oldest; where there are others, without those that would make them fail. */
  #batch(): QueuedEntry[] {
    const { outbox, isolation, size } = this.#outbound;
    const { maxEntries, maxBytes } = size.limits;
    const oldest = outbox.oldest(maxEntries + isolation.known);
    const innocent = oldest.filter((entry) => !isolation.isBlamed(entry));
    const batch = (innocent.length > 0 ? innocent : oldest).slice(0, maxEntries);
    batch.length = batchLength(batch, { maxEntries, maxBytes: Math.min(maxBytes, this.#budget.bytesLeft) });
    return batch;
  }

  #forget(pendingBeacons: PendingBeacon): void {
    this.#outbound.outbox.pendingBeacons.delete(pendingBeacons.batch);
    if (this.#last === pendingBeacons) this.#last = undefined;
    this.#budget.bytesLeft += pendingBeacons.bytes;
  }

  async #exchange(pendingBeacons: PendingBeacon): Promise<void> {
    const { batch } = pendingBeacons;
    const { outbox, server, clock, clockCorrection, emitter } = this.#outbound;
    const started = clock.monotonic();
    const { verdict } = await server.postEntries(joinBody(batch, clockCorrection), pendingBeacons).outcome;
    if (verdict.kind !== 'stored') return;
    const entries = outbox.remove(batch);
    // Another request carried them too, and was answered first.
    if (entries === 0) return;
    this.#onStored();
    emitter.emit('push', { entries, requests: 1, milliseconds: clock.monotonic() - started });
  }
}
