import { type Destination, destinationKey } from '../../../core/model/destination.js';
import type { StoredEntry } from '../../../core/model/entry.js';
import type { Value } from '../../../core/model/value.js';
import type { AdoptOptions } from '../../../core/ports/storage.js';
import { latestStaged, type StagedValues } from '../../shared/run-number.js';
import { type Contents, inOrder, type WriterLog } from '../journal/contents.js';
import type { Journal, JournalContents } from '../journal/journal.js';

/** A dead writer in a journal that this process owns, not yet handed to a living one. */
interface Orphan {
  readonly writer: string;
  readonly destination: Destination;
  readonly journal: Journal;
  readonly entries: readonly StoredEntry[];
  readonly staged: StagedValues | undefined;
}

/** The dead writers in the journals of one store, and who of the living has their entries. */
export class Orphans {
  readonly #byDestination = new Map<string, Orphan[]>();
  /** By journal, the dead writers whose entries in it a living one has; each with that one's id. */
  readonly #adopters = new Map<Journal, Map<string, string>>();

  /** Looks anew in journals for what closed writers left. @returns Whether all could be read. */
  findAnew(journals: Iterable<Journal>, living: { has(writer: string): boolean }): boolean {
    this.clear();
    let areRead = true;
    for (const journal of journals) {
      // What the living have is in memory already.
      const contents = journal.readIfAlive(({ writer }) => !living.has(writer) && !this.isAdopted(writer, journal));
      if (contents !== undefined) this.add(journal, contents, living);
      else areRead = false;
    }
    return areRead;
  }

  /** Makes orphans of the writers in a journal that are neither living nor adopted. */
  add(journal: Journal, contents: JournalContents, living: { has(writer: string): boolean }): void {
    for (const [writer, { destination, staged }] of contents.logs) {
      const entries = contents.entries.get(writer) ?? [];
      if (destination === undefined || living.has(writer) || this.isAdopted(writer, journal)) continue;
      if (entries.length === 0 && staged === undefined) continue;
      const orphans = this.#byDestination.get(destinationKey(destination)) ?? [];
      orphans.push({ writer, destination, journal, entries, staged });
      this.#byDestination.set(destinationKey(destination), orphans);
    }
  }

  /** Gives a living writer the entries of all orphans of its destination; at its start, the latest staged values too. */
  adopt(
    id: string,
    destination: Destination,
    options: AdoptOptions,
  ): { entries: readonly StoredEntry[]; staged: readonly Value[] } {
    const byWriter = new Map<string, readonly StoredEntry[]>();
    const allStaged: StagedValues[] = [];
    const left: Orphan[] = [];
    for (const orphan of this.#byDestination.get(destinationKey(destination)) ?? []) {
      const { writer, journal, entries, staged } = orphan;
      // Before they are staged again: lost by a crash in between, but never there twice.
      if (staged && options.isFirst && removeStaged(journal, writer, destination, staged.run)) allStaged.push(staged);
      else if (staged) left.push({ ...orphan, entries: [] });
      if (entries.length === 0) continue;
      this.setAdopter(journal, writer, id);
      const others = byWriter.get(writer);
      // One writer's can stand in two files, where a disk failed; the same entry too.
      byWriter.set(writer, others ? inOrder([...others, ...entries]) : entries);
    }
    this.#byDestination.set(destinationKey(destination), left);
    const lists = [...byWriter.values()];
    // One list is nearly always all there is, and is handed over.
    const entries = lists.length === 1 ? (lists[0] ?? []) : lists.flat();
    return { entries, staged: latestStaged(allStaged) };
  }

  /** A living writer has what a journal holds of a dead one. */
  setAdopter(journal: Journal, writer: string, id: string): void {
    this.#adopters.set(journal, (this.#adopters.get(journal) ?? new Map<string, string>()).set(writer, id));
  }

  /** What a living writer has of a dead one stands in another journal now. */
  moveAdoption(writer: string, from: Journal, to: Journal): void {
    const adopter = this.#adopters.get(from)?.get(writer);
    if (adopter !== undefined) this.setAdopter(to, writer, adopter);
  }

