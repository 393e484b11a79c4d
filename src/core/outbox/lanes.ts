import type { QueuedEntry } from '../model/entry.js';
import type { Clock } from '../time/clock.js';
import type { Outbox } from './outbox.js';

/** A lane of the queue. Urgent entries go first; live ones, committed by this run a short time ago, and the backlog take turns. */
export type Lane = typeof URGENT | typeof LIVE | typeof BACKLOG;
export const URGENT = 0;
export const LIVE = 1;
export const BACKLOG = 2;

/** Sorts the queue into lanes, each oldest first. An entry moves from the live lane to the backlog as time passes. */
export class Lanes {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #liveMs: number;
  readonly #urgent = new Set<QueuedEntry>();
  /** By entry: when it was committed, on the monotonic clock. */
  readonly #live = new Map<QueuedEntry, number>();

  /** @param liveSeconds - How long an entry is live; 0 if there is no live lane. */
  constructor({ outbox, clock }: { readonly outbox: Outbox; readonly clock: Clock }, liveSeconds: number) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#liveMs = liveSeconds * 1000;
  }

  get hasLive(): boolean {
    return this.#liveMs > 0;
  }

  get hasUrgent(): boolean {
    return this.#urgent.size > 0;
  }

  /** Whether an entry may be in another lane than the backlog. */
  get isActive(): boolean {
    return this.hasLive || this.hasUrgent;
  }

  /** The number of entries that are live, urgent ones included. */
  get live(): number {
    this.#age();
    return this.#live.size;
  }

  /** An entry was committed. */
  add(entry: QueuedEntry, isUrgent: boolean): void {
    if (isUrgent) this.#urgent.add(entry);
    if (!this.hasLive) return;
    this.#age();
    this.#live.set(entry, this.#clock.monotonic());
  }

  /** Entries of earlier runs were adopted that count as committed by this run. @param entries - With the seconds since. */
  adopt(entries: Iterable<readonly [entry: QueuedEntry, secondsAgo: number]>): void {
    for (const [entry, secondsAgo] of entries)
      if (this.hasLive && this.#outbox.has(entry)) this.#live.set(entry, this.#clock.monotonic() - secondsAgo * 1000);
  }

  /** Entries left the outbox. */
  remove(entries: readonly QueuedEntry[]): void {
    if (!this.isActive) return;
    for (const entry of entries) {
      this.#urgent.delete(entry);
      this.#live.delete(entry);
    }
  }

  laneOf(entry: QueuedEntry): Lane {
    if (this.#urgent.has(entry)) return URGENT;
    return this.#live.has(entry) ? LIVE : BACKLOG;
  }

  /**
   * The queued entries, lane by lane.
   *
   * @param upTo - The last sequence number of the backlog.
   * @param next - The lane whose turn it is.
   */
  inOrder(upTo: number, next: Lane = LIVE): Iterable<QueuedEntry> {
    return this.isActive ? this.#inLanes(upTo, next) : this.#outbox.upTo(upTo);
  }

  *#inLanes(upTo: number, next: Lane): Generator<QueuedEntry, void> {
    this.#age();
    yield* this.#urgent;
    for (const lane of next === LIVE ? [LIVE, BACKLOG] : [BACKLOG, LIVE])
      for (const entry of lane === LIVE ? this.#live.keys() : this.#outbox.upTo(upTo))
        if (this.laneOf(entry) === lane) yield entry;
  }

  #age(): void {
    if (this.#live.size === 0) return;
    const since = this.#clock.monotonic() - this.#liveMs;
    for (const [entry, at] of this.#live) {
      if (at > since) return;
      this.#live.delete(entry);
    }
  }
}
