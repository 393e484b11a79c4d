import { entryId, type QuarantinedEntry, type QueuedEntry, type Refusal, toEntry } from '../model/entry.js';

interface Held {
  readonly stored: QueuedEntry;
  readonly shown: QuarantinedEntry;
}

/** The entries that were set aside, in the order in which that happened. */
export class Quarantine {
  readonly #byId = new Map<string, Held>();

  get size(): number {
    return this.#byId.size;
  }

  /** As storages keep them. */
  get stored(): QueuedEntry[] {
    return Array.from(this.#byId.values(), ({ stored }) => stored);
  }

  /** As users see them: the same objects each time. */
  get entries(): QuarantinedEntry[] {
    return Array.from(this.#byId.values(), ({ shown }) => shown);
  }

  add(stored: QueuedEntry & { readonly refusal: Refusal }): QuarantinedEntry {
    const shown = { ...toEntry(stored), ...stored.refusal };
    this.#byId.set(shown.id, { stored, shown });
    return shown;
  }

  /** How many have one of the ids. */
  count(ids: Iterable<string>): number {
    let count = 0;
    for (const id of new Set(ids)) if (this.#byId.has(id)) count += 1;
    return count;
  }

  /** Takes out those that have one of the ids; the others are passed over. @returns What was taken out. */
  remove(ids: Iterable<string>): QueuedEntry[] {
    const taken: QueuedEntry[] = [];
    for (const id of ids) {
      const held = this.#byId.get(id);
      if (held && this.#byId.delete(id)) taken.push(held.stored);
    }
    return taken;
  }

  /** The oldest, `count` at most. @param kept - The ids of those that are passed over. */
  oldest(count: number, kept: readonly string[]): QueuedEntry[] {
    return this.stored.filter((entry) => !kept.includes(entryId(entry))).slice(0, count);
  }

  /** Takes out those that are not wanted. */
  retain(isWanted: (stored: QueuedEntry) => boolean): void {
    this.remove(this.stored.filter((entry) => !isWanted(entry)).map(entryId));
  }
}
