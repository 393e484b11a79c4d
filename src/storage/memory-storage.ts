import { type Binding, sameBinding } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import { randomId } from '../core/random-id.js';
import type { StorageAdapter } from '../core/storage.js';
import type { Value } from '../core/value.js';

interface Shelf {
  readonly binding: Binding;
  readonly entries: Map<number, StoredEntry>;
  staged: readonly Value[];
  holder: object | undefined;
}

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
      const own: Shelf = { binding, entries: new Map(), staged: [], holder };
      shelves.set(id, own);
      return {
        id,
        save(entry, forgetStaged) {
          own.entries.set(entry.sequence, entry);
          if (forgetStaged) own.staged = [];
        },
        remove(entries) {
          for (const { writer, sequence } of entries) shelves.get(writer)?.entries.delete(sequence);
        },
        saveStaged(values) {
          own.staged = values;
        },
        async adopt(atStart) {
          const entries: StoredEntry[] = [];
          let staged: readonly Value[] = [];
          for (const [writer, shelf] of shelves) {
            if (shelf.holder !== undefined || !sameBinding(shelf.binding, binding)) continue;
            if (atStart) {
              if (shelf.staged.length > 0) staged = shelf.staged;
              shelf.staged = [];
            }
            if (shelf.entries.size === 0) {
              if (shelf.staged.length === 0) shelves.delete(writer);
              continue;
            }
            shelf.holder = holder;
            entries.push(...shelf.entries.values());
          }
          return { entries, staged, warnings: [] };
        },
        close() {
          for (const shelf of shelves.values()) if (shelf.holder === holder) shelf.holder = undefined;
        },
      };
    },
  };
}
