import type { StoredEntry } from '../../core/model/entry.js';

/** The saved entries of a writer, by reference: the queue has them in memory anyway. */
export class SavedEntries {
  readonly #selectLive: (entries: readonly StoredEntry[]) => StoredEntry[];
  #entries: StoredEntry[] = [];
  #removed = 0;

  /** @param selectLive - Selects the entries that are in a journal. */
  constructor(selectLive: (entries: readonly StoredEntry[]) => StoredEntry[]) {
    this.#selectLive = selectLive;
  }

  /** The entries that are in a journal: removed ones must not be saved again. */
  get live(): StoredEntry[] {
    return this.#selectLive(this.#entries);
  }

  add(entry: StoredEntry): void {
    this.#entries.push(entry);
  }

  /** Later versions of an entry follow its earlier ones, and replace them when the journal is read. */
  addAll(entries: readonly StoredEntry[]): void {
    for (const entry of entries) this.#entries.push(entry);
  }

  set(entries: readonly StoredEntry[]): void {
    this.#entries = [...entries];
    this.#removed = 0;
  }

  /** Drops the references to removed entries before they take up much memory; seldom, as that looks at all entries. */
  onRemoved(count: number): void {
    this.#removed += count;
    if (4 * this.#removed > this.#entries.length) this.set(this.live);
  }
}
