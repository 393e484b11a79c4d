import { entryId, type QuarantinedEntry, type QueuedEntry, type Rejection, toEntry } from '../model/entry.js';

interface Item {
  readonly stored: QueuedEntry;
  readonly shown: QuarantinedEntry;
}

/** The quarantined entries, in the order in which they were quarantined. */
export class Quarantine implements Iterable<QueuedEntry> {
  readonly #byId = new Map<string, Item>();

  get size(): number {
    return this.#byId.size;
  }

  /** The entries in the form of the storage. */
  *[Symbol.iterator](): Generator<QueuedEntry, void> {
    for (const { stored } of this.#byId.values()) yield stored;
  }

  /** The entries in the form of the public API: the same objects each time. */
  get entries(): QuarantinedEntry[] {
    return Array.from(this.#byId.values(), ({ shown }) => shown);
  }

  add(stored: QueuedEntry & { readonly rejection: Rejection }): QuarantinedEntry {
    const shown = { ...toEntry(stored), ...stored.rejection };
    this.#byId.set(shown.id, { stored, shown });
    return shown;
  }

  /** The number of entries with one of the ids. */
  count(ids: Iterable<string>): number {
    let count = 0;
    for (const id of new Set(ids)) if (this.#byId.has(id)) count += 1;
    return count;
  }

  /** Removes the entries with the ids; unknown ids are ignored. @returns The removed entries. */
  remove(ids: Iterable<string>): QueuedEntry[] {
    const removed: QueuedEntry[] = [];
    for (const id of ids) {
      const item = this.#byId.get(id);
      if (item && this.#byId.delete(id)) removed.push(item.stored);
    }
    return removed;
  }

  /** The oldest entries, at most `count`. @param kept - The ids of entries to leave out. */
  oldest(count: number, kept: readonly string[]): QueuedEntry[] {
    return [...this].filter((entry) => !kept.includes(entryId(entry))).slice(0, count);
  }

  /** Removes all entries that are not wanted. */
  retain(isWanted: (stored: QueuedEntry) => boolean): void {
    this.remove([...this].filter((entry) => !isWanted(entry)).map(entryId));
  }
}
