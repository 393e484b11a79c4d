import { type Destination, sameDestination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Warning } from '../../core/model/events.js';
import { entriesWaiting } from '../../core/notify/warnings.js';
import { type Adoption, type AdoptOptions, RECOVERY_INTERVAL_SECONDS, type Writer } from '../../core/ports/storage.js';
import type { Clock } from '../../core/time/clock.js';
import type { Contents, WriterLog } from '../shared/journal/contents.js';
import { quietly } from '../shared/quietly.js';
import { randomId } from '../shared/random-id.js';
import { latestStaged, type StagedValues } from '../shared/run-number.js';
import { OpfsJournal } from './journal.js';
import type { JournalPair } from './journal-pair.js';
import { nameOf } from './opfs-errors.js';
import { isBusy, type OpenPair, type OpfsFolder } from './opfs-folder.js';
import { OpfsWriter } from './writer.js';

type Journal = OpfsJournal<OpfsWriter>;

/** A worker stages values in less than a million of runs. */
const RUNS_OF_A_WORKER = 1_000_000;

type OwnJournal = OpenPair & { readonly journal: Journal };

/** A journal of a dead worker, as of its last reading. */
interface Summary {
  /** See {@link JournalPair.signature}. */
  readonly signature: string;
  /** The destinations of entries, and of staged values. */
  readonly entries: readonly Destination[];
  readonly staged: readonly Destination[];
  readonly warnings: readonly Warning[];
  /** The number of earlier scans that found the journal. */
  readonly scans: number;
}

type Fate = 'adopted' | 'deleted' | 'left';

/** The result of an adoption, as it grows. */
interface Adopted {
  readonly writer: OpfsWriter;
  readonly isFirst: boolean;
  readonly entries: StoredEntry[];
  readonly staged: StagedValues[];
  readonly warnings: Warning[];
}

/** The journals that a worker has open: its own, and those that it adopted. */
export class OpfsStore {
  readonly #folder: OpfsFolder;
  readonly #writers = new Map<string, OpfsWriter>();
  /** By the id of the pair. */
  readonly #journals = new Map<string, Journal>();
  #own: OwnJournal;
  #runs = 0;
  /** The journals of dead workers that were read, by the id of the pair. */
  readonly #summaries = new Map<string, Summary>();
  /** Ends with the last operation that opens files. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param first - A new pair. */
  constructor(folder: OpfsFolder, first: OpenPair) {
    this.#folder = folder;
    this.#own = this.#add(first);
  }

  open(destination: Destination, clock: Clock): Writer {
    const writer = new OpfsWriter(this, randomId(clock), destination);
    this.#writers.set(writer.id, writer);
    return writer;
  }

  /** The journal that new records go to. */
  get own(): Journal {
    return this.#own.journal;
  }

  /** The number of the next run that stages values: higher than all that earlier workers left. */
  nextRun(): number {
    this.#runs += 1;
    return this.#own.run * RUNS_OF_A_WORKER + this.#runs;
  }

  remove(entries: readonly StoredEntry[]): void {
    try {
      this.#forEach((journal) => journal.remove(entries));
    } finally {
      this.#releaseUnused();
    }
  }

  quarantine(entries: readonly StoredEntry[]): void {
    this.#forEach((journal) => journal.quarantine(entries));
  }

