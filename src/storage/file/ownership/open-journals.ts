import type { StoredEntry } from '../../../core/model/entry.js';
import type { Clock } from '../../../core/time/clock.js';
import { Journal } from '../journal/journal.js';
import type { SafeFiles } from '../journal/safe-files.js';
import type { OpenWriter, OpenWriters } from './open-writers.js';
import type { Orphans } from './orphans.js';
import { newId, type ProcessIdentity } from './process-identity.js';

/** The state of one store, shared by the classes of this folder. */
export interface StoreState {
  readonly files: SafeFiles;
  readonly identity: ProcessIdentity;
  readonly writers: OpenWriters;
  readonly orphans: Orphans;
  readonly journals: OpenJournals;
}

/** The journals that one store owns: the journal of its own writers, and adopted ones. */
export class OpenJournals {
  readonly #state: Omit<StoreState, 'journals'>;
  /** The time of each adoption, on the monotonic clock of this run; `undefined` for journals that the store created. */
  readonly #adoptedAt = new Map<Journal, number | undefined>();
  #own: Journal | undefined;

  constructor(state: Omit<StoreState, 'journals'>) {
    this.#state = state;
  }

  /** The journal of the store's own writers, once it exists. */
  get own(): Journal | undefined {
    return this.#own;
  }

  get size(): number {
    return this.#adoptedAt.size;
  }

  /** Iterates over a copy: journals may be added and removed meanwhile. */
  [Symbol.iterator](): Iterator<Journal> {
    return [...this.#adoptedAt.keys()][Symbol.iterator]();
  }

  create(clock: Clock): Journal {
    const { files, identity } = this.#state;
    return new Journal(files, { owner: identity.owner, file: newId(clock) }, { isNew: true });
  }

  createOwn(clock: Clock): Journal {
    this.#own = this.create(clock);
    this.add(this.#own);
    return this.#own;
  }

  /** @param adoptedAt - Absent for a journal that the store created. */
  add(journal: Journal, adoptedAt?: number): void {
    this.#adoptedAt.set(journal, adoptedAt);
  }

  delete(journal: Journal): void {
    if (journal === this.#own) this.#own = undefined;
    this.#adoptedAt.delete(journal);
    this.#state.orphans.removeJournal(journal);
  }

  adoptedBefore(time: number): Journal[] {
    return [...this].filter((journal) => (this.#adoptedAt.get(journal) ?? Number.POSITIVE_INFINITY) <= time);
  }

  hasFile(file: string): boolean {
    return [...this].some((journal) => journal.file === file);
  }

  /** Whether another journal has entries of a writer. */
  hasEntriesOf(writer: string, { except }: { readonly except: Journal }): boolean {
    return [...this].some((journal) => journal !== except && journal.live.hasEntriesOf(writer));
  }

  /** Writes to all journals, even if one fails. Throws the first failure. */
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

  /** The entries of a writer that are neither in a journal nor adopted by another process. */
  missing(openWriter: OpenWriter, entries: readonly StoredEntry[]): StoredEntry[] {
    const journals = [...this];
    return entries.filter(({ writer, sequence }) => {
      return !openWriter.isFenced(writer) && !journals.some(({ live }) => live.isLive(writer, sequence));
    });
  }

  /** Releases the journals without entries that a writer of this store pushes or could adopt. */
  releaseUnused(): void {
    for (const journal of this) {
      if (journal === this.#own || (!journal.isDrained && this.#isUsed(journal))) continue;
      this.release(journal);
    }
  }

  /** If the file can't be released, the store keeps the journal and tries again; other processes adopt it once the store is closed. */
  release(journal: Journal): void {
    if (journal === this.#own) this.#own = undefined;
    try {
      journal.release();
      this.delete(journal);
    } catch {
      this.#state.orphans.invalidate();
    }
  }

  #isUsed(journal: Journal): boolean {
    const { writers, orphans } = this.#state;
    for (const writer of journal.live.writers) {
      const isHeld = writers.has(writer) || orphans.isAdopted(writer, journal);
      if (isHeld && journal.live.hasEntriesOf(writer)) return true;
    }
    return orphans.hasOrphansIn(journal, (key) => writers.isServed(key));
  }
}
