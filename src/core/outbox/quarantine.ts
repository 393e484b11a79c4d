import { entryId, type QuarantinedEntry, type QueuedEntry, type Rejection, toEntry } from '../model/entry.js';

interface Item {
  readonly stored: QueuedEntry;
  readonly shown: QuarantinedEntry;
}

/** The quarantined entries, in the order in which they were quarantined. */
export class Quarantine implements Iterable<QueuedEntry> {
  readonly #byId = new Map<string, Item>();
  #bytes = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** The bytes of UTF-8 that all values take. */
  get bytes(): number {
    return this.#bytes;
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
    this.#bytes += stored.bytes - (this.#byId.get(shown.id)?.stored.bytes ?? 0);
    this.#byId.set(shown.id, { stored, shown });
    return shown;
  }

  /** The entries with one of the ids, each once. */
  find(ids: Iterable<string>): QueuedEntry[] {
    const found: QueuedEntry[] = [];
    for (const id of new Set(ids)) {
      const item = this.#byId.get(id);
      if (item) found.push(item.stored);
    }
    return found;
  }

  /** Removes the entries with the ids; unknown ids are ignored. @returns The removed entries. */
  remove(ids: Iterable<string>): QueuedEntry[] {
    const removed = this.find(ids);
    for (const entry of removed) {
      this.#byId.delete(entryId(entry));
      this.#bytes -= entry.bytes;
    }
    return removed;
  }

  /** Removes all entries that are not wanted. */
  retain(isWanted: (stored: QueuedEntry) => boolean): void {
    this.remove([...this].filter((entry) => !isWanted(entry)).map(entryId));
  }
}
