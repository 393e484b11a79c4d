import type { QueuedEntry } from '../model/entry.js';

/** Entries, oldest first: adopted entries, then entries of this run. Adding, and removing at the head, take O(1) per entry. */
export class EntryQueue implements Iterable<QueuedEntry> {
  // The part before #head is removed, and cut off once it is half of the array.
  #entries: QueuedEntry[] = [];
  #head = 0;
  #bytes = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** The bytes of UTF-8 that all values take. */
  get bytes(): number {
    return this.#bytes;
  }

  [Symbol.iterator](): Generator<QueuedEntry, void> {
    return this.upTo(Number.POSITIVE_INFINITY);
  }

  /** The entries up to a sequence number of this run, adopted entries included. */
  *upTo(sequence: number): Generator<QueuedEntry, void> {
    for (let index = this.#head; index < this.#entries.length; index++) {
      const entry = this.#entries[index] as QueuedEntry;
      if (entry.origin !== undefined && entry.sequence > sequence) return;
      yield entry;
    }
  }

  has(entry: QueuedEntry): boolean {
    return this.#entries.indexOf(entry, this.#head) >= 0;
  }

  /** The oldest entries, at most `count`. */
  oldest(count: number): QueuedEntry[] {
    return this.#entries.slice(this.#head, this.#head + count);
  }

  push(entry: QueuedEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  /** Inserts adopted entries behind entries that were adopted earlier. */
  insertAdopted(adopted: QueuedEntry[]): void {
    const queued = this.#entries.slice(this.#head);
    const firstOwn = queued.findIndex(({ origin }) => origin !== undefined);
    const own = firstOwn < 0 ? [] : queued.splice(firstOwn);
    // A queue of adopted entries only is not copied, as it may be large.
    this.#entries = queued.length + own.length === 0 ? adopted : queued.concat(adopted, own);
    this.#head = 0;
    for (const { bytes } of adopted) this.#bytes += bytes;
  }

  /**
   * Removes entries; unknown ones are ignored.
   *
   * @param hint - The index, from the head, at which they begin unless they begin at the head.
   */
  remove(entries: readonly QueuedEntry[], hint: number): void {
    if (this.#areAt(this.#head, entries)) {
      this.#head += entries.length;
      if (this.#head * 2 >= this.#entries.length) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
    } else if (this.#areAt(this.#head + hint, entries)) {
      this.#entries.splice(this.#head + hint, entries.length);
    } else {
      const removed = new Set(entries);
      this.retain((entry) => !removed.has(entry));
      return;
    }
    for (const { bytes } of entries) this.#bytes -= bytes;
  }

  /** Removes all entries that are not wanted. */
  retain(isWanted: (entry: QueuedEntry) => boolean): void {
    this.#entries = [...this].filter(isWanted);
    this.#head = 0;
    this.#bytes = this.#entries.reduce((bytes, entry) => bytes + entry.bytes, 0);
  }

  #areAt(start: number, entries: readonly QueuedEntry[]): boolean {
    return entries.every((entry, index) => this.#entries[start + index] === entry);
  }
}
