import type { Binding } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import type { Value } from '../core/value.js';

/** What one writer saved. Entries that are queued stand at their sequence number, so that saving and removing cost the same at any depth. */
export class MemoryShelf {
  readonly binding: Binding;
  /** The writer that lives on it; none if that was closed. */
  holder: object | undefined;
  staged: readonly Value[] = [];
  /** Those in quarantine, which can stay for ever: in the array they would keep a slot for each entry after them. */
  readonly #refused = new Map<number, StoredEntry>();
  #first = 1;
  #head = 0;
  #slots: (StoredEntry | undefined)[] = [];

  constructor(binding: Binding, holder: object) {
    this.binding = binding;
    this.holder = holder;
  }

  entries(): StoredEntry[] {
    const queued = this.#slots.filter((entry) => entry !== undefined);
    return [...this.#refused.values(), ...queued].sort((one, other) => one.sequence - other.sequence);
  }

  save(entry: StoredEntry): void {
    // Numbers that were never saved leave no hole: an array with holes is a slow one.
    while (this.#first + this.#slots.length < entry.sequence) this.#slots.push(undefined);
    this.#slots[entry.sequence - this.#first] = entry;
  }

  /** An entry that is there is in quarantine from now on. */
  quarantine(entry: StoredEntry): void {
    if (this.#slots[entry.sequence - this.#first] === undefined) return;
    this.remove(entry.sequence);
    this.#refused.set(entry.sequence, entry);
  }

  remove(sequence: number): void {
    if (this.#refused.size > 0 && this.#refused.delete(sequence)) return;
    const index = sequence - this.#first;
    if (index < this.#head || index >= this.#slots.length) return;
    this.#slots[index] = undefined;
    while (this.#head < this.#slots.length && this.#slots[this.#head] === undefined) this.#head += 1;
    if (this.#head * 2 < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#head);
    this.#first += this.#head;
    this.#head = 0;
  }
}
