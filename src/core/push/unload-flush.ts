import type { QueuedEntry } from '../model/entry.js';
import type { Environment } from '../ports/environment.js';
import type { Beacon } from '../ports/transport.js';
import { batchLength, bodyBytes, joinBody } from './batch.js';
import type { Outbound } from './push-run.js';

/** Entries on their way out of a page. */
interface PendingBeacon extends Beacon {
  readonly batch: readonly QueuedEntry[];
  readonly bytes: number;
}

/** Browsers fail a request that exceeds what others of the page leave of their limit: in pieces, what fits still leaves. */
const PIECE_BYTES = 16 * 1024;
/** The last pieces are ever smaller, down to this: nothing is known of how much still fits, not even afterwards. */
const MIN_PIECE_BYTES = 4 * 1024;
/** Browsers also limit how many such requests may be under way. */
const MAX_PIECES = 10;
/** More than the budget has room for. */
const MAX_ENTRIES = 1500;

/**
 * Sends the queue while a page goes away: oldest entries first, in pieces, by requests that outlive the page and that leave
 * in the same task, as there may be no later one. Nothing leaves the queue before its verdict, for which the page may live
 * after all.
 *
 * Even that task is not safe: as the process of a closed tab ends, Firefox cuts the running script off anywhere, without an
 * exception, and then runs the next. So {@link UnloadFlush.send} may be called again, and sends what did not leave.
 */
export class UnloadFlush {
  readonly #outbound: Outbound;
  readonly #budget: Environment['keepalive'];
  readonly #onStored: () => void;
  #last: PendingBeacon | undefined;
  /** Until the answers to the requests under way are there. */
  pending: Promise<void> | undefined;

  /** @param onStored - Called when the server has stored something. */
  constructor(outbound: Outbound, budget: Environment['keepalive'], onStored: () => void) {
    this.#outbound = outbound;
    this.#budget = budget;
    this.#onStored = onStored;
  }

  /** @param isPagehide - Whether the page is left: entries that are being uploaded are sent too, as their request ends with it. */
  send(isPagehide: boolean): void {
    const { outbox } = this.#outbound;
    const { pendingBeacons } = outbox;
    if (this.#last?.dispatched === false) this.#forget(this.#last);
    // A page that is only hidden goes on with what is under way, and in order.
    if (!isPagehide && outbox.inFlight.length + pendingBeacons.size > 0) return;
    outbox.reconcile();
    const entries = this.#entries();
    const known = new Set([...pendingBeacons].flat());
    const fresh = entries.filter((entry) => !known.has(entry));
    if (fresh.length === 0) return;
    // With entries that have left before and are not answered, where one request carries all: newer ones must not arrive first.
    if (this.#piece(entries, 0, PIECE_BYTES).length === entries.length && this.#fits(entries)) this.#dispatch(entries);
    else this.#sendInPieces(fresh);
  }

  #sendInPieces(entries: readonly QueuedEntry[]): void {
    let rest = bodyBytes(entries);
    for (let from = 0; from < entries.length && this.#outbound.outbox.pendingBeacons.size < MAX_PIECES; ) {
      const { bytesLeft } = this.#budget;
      const half = Math.max(Math.min(rest, bytesLeft) / 2, MIN_PIECE_BYTES);
      const piece = this.#piece(entries, from, Math.min(half, PIECE_BYTES, bytesLeft));
      // Entries behind one that does not fit wait for it.
      if (!this.#fits(piece)) return;
      this.#dispatch(piece);
      from += piece.length;
      rest -= bodyBytes(piece);
    }
  }

  /** The oldest; where there are others, without those that would make them fail. */
  #entries(): QueuedEntry[] {
    const { outbox, finder } = this.#outbound;
    const innocent: QueuedEntry[] = [];
    for (const entry of outbox) if (!finder.isBlamed(entry) && innocent.push(entry) === MAX_ENTRIES) break;
    return innocent.length > 0 ? innocent : outbox.oldest(MAX_ENTRIES);
  }

  /** The entries from a place on that one request carries: at least one. */
  #piece(entries: readonly QueuedEntry[], from: number, mostBytes: number): QueuedEntry[] {
    const { maxEntries, maxBytes } = this.#outbound.sizer.limits;
    const piece = entries.slice(from, from + maxEntries);
    piece.length = batchLength(piece, { maxEntries, maxBytes: Math.min(maxBytes, mostBytes) });
    return piece;
  }

  #fits(piece: readonly QueuedEntry[]): boolean {
    return bodyBytes(piece) <= this.#budget.bytesLeft;
  }

  #dispatch(batch: readonly QueuedEntry[]): void {
    const beacon: PendingBeacon = { batch, bytes: bodyBytes(batch), dispatched: false };
    this.#last = beacon;
    this.#budget.bytesLeft -= beacon.bytes;
    this.#outbound.outbox.pendingBeacons.add(batch);
    const exchange = this.#exchange(beacon);
    beacon.dispatched = true;
    const answered = exchange.catch(() => {}).finally(() => this.#forget(beacon));
    const all = Promise.all([this.pending, answered]).then(() => {
      if (this.pending === all) this.pending = undefined;
    });
    this.pending = all;
  }

  #forget(beacon: PendingBeacon): void {
    this.#outbound.outbox.pendingBeacons.delete(beacon.batch);
    if (this.#last === beacon) this.#last = undefined;
    this.#budget.bytesLeft += beacon.bytes;
  }

  async #exchange(beacon: PendingBeacon): Promise<void> {
    const { batch } = beacon;
    const { outbox, server, clock, clockCorrection, emitter } = this.#outbound;
    const started = clock.monotonic();
    const { verdict } = await server.postEntries(joinBody(batch, clockCorrection), beacon).outcome;
    if (verdict.kind !== 'stored') return;
    const entries = outbox.remove(batch);
    // Another request carried them too, and was answered first.
    if (entries === 0) return;
    this.#onStored();
    emitter.emit('push', { entries, requests: 1, milliseconds: clock.monotonic() - started });
  }
}