  /** Saves the entries of a writer that are in no journal. @throws {@link StorageException} */
  saveMissing(writer: OpfsWriter, entries: readonly StoredEntry[]): void {
    const { id, destination } = writer;
    const journals = [...this.#journals.values()];
    const missing = entries.filter((entry) => !journals.some(({ live }) => live.isLive(entry.writer, entry.sequence)));
    if (missing.length === 0) return;
    const heads = new Map(missing.map((entry) => [entry.writer, { destination }]));
    this.own.saveAll(heads, missing);
    for (const dead of heads.keys()) if (dead !== id) this.own.adopters.set(dead, writer);
  }

  /** Never rejects. */
  async adopt(writer: OpfsWriter, { isFirst }: AdoptOptions): Promise<Adoption> {
    const adopted: Adopted = { writer, isFirst, entries: [], staged: [], warnings: [] };
    // Deferred: an Api that is closed in the task that opened it adopts nothing.
    await this.#inTurn(() => this.#adoptInto(adopted)).catch((error: unknown) => {
      adopted.warnings.push(...failure(this.#folder.path, error));
    });
    const { entries, staged, warnings } = adopted;
    return { entries, staged: latestStaged(staged), warnings, lookAgainSeconds: RECOVERY_INTERVAL_SECONDS };
  }

  close(writer: OpfsWriter): void {
    this.#writers.delete(writer.id);
    for (const journal of this.#journals.values()) journal.release(writer);
    this.#releaseUnused();
    if (this.#writers.size === 0 && !this.own.isDrained) this.#inTurn(() => this.#leaveOwn()).catch(() => {});
  }

  /** Leaves the records of closed writers to other workers, and continues with a new journal, which must be open first. */
  async #leaveOwn(): Promise<void> {
    if (this.#writers.size > 0) return;
    this.#own = this.#add(await this.#folder.create());
    this.#releaseUnused();
  }

  #add(opened: OpenPair): OwnJournal {
    const journal: Journal = new OpfsJournal(opened.pair);
    this.#journals.set(opened.id, journal);
    this.#runs = 0;
    return { ...opened, journal };
  }

  /** Runs an operation after those before it. */
  #inTurn<Result>(operate: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(operate);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #adoptInto(adopted: Adopted): Promise<void> {
    const { writer } = adopted;
    const ids = await this.#replaceDeleted();
    for (const journal of this.#journals.values()) {
      if (!this.#isOpen(writer)) return;
      if (this.#hasOrphans(journal, adopted)) this.#collect(journal, journal.readContents(), adopted);
    }
    for (const id of ids) {
      if (this.#isOpen(writer) && !this.#journals.has(id)) await this.#adoptPair(id, adopted);
    }
    this.#releaseUnused();
  }

  #isOpen({ id }: OpfsWriter): boolean {
    return this.#writers.has(id);
  }

  /** Opens a new journal if the own one was deleted with the data of the site. @returns The ids of all pairs. */
  async #replaceDeleted(): Promise<Set<string>> {
    const ids = await this.#folder.list();
    for (const id of this.#summaries.keys()) if (!ids.has(id)) this.#summaries.delete(id);
    const deleted = [...this.#journals.keys()].filter((id) => !ids.has(id));
    if (deleted.includes(this.#own.id)) this.#own = this.#add(await this.#folder.create());
    for (const id of deleted) this.#close(id);
    if (deleted.length > 0) for (const writer of this.#writers.values()) writer.onCleared();
    return ids;
  }

  /** Adopts the journal of a dead worker if it has records for open writers; deletes it if it has none. */
  async #adoptPair(id: string, adopted: Adopted): Promise<void> {
    try {
      const pair = await this.#folder.open(id);
      let fate: Fate = 'left';
      try {
        if (this.#isOpen(adopted.writer)) fate = this.#examine(id, new OpfsJournal(pair), adopted);
        if (fate === 'deleted') pair.emptyFormer();
      } finally {
        // An open pair is locked for all workers.
        if (fate !== 'adopted') pair.close();
      }
      if (fate === 'deleted') await this.#folder.delete(id);
    } catch (error) {
      adopted.warnings.push(...failure(`${this.#folder.path}/${id}`, error));
    }
  }

  #examine(id: string, journal: Journal, adopted: Adopted): Fate {
    const known = this.#summaries.get(id);
    const isKnown = known?.signature === journal.pair.signature;
    const contents = isKnown ? undefined : journal.readContents();
    const summary = contents ? summarize(journal.pair, contents) : (known as Summary);
    this.#summaries.set(id, { ...summary, scans: summary.scans + 1 });
    adopted.warnings.push(...summary.warnings, ...this.#entriesWaiting(summary, adopted.writer));
    if (this.#isWanted(summary, adopted)) {
      this.#collect(journal, contents ?? journal.readContents(), adopted);
      this.#journals.set(id, journal);
      return 'adopted';
    }
    const isEmpty = summary.entries.length === 0 && summary.staged.length === 0 && summary.warnings.length === 0;
    return isEmpty ? 'deleted' : 'left';
  }

  #isWanted({ entries, staged }: Summary, { isFirst }: Adopted): boolean {
    return entries.some(this.#isServed) || (isFirst && staged.some(this.#isServed));
  }

  #isServed = (destination: Destination): boolean =>
    [...this.#writers.values()].some((writer) => sameDestination(writer.destination, destination));

  /** Of other devices not in the first scan: the application may open an Api for that destination next. */
  #entriesWaiting({ entries, scans }: Summary, { destination: { deviceId } }: OpfsWriter): Warning[] {
    const foreign = entries.filter((other) => !this.#isServed(other) && (scans > 0 || other.deviceId === deviceId));
    return foreign.map((destination) => entriesWaiting(destination, this.#folder.path));
  }

  /** Whether a journal has records that a writer may adopt. */
  #hasOrphans(journal: Journal, adopted: Adopted): boolean {
    for (const writer of journal.live.writers) {
      const isWanted = adopted.isFirst || journal.live.hasEntriesOf(writer);
      if (isWanted && journal.isFor(writer, adopted.writer.destination) && this.#isOrphan(journal, writer)) return true;
    }
    return false;
  }

  #isOrphan(journal: Journal, writer: string): boolean {
    return !this.#writers.has(writer) && !journal.adopters.has(writer);
  }

  /** Has a writer adopt the orphans of its destination in a journal. */
  #collect(journal: Journal, contents: Contents, { writer, isFirst, entries, staged }: Adopted): void {
    const isWanted = (log: WriterLog): boolean =>
      log.destination !== undefined &&
      sameDestination(log.destination, writer.destination) &&
      this.#isOrphan(journal, log.writer);
    const orphans = [...contents.logs.values()].filter(isWanted);
    const found = journal.read(isWanted, contents).entries;
    for (const orphan of orphans) {
      // Removed before they are staged again: a crash in between loses them, but never doubles them.
      if (isFirst && removeStaged(journal, orphan) && orphan.staged) {
        staged.push(orphan.staged);
        writer.onStagedAdopted(orphan.staged);
      }
      const list = found.get(orphan.writer) ?? [];
      if (list.length > 0) journal.adopters.set(orphan.writer, writer);
      for (const entry of list) entries.push(entry);
    }
  }

  /** Releases journals in which no open writer has entries, its own or adopted ones. */
  #releaseUnused(): void {
    for (const [id, journal] of this.#journals) {
      journal.releaseEmptied();
      const isUsed = journal.adopters.size > 0 || [...journal.live.writers].some((writer) => this.#writers.has(writer));
      if (id !== this.#own.id && !isUsed) this.#close(id);
    }
  }

  #close(id: string): void {
    this.#journals.get(id)?.pair.close();
    this.#journals.delete(id);
  }

  /** Writes to all journals. @throws The first failure, after all were tried. */
  #forEach(write: (journal: Journal) => void): void {
    const failures: unknown[] = [];
    for (const journal of this.#journals.values()) {
      try {
        write(journal);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

function summarize(pair: JournalPair, { logs, unreadable }: Contents): Summary {
  const message = `${pair.path} has ${unreadable} lines that can't be read: they are damaged, or of a newer version. They are kept, and all other records are adopted.`;
  const of = (isSelected: (log: WriterLog) => boolean): Destination[] =>
    [...logs.values()].flatMap((log) => (log.destination && isSelected(log) ? log.destination : []));
  return {
    signature: pair.signature,
    entries: of(({ sequences }) => sequences.size > 0),
    staged: of(({ staged }) => staged !== undefined),
    warnings: unreadable > 0 ? [{ code: 'unreadable-records', message }] : [],
    scans: 0,
  };
}

/** Removes the staged values of a dead writer. @returns Whether they were removed. */
function removeStaged(journal: Journal, { writer, destination, staged }: WriterLog): boolean {
  const remove = (): boolean => {
    if (destination === undefined || staged === undefined) return false;
    journal.removeStaged(writer, destination, staged.run);
    return true;
  };
  return quietly(remove) ?? false;
}

/** @returns Nothing if another worker has the files open, or has just deleted them. */
function failure(path: string, error: unknown): Warning[] {
  const name = nameOf(error);
  if (isBusy(name)) return [];
  const message = `${path} could not be adopted (${name}). The entries in it wait, and adoption is tried again.`;
  return [{ code: 'storage-failed', message }];
}
