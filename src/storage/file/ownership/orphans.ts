import { type Destination, destinationKey } from '../../../core/model/destination.js';
import type { StoredEntry } from '../../../core/model/entry.js';
import type { Adoption, AdoptOptions } from '../../../core/ports/storage.js';
import { inOrder, type WriterLog } from '../../shared/journal/contents.js';
import type { JournalContents } from '../../shared/journal/record-log.js';
import { quietly } from '../../shared/quietly.js';
import { latestStaged, type StagedValues } from '../../shared/run-number.js';
import type { Journal } from '../journal/journal.js';
import type { OpenWriter, OpenWriters } from './open-writers.js';

/** A dead writer in a journal that this process owns, whose entries no open writer has adopted yet. */
interface Orphan {
  readonly writer: string;
  readonly destination: Destination;
  readonly journal: Journal;
  readonly entries: readonly StoredEntry[];
  readonly staged: StagedValues | undefined;
}

/** The dead writers in the journals of one store, and the open writers that adopted their entries. */
export class Orphans {
  readonly #byDestination = new Map<string, Orphan[]>();
  /** By journal, the id of the adopter of each dead writer. */
  readonly #adopters = new Map<Journal, Map<string, string>>();
  /** Whether the journals may have orphans that are not known. */
  #isStale = false;

  /** The journals have to be searched again: a writer was closed. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** Searches the journals again if needed, and in the next call those that could not be read. */
  refresh(journals: Iterable<Journal>, open: OpenWriters): void {
    if (!this.#isStale) return;
    this.removeAll();
    this.#isStale = false;
    for (const journal of journals) {
      // The entries of open writers and of adopted ones are in memory already.
      const contents = journal.readIfAlive(({ writer }) => !open.has(writer) && !this.isAdopted(writer, journal));
      if (contents === undefined) this.#isStale = true;
      else this.add(journal, contents, open);
    }
  }

  /** Adds the writers in a journal that are neither open nor adopted. */
  add(journal: Journal, contents: JournalContents, open: OpenWriters): void {
    for (const [writer, { destination, staged }] of contents.logs) {
      const entries = contents.entries.get(writer) ?? [];
      if (destination === undefined || open.has(writer) || this.isAdopted(writer, journal)) continue;
      if (entries.length === 0 && staged === undefined) continue;
      const orphans = this.#byDestination.get(destinationKey(destination)) ?? [];
      orphans.push({ writer, destination, journal, entries, staged });
      this.#byDestination.set(destinationKey(destination), orphans);
    }
  }

  /** Has an open writer adopt the entries of all orphans of its destination; in its first call, the latest staged values too. */
  adopt({ id, destination }: OpenWriter, options: AdoptOptions): Pick<Adoption, 'entries' | 'staged'> {
    const byWriter = new Map<string, readonly StoredEntry[]>();
    const allStaged: StagedValues[] = [];
    const remaining: Orphan[] = [];
    for (const orphan of this.#byDestination.get(destinationKey(destination)) ?? []) {
      const { writer, journal, entries, staged } = orphan;
      // Removed before they are staged again: a crash in between loses them, but never doubles them.
      if (staged && options.isFirst && removeStaged(journal, orphan)) allStaged.push(staged);
      else if (staged) remaining.push({ ...orphan, entries: [] });
      if (entries.length === 0) continue;
      this.setAdopter(journal, writer, id);
      // After a disk failure, two files can have entries of one writer, and the same entry.
      const known = byWriter.get(writer);
      byWriter.set(writer, known ? inOrder([...known, ...entries]) : entries);
    }
    this.#byDestination.set(destinationKey(destination), remaining);
    const lists = [...byWriter.values()];
    // Nearly always one list, which is not copied.
    const entries = lists.length === 1 ? (lists[0] ?? []) : lists.flat();
    return { entries, staged: latestStaged(allStaged) };
  }

  /** An open writer has the entries of a dead writer in a journal. */
  setAdopter(journal: Journal, writer: string, id: string): void {
    this.#adopters.set(journal, (this.#adopters.get(journal) ?? new Map<string, string>()).set(writer, id));
  }

  /** The adopted entries of a dead writer have moved to another journal. */
  moveAdoption(writer: string, from: Journal, to: Journal): void {
    const adopter = this.#adopters.get(from)?.get(writer);
    if (adopter !== undefined) this.setAdopter(to, writer, adopter);
  }

  /** Dead writers that were adopted from other journals are adopted in this journal too. */
  shareAdoptions(journal: Journal, { logs }: Pick<JournalContents, 'logs'>): void {
    const known = [...this.#adopters.values()].flatMap((adopters) => [...adopters]);
    for (const [writer, id] of known) if (logs.has(writer)) this.setAdopter(journal, writer, id);
  }

  /** An adopter was closed: the writers that it adopted become orphans at the next refresh. */
  release(id: string): void {
    for (const adopters of this.#adopters.values()) {
      for (const [writer, adopter] of adopters) if (adopter === id) adopters.delete(writer);
    }
  }

  /** The dead writers whose entries in a journal an open writer has adopted. */
  *adoptedBy(id: string, journal: Journal): Generator<string> {
    for (const [writer, adopter] of this.#adopters.get(journal) ?? []) if (adopter === id) yield writer;
  }

  renameAdopter(from: string, to: string): void {
    for (const adopters of this.#adopters.values()) {
      for (const [writer, adopter] of adopters) if (adopter === from) adopters.set(writer, to);
    }
  }

  /** Whether the entries of a dead writer are adopted. @param journal - Absent: from any journal. */
  isAdopted(writer: string, journal?: Journal): boolean {
    if (journal !== undefined) return this.#adopters.get(journal)?.has(writer) ?? false;
    return [...this.#adopters.values()].some((adopters) => adopters.has(writer));
  }

  /** Whether a journal has entries of orphans whose destination key is selected. */
  hasOrphansIn(journal: Journal, isSelected: (key: string) => boolean): boolean {
    for (const [key, orphans] of this.#byDestination) {
      if (!isSelected(key)) continue;
      if (orphans.some((orphan) => orphan.journal === journal && orphan.entries.length > 0)) return true;
    }
    return false;
  }

  /** The orphans in a journal, as of its last read. */
  in(journal: Journal): Orphan[] {
    return [...this.#byDestination.values()].flat().filter((orphan) => orphan.journal === journal);
  }

  removeAll(): void {
    this.#byDestination.clear();
  }

  /** This process no longer owns a journal. */
  removeJournal(journal: Journal): void {
    this.#adopters.delete(journal);
    for (const [key, orphans] of this.#byDestination) {
      const remaining = orphans.filter((orphan) => orphan.journal !== journal);
      if (remaining.length < orphans.length) this.#byDestination.set(key, remaining);
    }
  }
}

/** Removes the staged values of a writer if there are any and the journal can be written. @returns Whether values were removed. */
export function removeStaged(
  journal: Journal,
  { writer, destination, staged }: Pick<WriterLog, 'writer' | 'destination' | 'staged'>,
): boolean {
  if (destination === undefined || staged === undefined) return false;
  const remove = (): boolean => {
    journal.removeStaged(writer, destination, staged.run);
    return true;
  };
  return quietly(remove) ?? false;
}