  /** What living writers have adopted of dead ones from other journals is theirs in this one too. */
  shareAdoptions(journal: Journal, { logs }: Pick<JournalContents, 'logs'>): void {
    const known = [...this.#adopters.values()].flatMap((adopters) => [...adopters]);
    for (const [writer, id] of known) if (logs.has(writer)) this.setAdopter(journal, writer, id);
  }

  /** A living writer was closed: what it had adopted is nobody's. */
  release(id: string): void {
    for (const adopters of this.#adopters.values()) {
      for (const [writer, adopter] of adopters) if (adopter === id) adopters.delete(writer);
    }
  }

  /** The dead writers whose entries in a journal a living one has. */
  *adoptedBy(id: string, journal: Journal): Generator<string> {
    for (const [writer, adopter] of this.#adopters.get(journal) ?? []) if (adopter === id) yield writer;
  }

  /** A living writer has another id: what it has adopted stays with it. */
  renameAdopter(from: string, to: string): void {
    for (const adopters of this.#adopters.values()) {
      for (const [writer, adopter] of adopters) if (adopter === from) adopters.set(writer, to);
    }
  }

  /** Whether a living writer has what a journal, or any, holds of this dead one. */
  isAdopted(writer: string, journal?: Journal): boolean {
    if (journal !== undefined) return this.#adopters.get(journal)?.has(writer) ?? false;
    return [...this.#adopters.values()].some((adopters) => adopters.has(writer));
  }

  /** Whether there are orphans with entries in a journal whose destination is served. */
  hasOrphansIn(journal: Journal, isServed: (key: string) => boolean): boolean {
    for (const [key, orphans] of this.#byDestination) {
      if (!isServed(key)) continue;
      if (orphans.some((orphan) => orphan.journal === journal && orphan.entries.length > 0)) return true;
    }
    return false;
  }

  /** The orphans that a journal holds, or held when it was read last. */
  in(journal: Journal): Orphan[] {
    return [...this.#byDestination.values()].flat().filter((orphan) => orphan.journal === journal);
  }

  /** Forgets the orphans of all journals: they are looked for anew. */
  clear(): void {
    this.#byDestination.clear();
  }

  /** Forgets a journal, which this process gives up. */
  removeJournal(journal: Journal): void {
    this.#adopters.delete(journal);
    for (const [key, orphans] of this.#byDestination) {
      const others = orphans.filter((orphan) => orphan.journal !== journal);
      if (others.length < orphans.length) this.#byDestination.set(key, others);
    }
  }
}

/** Forgets the staged values of a writer, where its journal can be written. @returns Whether it could be. */
export function removeStaged(journal: Journal, writer: string, destination: Destination, run: number): boolean {
  try {
    journal.removeStaged(writer, destination, run);
    return true;
  } catch {
    return false;
  }
}

/**
 * Moves what closed writers left out of the file of the living, into a new one. A crash in between leaves them in both:
 * whoever takes one sends, in order, what another may have sent from the other.
 *
 * @returns Whether they stand in the new one.
 */
export function evacuateClosed(from: Journal, to: Journal, isLeft: (writer: string) => boolean): boolean {
  return evacuate(from, to, ({ logs }) => new Map([...logs].filter(([writer]) => isLeft(writer))));
}

/** Moves what living writers have adopted out of a file, into a new one; staged values are not theirs. @returns Whether it stands there. */
export function evacuateAdopted(from: Journal, to: Journal, orphans: Orphans): boolean {
  const isMoved = evacuate(from, to, ({ logs }) => {
    const adopted = [...logs].filter(([writer]) => orphans.isAdopted(writer, from));
    return new Map(adopted.map(([writer, log]) => [writer, { ...log, staged: undefined }]));
  });
  if (isMoved) for (const writer of to.live.writers) orphans.moveAdoption(writer, from, to);
  return isMoved;
}

function evacuate(from: Journal, to: Journal, select: (contents: Contents) => Map<string, WriterLog>): boolean {
  let moved: Map<string, WriterLog>;
  try {
    moved = select(from.read());
    from.copyTo(to, moved);
  } catch {
    to.delete();
    return false;
  }
  try {
    from.removeWriters(moved);
  } catch {
    // As after a crash; and a part may have been forgotten.
  }
  return true;
}
