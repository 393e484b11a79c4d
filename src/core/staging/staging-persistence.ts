import type { Value } from '../model/value.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Writer } from '../ports/storage.js';
import type { Staging } from './staging.js';

/** The parts of a client that the persistence of staged values uses. */
export interface StagingPersistenceParts {
  readonly staging: Staging;
  readonly writer: Pick<Writer, 'saveStaged'>;
  readonly outbox: Pick<Outbox, 'reconcile'>;
}

/** Saves changes of the staged values, best effort, once a task. */
export class StagingPersistence {
  readonly #parts: StagingPersistenceParts;
  readonly #saves: boolean;
  #isDirty = false;
  #isClosed = false;
  #saved: readonly Value[] = [];

  /** @param config - `saves`: `false` keeps the values only in memory. */
  constructor(parts: StagingPersistenceParts, config: { readonly saves: boolean }) {
    this.#parts = parts;
    this.#saves = config.saves;
  }

  /** The values changed: saves them in a microtask. */
  invalidate(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    void Promise.resolve().then(() => this.#isClosed || this.#save());
  }

  /** Another run has adopted the saved values: removes them, as values staged in two runs would be committed twice. */
  removeFenced(): void {
    this.#parts.staging.remove(this.#saved);
  }

  /** Saves the values a last time. */
  close(): void {
    this.#isClosed = true;
    this.#save();
  }

  #save(): void {
    const { staging, writer, outbox } = this.#parts;
    staging.markSaved();
    if (this.#isDirty && this.#saves) {
      // Values that another run has adopted must not be saved again.
      outbox.reconcile();
      this.#saved = staging.values();
      writer.saveStaged(this.#saved);
    }
    this.#isDirty = false;
  }
}
