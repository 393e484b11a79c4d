import { type Binding, sameBinding } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import { randomId } from '../core/random-id.js';
import type { Adoption, StorageAdapter } from '../core/storage.js';
import type { Value } from '../core/value.js';

/**
 * Keeps entries in memory: they survive nothing but the `Api` that committed them. What a closed `Api` left is adopted by
 * the next one that is opened with the same object.
 *
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: memoryStorage() })
 * ```
 */
export function memoryStorage(): StorageAdapter {
  const shelves = new Map<string, Shelf>();
  return {
    durability: 'none',
    open(binding, clock) {
      const id = randomId(clock);
      const holder = {};
      const own = new Shelf(binding, holder);
      shelves.set(id, own);
      return {
        id,
        save(entry, forgetStaged) {
          own.save(entry);
          if (forgetStaged) own.staged = [];
        },
        check: () => undefined,
        saveAgain: () => {},
        remove(entries) {
          for (const { writer, sequence } of entries) {
            // Nearly all are of this writer, and then there is nothing to look up.
            const shelf = writer === id ? own : shelves.get(writer);
            shelf?.remove(sequence);
          }
        },
        quarantine(entries) {
          for (const entry of entries) shelves.get(entry.writer)?.quarantine(entry);
        },
        saveStaged(values) {
          own.staged = values;
        },
        adopt: async (atStart) => adopt(shelves, binding, holder, atStart),
        close() {
          for (const shelf of shelves.values()) if (shelf.holder === holder) shelf.holder = undefined;
        },
      };
    },
  };
}

/** What one writer saved. Entries that are queued stand at their sequence number, so that saving and removing cost the same at any depth. */
class Shelf {
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

function adopt(shelves: Map<string, Shelf>, binding: Binding, holder: object, atStart: boolean): Adoption {
  const entries: StoredEntry[] = [];
  let staged: readonly Value[] = [];
  for (const [writer, shelf] of shelves) {
    if (shelf.holder !== undefined || !sameBinding(shelf.binding, binding)) continue;
    if (atStart) {
      if (shelf.staged.length > 0) staged = shelf.staged;
      shelf.staged = [];
    }
    const left = shelf.entries();
    if (left.length > 0) {
      shelf.holder = holder;
      for (const entry of left) entries.push(entry);
    } else if (shelf.staged.length === 0) {
      shelves.delete(writer);
    }
  }
  return { entries, staged, warnings: [] };
}
