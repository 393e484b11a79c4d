import type { QueuedEntry } from '../model/entry.js';
import type { Emitter } from '../notify/emitter.js';
import type { Expiry } from '../outbox/expiry.js';
import type { Lanes } from '../outbox/lanes.js';
import type { Checkout, Outbox } from '../outbox/outbox.js';
import type { ByteBudget, LifecycleEvent } from '../ports/environment.js';
import type { Beacon } from '../ports/transport.js';
import type { ServerClient } from '../server/server-client.js';
import type { Clock } from '../time/clock.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import { type Batch, batchLength, bodyBytes, joinBody } from './batch.js';
import type { BatchSizer } from './batch-sizer.js';
import type { Hold } from './hold.js';

/** A request that outlives its page, and its entries. */
interface PendingBeacon extends Beacon {
  readonly checkout: Checkout;
  readonly releaseBytes: () => void;
}

/** Browsers fail a request that exceeds the unused part of their limit: small pieces may still fit. */
const PIECE_BYTES = 16 * 1024;
/** The last pieces get smaller, down to this: the unused part of the limit is unknown. */
const MIN_PIECE_BYTES = 4 * 1024;
/** Browsers also limit the number of such requests under way. */
const MAX_PIECES = 10;
/** More entries than the budget can hold. */
const MAX_ENTRIES = 1500;

/** The parts of a client that an unload flush uses. */
export interface UnloadFlushParts {
  readonly outbox: Outbox;
  readonly lanes: Pick<Lanes, 'inOrder'>;
  readonly expiry: Pick<Expiry, 'expire'>;
  readonly server: ServerClient;
  readonly finder: BadEntryFinder;
  readonly sizer: BatchSizer;
  readonly hold: Pick<Hold, 'isOn'>;
  readonly clock: Clock;
  readonly clockCorrection: ClockCorrection;
  readonly emitter: Emitter;
  readonly environment: { readonly keepalive: ByteBudget };
}

/**
 * Sends the queue while a page is hidden or left: lane by lane, oldest entries first, in pieces, by requests that outlive the
 * page. All are sent in the same task, as it may be the last. No entry leaves the queue before its verdict, which arrives if
 * the page survives.
 *
 * Even that task may end early: while the process of a closed tab ends, Firefox interrupts the running script anywhere, without
 * an exception, and then runs the next listener. So {@link UnloadFlush.send} may be called again, and sends the rest.
 */
export class UnloadFlush {
  readonly #parts: UnloadFlushParts;
  readonly #isEnabled: boolean;
  readonly #beacons = new Set<PendingBeacon>();
  #last: PendingBeacon | undefined;
  #pending: Promise<void> | undefined;

  constructor(parts: UnloadFlushParts, config: { readonly isEnabled: boolean }) {
    this.#parts = parts;
    this.#isEnabled = config.isEnabled;
  }

