import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import type { Destination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import { StorageException } from '../../core/model/exceptions.js';
import { type Adoption, type AdoptOptions, RECOVERY_INTERVAL_SECONDS, type Writer } from '../../core/ports/storage.js';
import { BACKGROUND, type Clock } from '../../core/time/clock.js';
import { randomId } from '../shared/random-id.js';
import type { Contents, WriterLog } from './journal/contents.js';
import { CHECK_DISK, storageException } from './journal/file-io.js';
import type { SafeFiles } from './journal/file-system.js';
import { Journal } from './journal/journal.js';
import { journalName } from './journal/journal-name.js';
import { OpenJournals } from './open-journals.js';
import { fence, nextRunIn, type OpenWriter, OpenWriters } from './open-writers.js';
import { Heartbeat } from './ownership/heartbeat.js';
import { OrphanAdoption } from './ownership/orphan-adoption.js';
import { evacuateAdopted, evacuateClosed, Orphans, removeStaged } from './ownership/orphans.js';
import { openStoresOfThread, type Processes, ProcessIdentity } from './ownership/process-identity.js';
import { FileWriter } from './writer.js';

/** Not every Node has the global `crypto` in every realm. */
const newId = (clock: Clock): string => randomId(clock, randomFillSync);

/** Each file that is taken over is kept open. */
const MAX_JOURNALS = 200;
/** What holds up others' entries in one file for longer is moved out of it. */
const EVACUATE_AFTER_MS = 60_000;

/** A storage object in its folder: it has a journal for its own writers, and those of the dead that it adopted. */
export class JournalDirectory {
  /** Beats as long as a writer is open. */
  readonly heartbeat = new Heartbeat((clock) => this.#touch(clock));
  readonly #files: SafeFiles;
  readonly #isSynced: boolean;
  readonly #orphanAdoption: OrphanAdoption;
  readonly #openStores: Set<string>;
  readonly #process: ProcessIdentity;
  /** Random, drawn when the first writer is opened. */
  #id = '';
  readonly #living = new OpenWriters();
  readonly #isServed = (key: string): boolean => this.#living.isServed(key);
  readonly #orphans = new Orphans();
  readonly #journals = new OpenJournals();
  /** The files whose journals have moved, and that may still be there. */
  readonly #leftBehind = new Set<string>();
  #own: Journal | undefined;
  /** Whether a writer was closed since the journals were last searched for orphans. */
  #hasClosedWriters = false;
  #cancelEvacuation = (): void => {};
  /** Whether closed writers may have left something in the file of the living. */
  #isEvacuating = false;

  constructor(files: SafeFiles, processes: Processes, isSynced: boolean) {
    this.#files = files;
    this.#isSynced = isSynced;
    this.#openStores = processes.openStores ?? openStoresOfThread();
    this.#process = new ProcessIdentity(files, processes);
    this.#orphanAdoption = new OrphanAdoption(files, this.#process, isSynced);
  }

  /** This store as it stands in names. */
  get #owner(): string {
    return this.#process.ownerName(this.#id);
  }

  open(destination: Destination, clock: Clock): Writer {
    this.#id ||= newId(clock);
    if (this.#living.size === 0) {
      this.#openStores.add(this.#id);
      this.heartbeat.start(clock);
    }
    return new FileWriter(this, this.#living.add(newId(clock), destination), clock);
  }

  isOpen({ id }: OpenWriter): boolean {
    return this.#living.has(id);
  }

  /** The number of a run that stages something. */
  nextRun(): number {
    return nextRunIn(this.#files, this.#isSynced);
  }

  /** See `Writer.remove`. */
  remove(entries: readonly StoredEntry[]): void {
    this.#journals.writeAll((journal) => journal.remove(entries));
    if (this.#journals.size > 1 || this.#own === undefined) this.#releaseSpent();
  }

  /** See `Writer.quarantine`. */
  quarantine(entries: readonly StoredEntry[]): void {
    this.#journals.writeAll((journal) => journal.quarantine(entries));
  }

  /** See `Writer.adopt`. */
  adopt(openWriter: OpenWriter, clock: Clock, options: AdoptOptions): Adoption {
    // What others took while this process was stopped is not to be handed out.
    this.heartbeat.beatIfLate(clock);
    if (this.#hasClosedWriters) this.#hasClosedWriters = !this.#orphans.findAnew(this.#journals, this.#living);
    const warnings = this.#orphanAdoption.scan(clock, options, MAX_JOURNALS - this.#journals.size, {
      owner: this.#owner,
      isOwn: (file) => this.#journals.hasFile(file),
      isServed: this.#isServed,
      isWanted: (file, { writer }) => !this.#leftBehind.has(file) || !this.#isHeld(writer),
      accept: (journal, contents) => {
        if (this.#leftBehind.delete(journal.file)) this.#takeBack(journal, contents);
        this.#orphans.add(journal, contents, this.#living);
        this.#journals.add(journal, clock.monotonic());
      },
    });
    const { entries, staged } = this.#orphans.adopt(openWriter.id, openWriter.destination, options);
    this.#releaseSpent();
    if (this.#isEvacuating) this.#evacuateClosed(clock);
    this.#evacuateAdopted(clock);
    return { entries, staged, warnings, lookAgainSeconds: RECOVERY_INTERVAL_SECONDS };
  }

  /** Whether a living writer here has the entries of this one. */
  #isHeld(writer: string): boolean {
    return this.#living.has(writer) || this.#orphans.isAdopted(writer);
  }

  /** A journal that was left behind can be read again: of what it holds, the living have had all that was theirs. */
  #takeBack(journal: Journal, contents: Contents): void {
    this.#orphans.shareAdoptions(journal, contents);
    for (const { writer, destination, staged } of contents.logs.values()) {
      if (destination && staged && this.#living.has(writer)) removeStaged(journal, writer, destination, staged.run);
    }
  }

  /** See `Writer.close`. */
  close(openWriter: OpenWriter, clock: Clock): void {
    if (!this.isOpen(openWriter)) return;
    // What was deleted underneath since the last touch is saved again now or never.
    if (this.#living.size === 1) this.heartbeat.beat(clock);
    // Not before: where that found that another has what was saved, the writer has a new id.
    this.#living.remove(openWriter);
    this.#orphans.release(openWriter.id);
    if (this.#living.size > 0) {
      this.#hasClosedWriters = true;
      this.#releaseSpent();
      // Not now: where all are closed in a row, the whole file is released, and nothing need be moved.
      this.#isEvacuating = true;
      this.#cancelEvacuation();
      this.#cancelEvacuation = clock.setTimer(() => this.#evacuateClosed(clock), 0, BACKGROUND);
      return;
    }
    this.heartbeat.stop();
    this.#openStores.delete(this.#id);
    this.#cancelEvacuation();
    this.#orphans.clear();
    for (const journal of this.#journals) this.#release(journal);
    this.#orphanAdoption.releaseFiles(this.#leftBehind, this.#owner);
    this.#leftBehind.clear();
  }

  /** Moves what closed writers left out of the file of the living, into one that is nobody's. */
  #evacuateClosed(clock: Clock): void {
    this.#isEvacuating = false;
    const own = this.#own;
    if (own === undefined) return;
    const isLeft = (writer: string): boolean => !this.#living.has(writer) && !this.#orphans.isAdopted(writer, own);
    if (![...own.live.writers].some(isLeft)) return;
    own.reopenIfDead();
    const moved = this.#create(clock);
    if (!evacuateClosed(own, moved, isLeft)) {
      // Tried again at the next look.
      this.#isEvacuating = true;
      return;
    }
    // What was an orphan here may be none any more.
    this.#hasClosedWriters = true;
    this.#journals.add(moved);
    this.#release(moved);
  }

  /** Moves what was adopted out of a file in which others' entries wait too: what the server refuses must not hold up those. */
  #evacuateAdopted(clock: Clock): void {
    for (const journal of this.#journals.adoptedBefore(clock.monotonic() - EVACUATE_AFTER_MS)) {
      if (!this.#orphans.hasOrphansIn(journal, (key) => !this.#isServed(key))) continue;
      const moved = this.#create(clock);
      // Else tried again at the next look.
      if (!evacuateAdopted(journal, moved, this.#orphans)) continue;
      this.#journals.add(moved);
      this.#releaseSpent();
    }
  }

  /** Lets go of files that hold nothing more for the living here. */
  #releaseSpent(): void {
    for (const journal of this.#journals) {
      if (journal === this.#own || (!journal.isDrained && this.#isUsed(journal))) continue;
      this.#release(journal);
    }
  }

  #isUsed(journal: Journal): boolean {
    for (const writer of journal.live.writers) {
      const isHeld = this.#living.has(writer) || this.#orphans.isAdopted(writer, journal);
      if (isHeld && journal.live.hasEntriesOf(writer)) return true;
    }
    return this.#orphans.hasOrphansIn(journal, this.#isServed);
  }

  #release(journal: Journal): void {
    if (journal === this.#own) this.#own = undefined;
    try {
      journal.release();
      this.#removeJournal(journal);
    } catch {
      // It keeps this store's name: tried again as long as an Api is open, and adopted by others then.
      this.#hasClosedWriters = true;
    }
  }

  /** Goes on in another file where the own one is known to be lost or broken. If that fails, the next save says why. */
  repair(clock: Clock): void {
    if (!this.#own?.isLost && !this.#own?.isBroken) return;
    try {
      this.journal(clock);
    } catch {
      // See above.
    }
  }

  /** The journal that this store's own writers save to. @throws {@link StorageException} if there can't be one. */
  journal(clock: Clock): Journal {
    try {
      return this.#findOwn(clock);
    } catch (error) {
      throw storageException(error, this.#files.folder);
    }
  }

  #findOwn(clock: Clock): Journal {
    if (this.#own?.isLost) {
      this.#follow(this.#own, clock);
      if (this.#own === undefined)
        throw new StorageException('another process adopted the saved entries', {
          advice: 'Nothing is lost. Commit again.',
        });
    }
    if (this.#own?.isBroken) this.#renew(this.#own, clock);
    if (this.#own?.isTentative && !this.#own.isInPlace()) this.#renew(this.#own, clock);
    if (this.#own === undefined) {
      this.#own = this.#create(clock);
      this.#journals.add(this.#own);
    }
    return this.#own;
  }

  #create(clock: Clock): Journal {
    const file = newId(clock);
    const path = join(this.#files.folder, journalName(this.#owner, file));
    return new Journal(this.#files, path, file, true, this.#isSynced);
  }

  #removeJournal(journal: Journal): void {
    this.#journals.delete(journal);
    this.#orphans.removeJournal(journal);
    if (journal === this.#own) this.#own = undefined;
  }

  /** Shows others that the owner of the journals lives, and looks whether they are still its own. */
  #touch(clock: Clock): void {
    for (const journal of this.#journals) {
      try {
        journal.isLost = !journal.isInPlace();
        if (journal.isLost) this.#follow(journal, clock);
        else journal.touch(clock.now() / 1000);
      } catch {
        // Tried again at the next touch.
      }
    }
  }

  *#writersOf(journal: Journal): Generator<OpenWriter> {
    for (const openWriter of this.#living) {
      const { value } = this.#orphans.adoptedBy(openWriter.id, journal).next();
      if (value !== undefined || journal.live.has(openWriter.id)) yield openWriter;
    }
  }

  /** Saves what stands in no journal any more: one that was lost, or what could not be read when one was moved. */
  saveAgain(openWriter: OpenWriter, entries: readonly StoredEntry[], clock: Clock): void {
    try {
      this.#saveMissing(openWriter, entries, clock);
      openWriter.isCleared = false;
      openWriter.unsaved = undefined;
    } catch (error) {
      const failure = storageException(error, this.#files.folder);
      if (openWriter.unsaved !== undefined) openWriter.unsaved = failure;
      throw failure;
    }
  }

  #saveMissing(openWriter: OpenWriter, entries: readonly StoredEntry[], clock: Clock): void {
    // What a lost one held stands nowhere as long as it could not be moved.
    for (const journal of this.#journals) if (!journal.isInPlace()) this.#follow(journal, clock);
    const missing = this.#journals.missing(openWriter, entries);
    if (missing.length === 0) return;
    const { destination } = openWriter;
    const logs = new Map(missing.map(({ writer }) => [writer, { destination }]));
    const journal = this.journal(clock);
    journal.saveAll(logs, missing);
    for (const writer of logs.keys())
      if (writer !== openWriter.id) this.#orphans.setAdopter(journal, writer, openWriter.id);
  }

  /** The path of a journal leads elsewhere, as another process took it over or somebody deleted it; or it was cut. */
  #follow(journal: Journal, clock: Clock): void {
    const held = new Set(journal.live.writers);
    const writers = [...this.#writersOf(journal)];
    const isCut = journal.isReachable();
    const logs = journal.readIfAlive()?.logs;
    // Whoever took it, and is done with it, deleted it too; but first it noted in it that nothing of it is wanted.
    const isDrained = logs !== undefined && held.size > 0 && journal.isDrained;
    if (!isCut && (isDrained || this.#orphanAdoption.isElsewhere(journal.file, this.#owner))) {
      this.#giveUp(journal, held, logs ?? new Map(), clock);
      return;
    }
    for (const openWriter of writers) openWriter.isCleared = true;
    this.#renew(journal, clock);
  }

  /** Gives up a journal that another process has taken over. @param held - The writers of which it held something. */
  #giveUp(journal: Journal, held: ReadonlySet<string>, logs: ReadonlyMap<string, WriterLog>, clock: Clock): void {
    for (const openWriter of [...this.#living]) {
      if (!fence(openWriter, { journal, held, logs }, this.#orphans)) continue;
      // The old id is for what the other has of it.
      const id = newId(clock);
      this.#orphans.renameAdopter(openWriter.id, id);
      this.#living.renew(openWriter, id);
    }
    this.#removeJournal(journal);
    journal.close();
  }

  /**
   * Moves a journal to a fresh file: its path leads elsewhere by now, or its disk failed. What the old one does not give any
   * more, the living have in memory, and save again before anything newer.
   */
  #renew(journal: Journal, clock: Clock): void {
    const file = newId(clock);
    const holders = [...(journal === this.#own ? this.#living : this.#writersOf(journal))];
    const left = journal.file;
    const isWhole = journal.renew(join(this.#files.folder, journalName(this.#owner, file)), file);
    this.#leftBehind.add(left);
    if (isWhole) return;
    const unsaved = new StorageException(`a file could not be read any more (${this.#files.folder})`, {
      advice: CHECK_DISK,
    });
    for (const openWriter of holders) Object.assign(openWriter, { isCleared: true, unsaved });
    const orphans = this.#orphans.in(journal);
    const logs = new Map(orphans.map((orphan) => [orphan.writer, orphan]));
    journal.saveAll(
      logs,
      orphans.flatMap(({ entries }) => entries),
    );
  }
}
