import type { Status } from '../model/status.js';
import { Listeners } from './emitter.js';

/** Shows how things stand, in snapshots: one object for as long as nothing changes. */
export class StatusStore {
  readonly #read: () => Status;
  readonly #listeners = new Listeners();
  readonly #onFailure: () => void;
  #snapshot: Status | undefined;
  #lastEmitted: Status | undefined;
  #isDue = false;

  /** @param read - Reads how things stand now. @param onFailure - Told that a listener threw. */
  constructor(read: () => Status, onFailure: () => void) {
    this.#read = read;
    this.#onFailure = onFailure;
  }

  /** The snapshot of now. */
  get status(): Status {
    const now = this.#read();
    if (this.#snapshot === undefined || !isSame(this.#snapshot, now)) this.#snapshot = Object.freeze(now);
    return this.#snapshot;
  }

  /** @returns A function that stops listening. */
  subscribe(listener: () => unknown): () => void {
    if (this.#listeners.size === 0) this.#lastEmitted = this.status;
    return this.#listeners.add(listener);
  }

  /** Something may have changed: listeners are told in this task's microtask, once, if it has. */
  invalidate(): void {
    if (this.#isDue || this.#listeners.size === 0) return;
    this.#isDue = true;
    void Promise.resolve().then(() => this.#emit());
  }

  #emit(): void {
    this.#isDue = false;
    const { status } = this;
    if (status === this.#lastEmitted) return;
    this.#lastEmitted = status;
    this.#listeners.emit(undefined, this.#onFailure);
  }
}

function isSame(one: Status, other: Status): boolean {
  return (Object.keys(other) as (keyof Status)[]).every((key) => Object.is(one[key], other[key]));
}
