import type { Value } from '../model/value.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Writer } from '../ports/storage.js';
import type { Staging } from './staging.js';

/** Saves the staged values as they change, best effort: once for each task, however many values that stages. */
export class StagingPersistence {
  readonly #staging: Staging;
  readonly #writer: Writer;
  readonly #saves: boolean;
  readonly #outbox: Pick<Outbox, 'reconcile'>;
  #isDirty = false;
  #isClosed = false;
  #saved: readonly Value[] = [];

  /**
   * @param saves - `false` to keep them in memory alone.
   * @param queue - Sees to what happened to the storage behind the back of this `Api`.
   */
  constructor(staging: Staging, writer: Writer, saves: boolean, outbox: Pick<Outbox, 'reconcile'>) {
    this.#staging = staging;
    this.#writer = writer;
    this.#saves = saves;
    this.#outbox = outbox;
  }

  /** They are saved in this task's microtask. */
  invalidate(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    void Promise.resolve().then(() => this.#isClosed || this.#save());
  }

  /** Another has what was saved: staged in two places, they would be committed twice. */
  removeFenced(): void {
    this.#staging.remove(this.#saved);
  }

  /** Saves them a last time. */
  close(): void {
    this.#isClosed = true;
    this.#save();
  }

  #save(): void {
    if (this.#isDirty && this.#saves) {
      // What another has staged by now is not to be saved again.
      this.#outbox.reconcile();
      this.#saved = this.#staging.values();
      this.#writer.saveStaged(this.#saved);
    }
    this.#isDirty = false;
  }
}
