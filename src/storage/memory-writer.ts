import { type Binding, sameBinding } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import { randomId } from '../core/random-id.js';
import type { Adoption, Writer } from '../core/storage.js';
import type { Value } from '../core/value.js';
import { MemoryShelf } from './memory-shelf.js';

/** One run of one `Api` in memory. */
export class MemoryWriter implements Writer {
  readonly id: string;
  /** What each writer saved, by its id: those that are open, and those that left something. */
  readonly #shelves: Map<string, MemoryShelf>;
  readonly #own: MemoryShelf;

  constructor(shelves: Map<string, MemoryShelf>, binding: Binding, clock: Clock) {
    this.id = randomId(clock);
    this.#shelves = shelves;
    this.#own = new MemoryShelf(binding, this);
    shelves.set(this.id, this.#own);
  }

  check(): undefined {}

  save(entry: StoredEntry, forgetStaged: boolean): void {
    this.#own.save(entry);
    if (forgetStaged) this.#own.staged = [];
  }

  saveAgain(): void {}

  remove(entries: readonly StoredEntry[]): void {
    for (const { writer, sequence } of entries) {
      // Nearly all are of this writer, and then there is nothing to look up.
      const shelf = writer === this.id ? this.#own : this.#shelves.get(writer);
      shelf?.remove(sequence);
    }
  }

  quarantine(entries: readonly StoredEntry[]): void {
    for (const entry of entries) this.#shelves.get(entry.writer)?.quarantine(entry);
  }

  saveStaged(values: readonly Value[]): void {
    this.#own.staged = values;
  }

  async adopt(atStart: boolean): Promise<Adoption> {
    // In a later turn: an Api that is closed in the task that opened it takes nothing.
    await undefined;
    return this.#own.holder === this ? this.#adopt(atStart) : { entries: [], staged: [], warnings: [] };
  }

  close(): void {
    for (const shelf of this.#shelves.values()) if (shelf.holder === this) shelf.holder = undefined;
  }

  #adopt(atStart: boolean): Adoption {
    const entries: StoredEntry[] = [];
    let staged: readonly Value[] = [];
    for (const [writer, shelf] of this.#shelves) {
      if (shelf.holder !== undefined || !sameBinding(shelf.binding, this.#own.binding)) continue;
      if (atStart && shelf.staged.length > 0) {
        staged = shelf.staged;
        shelf.staged = [];
      }
      const left = shelf.entries();
      if (left.length > 0) {
        shelf.holder = this;
        for (const entry of left) entries.push(entry);
      } else if (shelf.staged.length === 0) {
        this.#shelves.delete(writer);
      }
    }
    return { entries, staged, warnings: [] };
  }
}