  /** Resolves once the requests under way have ended; absent if none is under way. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  onLifecycle(event: LifecycleEvent): void {
    if (
      this.#isEnabled &&
      !this.#parts.hold.isOn &&
      this.#parts.server.hasKey &&
      (event === 'hidden' || event === 'pagehide')
    )
      this.send({ isPagehide: event === 'pagehide' });
  }

  /** @param how - `isPagehide`: whether the page is left, which ends its uploads: their entries are sent too. */
  send({ isPagehide }: { readonly isPagehide: boolean }): void {
    if (this.#last?.dispatched === false) this.#release(this.#last);
    // A page that is only hidden continues its uploads, in order.
    if (!isPagehide && this.#parts.outbox.hasCheckouts) return;
    this.#parts.expiry.expire(() => this.#entries());
    // Repeated if the check of ownership changed the queue.
    if (!this.#sendQueue()) this.#sendQueue();
  }

  /** @returns `false` if the queue changed, and this has to be repeated. */
  #sendQueue(): boolean {
    const entries = this.#entries();
    const known = new Set([...this.#beacons].flatMap(({ checkout }) => checkout.entries));
    const fresh = entries.filter((entry) => !known.has(entry));
    if (fresh.length === 0) return true;
    // Sent before without an answer: sent again if one request carries all, as newer entries must not arrive first.
    if (this.#piece(entries, 0, PIECE_BYTES).length === entries.length && this.#fits(entries))
      return this.#dispatch(entries);
    return this.#sendInPieces(fresh);
  }

  #sendInPieces(entries: readonly QueuedEntry[]): boolean {
    let rest = bodyBytes(entries);
    for (let from = 0; from < entries.length && this.#beacons.size < MAX_PIECES; ) {
      const { bytesLeft } = this.#parts.environment.keepalive;
      const half = Math.max(Math.min(rest, bytesLeft) / 2, MIN_PIECE_BYTES);
      const piece = this.#piece(entries, from, Math.min(half, PIECE_BYTES, bytesLeft));
      // Entries behind an entry that does not fit wait, to keep the order.
      if (!this.#fits(piece)) return true;
      if (!this.#dispatch(piece)) return false;
      from += piece.length;
      rest -= bodyBytes(piece);
    }
    return true;
  }

  /** The first entries, without entries that would make a request fail. */
  #entries(): QueuedEntry[] {
    const { outbox, lanes, finder } = this.#parts;
    const sendable: QueuedEntry[] = [];
    for (const entry of lanes.inOrder(Infinity))
      if (!finder.isBlamed(entry) && sendable.push(entry) === MAX_ENTRIES) break;
    return sendable.length > 0 ? sendable : outbox.oldest(MAX_ENTRIES);
  }

  /** The entries from an index on that one request carries: at least one entry. */
  #piece(entries: readonly QueuedEntry[], from: number, maxPieceBytes: number): QueuedEntry[] {
    const { limits } = this.#parts.sizer;
    const piece = entries.slice(from, from + limits.maxEntries);
    piece.length = batchLength(piece, { ...limits, maxBytes: Math.min(limits.maxBytes, maxPieceBytes) });
    return piece;
  }

  #fits(piece: Batch): boolean {
    return bodyBytes(piece) <= this.#parts.environment.keepalive.bytesLeft;
  }

  /** @returns `false` if the entries changed owner, and have to be chosen anew. */
  #dispatch(batch: Batch): boolean {
    const checkout = this.#parts.outbox.checkOut(batch);
    if (checkout === undefined) return false;
    const releaseBytes = this.#parts.environment.keepalive.reserve(bodyBytes(batch));
    const beacon: PendingBeacon = { checkout, releaseBytes, dispatched: false };
    this.#last = beacon;
    this.#beacons.add(beacon);
    const exchange = this.#exchange(beacon);
    beacon.dispatched = true;
    const answered = exchange.catch(() => {}).finally(() => this.#release(beacon));
    const all = Promise.all([this.#pending, answered]).then(() => {
      if (this.#pending === all) this.#pending = undefined;
    });
    this.#pending = all;
    return true;
  }

  #release(beacon: PendingBeacon): void {
    this.#beacons.delete(beacon);
    if (this.#last === beacon) this.#last = undefined;
    beacon.releaseBytes();
    beacon.checkout.release();
  }

  async #exchange(beacon: PendingBeacon): Promise<void> {
    const { outbox, server, clock, clockCorrection, emitter } = this.#parts;
    const batch = beacon.checkout.entries;
    const started = clock.monotonic();
    const { verdict } = await server.postEntries({ body: joinBody(batch, clockCorrection), entries: batch, beacon })
      .outcome;
    if (verdict.kind !== 'stored') return;
    emitter.operation(() => {
      const entries = outbox.remove(batch);
      // 0 if another request with the same entries was answered first.
      if (entries > 0) emitter.emit('push', { entries, requests: 1, milliseconds: clock.monotonic() - started });
    });
  }
}

/** The bytes of request bodies that browsers allow in flight with `keepalive`. */
export class KeepaliveBudget implements ByteBudget {
  #bytesLeft: number;

  constructor(bytes: number) {
    this.#bytesLeft = bytes;
  }

  get bytesLeft(): number {
    return this.#bytesLeft;
  }

  reserve(bytes: number): () => void {
    let reserved = bytes;
    this.#bytesLeft -= bytes;
    return () => {
      this.#bytesLeft += reserved;
      reserved = 0;
    };
  }
}
