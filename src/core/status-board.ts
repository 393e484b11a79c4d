import { Listeners } from './listeners.js';
import type { Status } from './status.js';

/** Shows how things stand, in snapshots: one object for as long as nothing changes. */
export class StatusBoard {
  readonly #read: () => Status;
  readonly #listeners = new Listeners();
  readonly #onFailure: () => void;
  #shown: Status | undefined;
  #told: Status | undefined;
  #isDue = false;

  /** @param read - Reads how things stand now. @param onFailure - Told that a listener threw. */
  constructor(read: () => Status, onFailure: () => void) {
    this.#read = read;
    this.#onFailure = onFailure;
  }

  /** The snapshot of now. */
  get status(): Status {
    const now = this.#read();
    if (this.#shown === undefined || !isSame(this.#shown, now)) this.#shown = Object.freeze(now);
    return this.#shown;
  }

  /** @returns A function that stops listening. */
  subscribe(listener: () => unknown): () => void {
    if (this.#listeners.size === 0) this.#told = this.status;
    return this.#listeners.add(listener);
  }

  /** Something may have changed: listeners are told in this task's microtask, once, if it has. */
  changed(): void {
    if (this.#isDue || this.#listeners.size === 0) return;
    this.#isDue = true;
    void Promise.resolve().then(() => this.#tell());
  }

  #tell(): void {
    this.#isDue = false;
    const { status } = this;
    if (status === this.#told) return;
    this.#told = status;
    this.#listeners.tell(undefined, this.#onFailure);
  }
}

function isSame(one: Status, other: Status): boolean {
  return (Object.keys(other) as (keyof Status)[]).every((key) => Object.is(one[key], other[key]));
}
