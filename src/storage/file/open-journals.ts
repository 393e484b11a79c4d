import type { StoredEntry } from '../../core/model/entry.js';
import type { Journal } from './journal/journal.js';
import type { OpenWriter } from './open-writers.js';

/** The journals that one store owns: that of its own writers, and those that it adopted. */
export class OpenJournals {
  /** Each with when it was adopted, on this run's monotonic clock. */
  readonly #adoptedAt = new Map<Journal, number | undefined>();

  get size(): number {
    return this.#adoptedAt.size;
  }

  /** They may be added and removed meanwhile. */
  [Symbol.iterator](): Iterator<Journal> {
    return [...this.#adoptedAt.keys()][Symbol.iterator]();
  }

  /** @param adoptedAt - Absent for one that the store has made. */
  add(journal: Journal, adoptedAt?: number): void {
    this.#adoptedAt.set(journal, adoptedAt);
  }

  delete(journal: Journal): void {
    this.#adoptedAt.delete(journal);
  }

  /** Those that were adopted before a moment. */
  adoptedBefore(moment: number): Journal[] {
    return [...this].filter((journal) => (this.#adoptedAt.get(journal) ?? Number.POSITIVE_INFINITY) <= moment);
  }

  hasFile(file: string): boolean {
    return [...this].some((journal) => journal.file === file);
  }

  /** Writes to all: one that fails keeps nothing from being written to the others. */
  writeAll(write: (journal: Journal) => void): void {
    let failure: unknown;
    for (const journal of this) {
      try {
        write(journal);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Those of a writer's entries that stand in no journal, and that no other process has. */
  missing({ fenced }: OpenWriter, entries: readonly StoredEntry[]): StoredEntry[] {
    const journals = [...this];
    return entries.filter(({ writer, sequence }) => {
      return !fenced?.writers.has(writer) && !journals.some(({ live }) => live.wants(writer, sequence));
    });
  }
}
