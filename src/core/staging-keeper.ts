import type { PushQueue } from './push-queue.js';
import type { Staging } from './staging.js';
import type { Writer } from './storage.js';
import type { Value } from './value.js';

/** Saves the staged values as they change, best effort: once for each task, however many values that stages. */
export class StagingKeeper {
  readonly #staging: Staging;
  readonly #writer: Writer;
  readonly #saves: boolean;
  readonly #queue: Pick<PushQueue, 'check'>;
  #isChanged = false;
  #isClosed = false;
  #saved: readonly Value[] = [];

  /**
   * @param saves - `false` to keep them in memory alone.
   * @param queue - Sees to what happened to the storage behind the back of this `Api`.
   */
  constructor(staging: Staging, writer: Writer, saves: boolean, queue: Pick<PushQueue, 'check'>) {
    this.#staging = staging;
    this.#writer = writer;
    this.#saves = saves;
    this.#queue = queue;
  }

  /** They are saved in this task's microtask. */
  changed(): void {
    if (this.#isChanged) return;
    this.#isChanged = true;
    void Promise.resolve().then(() => this.#isClosed || this.#save());
  }

  /** Another has what was saved: staged in two places, they would be committed twice. */
  forgetSaved(): void {
    this.#staging.forget(this.#saved);
  }

  /** Saves them a last time. */
  close(): void {
    this.#isClosed = true;
    this.#save();
  }

  #save(): void {
    if (this.#isChanged && this.#saves) {
      // What another has staged by now is not to be saved again.
      this.#queue.check();
      this.#saved = this.#staging.values();
      this.#writer.saveStaged(this.#saved);
    }
    this.#isChanged = false;
  }
}
