import type { QueuedEntry } from '../model/entry.js';
import type { Durability, LastPush, ReadingHealth, Status } from '../model/status.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import { type Emitter, Listeners, type PushFailure } from './emitter.js';
import type { Warnings } from './warnings.js';

/** The parts of a client that a status is read from. */
export interface StatusParts {
  readonly emitter: Emitter;
  readonly staging: { readonly size: number };
  readonly outbox: {
    readonly length: number;
    readonly bytes: number;
    readonly quarantine: { readonly size: number };
    readonly capacity: { readonly usedBytes: number };
    oldest(count: number): QueuedEntry[];
  };
  /** Absent if no field has a dead band. */
  readonly deadBands: { readonly suppressed: number } | undefined;
  readonly hold: { readonly isOn: boolean };
  readonly lanes: { readonly live: number };
  readonly clockCorrection: ClockCorrection;
  readonly warnings: Pick<Warnings, 'all'>;
  readonly server: { readonly isOnline: boolean };
  readonly uploader: { readonly isPushing: boolean };
  readonly history: { readonly lastPush: LastPush | undefined; readonly lastFailure: PushFailure | undefined };
  /** Absent without automatic pushing. */
  readonly autoPush: { readonly nextTry: number | undefined } | undefined;
  readonly poller: { readonly health: ReadingHealth | undefined };
}

/** The status of a client, in snapshots: the same object until something changes. */
export class StatusStore {
  readonly #parts: StatusParts;
  readonly #durability: Durability;
  readonly #listeners = new Listeners();
  #snapshot: Status | undefined;
  #lastEmitted: Status | undefined;
  #isDue = false;

  /** @param durability - The events that a committed entry survives. */
  constructor(parts: StatusParts, durability: Durability) {
    this.#parts = parts;
    this.#durability = durability;
  }

  /** The current snapshot. */
  get status(): Status {
    const now = this.#read();
    if (this.#snapshot === undefined || !isSame(this.#snapshot, now)) this.#snapshot = Object.freeze(now);
    return this.#snapshot;
  }

  /** @returns A function that stops listening. */
  subscribe(listener: () => unknown): () => void {
    if (this.#listeners.size === 0) this.#lastEmitted = this.status;
    const remove = this.#listeners.add(listener);
    this.#parts.emitter.emit('watched');
    return () => {
      remove();
      this.#parts.emitter.emit('watched');
    };
  }

  /** Whether somebody listens. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** The status may have changed. If it has, listeners are called once, in a microtask. */
  invalidate(): void {
    if (this.#isDue || this.#listeners.size === 0) return;
    this.#isDue = true;
    void Promise.resolve().then(() => this.#emit());
  }

  #read(): Status {
    const { staging, outbox, lanes, deadBands, hold, warnings, server, uploader, history, autoPush, poller } =
      this.#parts;
    const { live } = lanes;
    return {
      staged: staging.size,
      committed: outbox.length,
      live,
      backlog: outbox.length - live,
      quarantined: outbox.quarantine.size,
      bytes: outbox.bytes,
      queuedBytes: outbox.capacity.usedBytes,
      oldestAgeSeconds: this.#oldestAge,
      suppressed: deadBands?.suppressed ?? 0,
      paused: hold.isOn,
      durability: this.#durability,
      warnings: warnings.all,
      online: server.isOnline,
      reading: poller.health,
      pushing: uploader.isPushing,
      lastPush: history.lastPush,
      nextTry: autoPush?.nextTry,
      lastException: history.lastFailure?.exception,
    };
  }

  get #oldestAge(): number | undefined {
    const { outbox, clockCorrection } = this.#parts;
    const [oldest] = outbox.oldest(1);
    return oldest && Math.max(0, clockCorrection.seconds - clockCorrection.timeOf(oldest, oldest.epoch));
  }

  #emit(): void {
    this.#isDue = false;
    const { status } = this;
    if (status === this.#lastEmitted) return;
    this.#lastEmitted = status;
    const { emitter } = this.#parts;
    this.#listeners.emit(undefined, (error) => emitter.emit('listener-failed', { source: 'subscribe()', error }));
  }
}

function isSame(one: Status, other: Status): boolean {
  return (Object.keys(other) as (keyof Status)[]).every((key) => Object.is(one[key], other[key]));
}
