import type { StoredEntry } from '../../../core/model/entry.js';
import { StorageException } from '../../../core/model/exceptions.js';
import type { Clock } from '../../../core/time/clock.js';
import type { WriterLog } from '../../shared/journal/contents.js';
import { quietly } from '../../shared/quietly.js';
import { CHECK_DISK, storageException } from '../journal/file-io.js';
import type { Journal } from '../journal/journal.js';
import type { StoreState } from './open-journals.js';
import type { OpenWriter } from './open-writers.js';
import type { OrphanAdoption } from './orphan-adoption.js';
import { isElsewhere } from './orphan-finder.js';
import { removeStaged } from './orphans.js';
import { newId } from './process-identity.js';

/** Reconciles the store with changes from outside: files that were deleted, truncated or adopted by another process, and failed disks. */
export class JournalReconciler {
  readonly #state: StoreState;
  readonly #adoption: OrphanAdoption;

  constructor(state: StoreState, adoption: OrphanAdoption) {
    this.#state = state;
    this.#adoption = adoption;
  }

  /** Renews the heartbeat of the journals, and reconciles those that are not in place. */
  touch(clock: Clock): void {
    for (const journal of this.#state.journals) {
      // If that fails, the next heartbeat tries again.
      quietly(() => journal.touch(clock.now() / 1000) || this.#reconcile(journal, clock));
    }
  }

  /** Whether another program truncated a journal, and that was not reconciled yet. */
  get hasTruncated(): boolean {
    return [...this.#state.journals].some(({ handle }) => handle.isTruncated());
  }

  /** Reconciles the journals that another program truncated. */
  restoreTruncated(clock: Clock): void {
    for (const journal of this.#state.journals) {
      // If that fails, the writers that were notified still save their entries again.
      if (journal.handle.isTruncated()) quietly(() => this.#reconcile(journal, clock));
    }
  }

  /** Renews the store's own journal if it is known to be displaced or broken. If that fails, the next save throws the reason. */
  repair(clock: Clock): void {
    const { own } = this.#state.journals;
    if (!own?.isDisplaced && !own?.handle.isBroken) return;
    quietly(() => this.ownJournal(clock));
  }

  /** The journal that the store's own writers save to. @throws {@link StorageException} if there can't be a journal. */
  ownJournal(clock: Clock): Journal {
    try {
      return this.#ownJournal(clock);
    } catch (error) {
      throw storageException(error, this.#state.files.folder.path);
    }
  }

  #ownJournal(clock: Clock): Journal {
    const { journals } = this.#state;
    if (journals.own?.isDisplaced) {
      this.#reconcile(journals.own, clock);
      if (journals.own === undefined)
        throw new StorageException('another process adopted the saved entries', {
          advice: 'Nothing is lost. Commit again.',
        });
    }
    if (journals.own?.handle.isBroken) this.#renew(journals.own, clock);
    if (journals.own?.handle.isTentative && !journals.own.handle.isInPlace()) this.#renew(journals.own, clock);
    return journals.own ?? journals.createOwn(clock);
  }

  /** Saves the entries of a writer that are in no journal. @throws {@link StorageException} */
  saveMissing(writer: OpenWriter, entries: readonly StoredEntry[], clock: Clock): void {
    const { files, journals, orphans } = this.#state;
    try {
      // A displaced journal must be renewed first: its entries are in no file.
      for (const journal of journals) if (!journal.handle.isInPlace()) this.#reconcile(journal, clock);
      for (const journal of journals) this.#register(journal, writer);
      const missing = journals.missing(writer, entries);
      if (missing.length === 0) return;
      const { id, destination } = writer;
      const heads = new Map(missing.map((entry) => [entry.writer, { destination }]));
      const journal = this.ownJournal(clock);
      journal.saveAll(heads, missing);
      for (const dead of heads.keys()) if (dead !== id) orphans.setAdopter(journal, dead, id);
    } catch (error) {
      throw storageException(error, files.folder.path);
    }
  }

  /** A journal is not in place: it was adopted by another process, deleted or truncated. */
  #reconcile(journal: Journal, clock: Clock): void {
    // As of before the file is read, which indexes only the records that are left.
    const held = new Set(journal.live.writers);
    const { entries } = journal.live;
    const writers = [...this.#writersOf(journal)];
    const isReachable = journal.handle.isReachable();
    const logs = journal.readIfAlive()?.logs;
    // An adopter deletes the file once it is done; before, it appends a tombstone.
    const hasTombstone = logs !== undefined && held.size > 0 && journal.isDrained;
    if (!isReachable && (hasTombstone || isElsewhere(journal.file, this.#state))) {
      this.#fence(journal, { held, logs: logs ?? new Map() }, clock);
      return;
    }
    for (const writer of writers) writer.onCleared();
    this.#renew(journal, clock, { entries, writers });
  }

  /**
   * Another process has adopted a journal.
   *
   * @param held - The writers that had records in it.
   * @param logs - Its present contents.
   */
  #fence(
    journal: Journal,
    { held, logs }: { held: ReadonlySet<string>; logs: ReadonlyMap<string, WriterLog> },
    clock: Clock,
  ): void {
    const { journals, orphans, writers } = this.#state;
    for (const writer of [...writers]) {
      const { id, destination } = writer;
      const fenced = new Set(orphans.adoptedBy(id, journal));
      // A file that could not be read was left with older entries: those in its successor were not adopted.
      const isOwn = held.has(id) && !journals.hasEntriesOf(id, { except: journal });
      if (isOwn) fenced.add(id);
      if (fenced.size === 0) continue;
      // The values are still staged here, and must not be adopted too.
      const isRemoved = removeStaged(journal, { writer: id, destination, staged: logs.get(id)?.staged });
      writer.onFenced(fenced, { isStagedLost: isOwn && !isRemoved });
      if (!isOwn) continue;
      // The adopter has the entries of the former id.
      const renewed = newId(clock);
      orphans.renameAdopter(id, renewed);
      writers.renew(writer, renewed);
    }
    journals.delete(journal);
    journal.close();
  }

  /**
   * Moves a journal to a new file. Open writers save entries again that the old file did not return, before any new entry.
   *
   * @param before - The number of entries that the file should have, and their open writers. Default: as in the index.
   */
  #renew(journal: Journal, clock: Clock, before = this.#indexed(journal)): void {
    const { files, identity, orphans, writers } = this.#state;
    const oldFile = journal.file;
    const isRead = journal.renew({ owner: identity.owner, file: newId(clock) });
    this.#adoption.abandon(oldFile);
    if (!isRead || journal.live.entries < before.entries) {
      const unsaved = new StorageException(`a file could not be read any more (${files.folder.path})`, {
        advice: CHECK_DISK,
      });
      for (const writer of before.writers) writer.onCleared(unsaved);
      this.#saveOrphans(journal);
    }
    for (const writer of writers) this.#register(journal, writer);
    for (const { writer, destination } of orphans.in(journal)) journal.register(writer, destination);
  }

  #indexed(journal: Journal): { readonly entries: number; readonly writers: readonly OpenWriter[] } {
    const { journals, writers } = this.#state;
    const affected = journal === journals.own ? writers : this.#writersOf(journal);
    return { entries: journal.live.entries, writers: [...affected] };
  }

  /** Saves the entries of orphans again that a journal lost. */
  #saveOrphans(journal: Journal): void {
    const orphans = this.#state.orphans.in(journal);
    journal.saveAll(
      new Map(orphans.map((orphan) => [orphan.writer, orphan])),
      orphans.flatMap(({ entries }) =>
        entries.filter(({ writer, sequence }) => !journal.live.isLive(writer, sequence)),
      ),
    );
  }

  /** Saves the destination of a writer again whose record was lost: without it, no other run adopts the entries. */
  #register(journal: Journal, { id, destination }: OpenWriter): void {
    journal.register(id, destination);
    for (const dead of this.#state.orphans.adoptedBy(id, journal)) journal.register(dead, destination);
  }

  /** The open writers with entries in a journal, own or adopted ones. */
  *#writersOf(journal: Journal): Generator<OpenWriter> {
    for (const writer of this.#state.writers) {
      const { value } = this.#state.orphans.adoptedBy(writer.id, journal).next();
      if (value !== undefined || journal.live.has(writer.id)) yield writer;
    }
  }
}
