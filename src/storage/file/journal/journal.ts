// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import type { Destination } from '../../../core/model/destination.js';
import type { StoredEntry } from '../../../core/model/entry.js';
import { isStorageFull, StorageException } from '../../../core/model/exceptions.js';
import type { Value } from '../../../core/model/value.js';
import type { SaveOptions } from '../../../core/ports/storage.js';
import type { Contents, WriterLog } from '../../shared/journal/contents.js';
import { journalText, quarantineRecord, type WriterHeads } from '../../shared/journal/journal-text.js';
import { MAX_RECORD_BYTES } from '../../shared/journal/lines.js';
import type { Live, LiveIndex } from '../../shared/journal/live-index.js';
import { encodeEntry, encodeRemoved, encodeStaged, encodeWriter } from '../../shared/journal/record.js';
import { RangeSet } from '../../shared/range-set.js';
import { FileHandle } from './file-handle.js';
import { codeOf, quietly, storageException } from './file-io.js';
import { type JournalName, journalName } from './journal-name.js';
import { type JournalContents, RecordLog } from './record-log.js';
import type { SafeFiles } from './safe-files.js';

/** A longer record could not be read back. */
const MAX_VALUES_BYTES = MAX_RECORD_BYTES - 1024;

const tooLarge = (): StorageException =>
  new StorageException(`the entry is larger than a file's record may be (${MAX_VALUES_BYTES} bytes)`, {
    advice: 'Commit fewer or shorter values at once.',
  });

/** A journal that this process owns: a file to which each change is appended as a record. */
export class Journal {
  readonly handle: FileHandle;
  readonly #files: SafeFiles;
  readonly #log: RecordLog;
  #isDisplaced = false;
  /** Whether the disk had no space for the last entry. */
  #isFull: boolean;

  /**
   * @param isNew - Whether the file has to be created; an existing one must be read first.
   * @param isFull - Whether the disk had no space for an entry: removals make room within the file. Default: `false`.
   */
  constructor(
    files: SafeFiles,
    name: JournalName,
    { isNew, isFull = false }: { readonly isNew: boolean; readonly isFull?: boolean },
  ) {
    this.#isFull = isFull;
    this.#files = files;
    this.handle = new FileHandle(files, files.folder.pathOf(journalName(name)), { isNew });
    this.#log = new RecordLog(files, this.handle, { name, isNew });
  }

  get live(): LiveIndex {
    return this.#log.live;
  }

  /** The id of the file: the part of its name that stays when the owner changes. */
  get file(): string {
    return this.#log.name.file;
  }

  /** Whether there are no live records. */
  get isDrained(): boolean {
    return this.#log.isDrained;
  }

  /** Whether the last {@link Journal.touch} found that the file is not in place: a record appended to it would be lost. */
  get isDisplaced(): boolean {
    return this.#isDisplaced;
  }

  /** As {@link Journal.read}. @returns `undefined` if the descriptor is dead: the disk was removed, or other code closed it. */
  readIfAlive(isSelected?: (log: WriterLog) => boolean): JournalContents | undefined {
    return quietly(() => this.read(isSelected));
  }

  /** See {@link RecordLog.read}. */
  read(isSelected: (log: WriterLog) => boolean = () => false, contents?: Contents): JournalContents {
    return this.#log.read(isSelected, contents);
  }

  /** @throws {@link StorageException} if the entry could not be saved; the file is unchanged then. */
  saveEntry(entry: StoredEntry, destination: Destination, { clearsStaged }: SaveOptions): void {
    if (entry.bytes > MAX_VALUES_BYTES) throw tooLarge();
    try {
      const registration = this.#registration(entry.writer, destination);
      const record = encodeEntry(entry, clearsStaged ? 'C' : 'E');
      // A record is ASCII but for its values.
      const length = record.length + entry.bytes - entry.values.length;
      if (registration === '') this.handle.appendDurably(record, length);
      else this.handle.appendDurably(registration + record);
    } catch (error) {
      if (this.handle.isBroken) this.#log.refuse(entry);
      this.#isFull = isStorageFull(error);
      throw error;
    }
    this.live.register(entry.writer);
    if (clearsStaged) this.live.setStaged(entry.writer, false);
    this.live.add(entry);
  }

  /** Saves all entries, with the destinations and staged values of their writers, or nothing. @throws {@link StorageException} */
  saveAll(heads: WriterHeads, entries: readonly StoredEntry[]): void {
    this.handle.appendPieces(journalText(heads, entries));
    for (const entry of entries) this.live.add(entry);
    this.live.addHeads(heads);
  }

  /** Copies the records of writers to a new journal, all or nothing. Throws if that failed. */
  copyTo(target: Journal, logs: ReadonlyMap<string, WriterLog>): void {
    target.handle.appendPieces(journalText(logs, this.#log.entriesOf(logs)));
    target.read();
  }

  /** Not synced: only commits are guaranteed to survive a power cut. @throws {@link StorageException} */
  saveStaged(writer: string, destination: Destination, staged: { run: number; values: readonly Value[] }): void {
    const record = encodeStaged(writer, staged.run, staged.values);
    if (Buffer.byteLength(record) > MAX_VALUES_BYTES) throw tooLarge();
    this.handle.append(this.#registration(writer, destination) + record);
    this.live.register(writer);
    this.live.setStaged(writer, staged.values.length > 0);
    this.#log.compactIfLarge();
  }

  /** Durable: staged values that were adopted must not return after a power cut. @throws {@link StorageException} */
  removeStaged(writer: string, destination: Destination, run: number): void {
    this.handle.appendDurably(this.#registration(writer, destination) + encodeStaged(writer, run, []));
    this.live.setStaged(writer, false);
    this.#log.compactIfLarge();
  }

  /** Removes all records of writers. @throws {@link StorageException} if not all removals could be written. */
  removeWriters(logs: ReadonlyMap<string, WriterLog>): void {
    for (const [writer, { destination, staged }] of logs) {
      if (destination && staged) this.removeStaged(writer, destination, staged.run);
    }
    const removed = new Map<string, Live>();
    for (const writer of logs.keys()) {
      const live = this.live.removeEntriesOf(writer);
      if (live !== undefined) removed.set(writer, live);
    }
    try {
      if (this.isDrained && this.#log.isReadable) this.#log.truncate();
      else this.#appendRemoval(Array.from(removed, ([writer, { sequences }]) => [writer, sequences]));
    } catch (error) {
      for (const [writer, live] of removed) this.live.restoreEntriesOf(writer, live);
      throw error;
    }
    this.#log.compactIfLarge();
  }

  /**
   * Removes entries; unknown entries are ignored. Not synced: entries that a power cut restores are sent twice, and none is lost.
   *
   * @throws {@link StorageException} if the removal could not be written; calling again is harmless.
   */
  remove(entries: readonly StoredEntry[]): void {
    const found = this.#liveAmong(entries);
    if (found.length === 0) return;
    const removed = sequencesOf(found);
    const count = Array.from(removed.values(), ({ size }) => size).reduce((sum, size) => sum + size);
    if (count === this.live.entries && this.live.staged === 0 && this.#log.isReadable) {
      this.#log.truncate();
      return;
    }
    for (const entry of found) this.live.remove(entry);
    try {
      this.#appendRemoval(removed);
    } catch (error) {
      for (const entry of found) this.live.add(entry);
      throw error;
    }
    this.#log.compactIfLarge();
  }

  /**
   * Records the `rejection` of entries; unknown entries are ignored. Not synced: entries whose quarantine a power cut undoes are
   * sent again, and none is lost.
   *
   * @throws {@link StorageException} if a `rejection` could not be written; calling again is harmless.
   */
  quarantine(entries: readonly StoredEntry[]): void {
    const found = this.#liveAmong(entries);
    const text = found.map(quarantineRecord).join('');
    if (text === '') return;
    this.handle.append(text);
    for (const entry of found) this.live.quarantine(entry);
    this.#log.compactIfLarge();
  }

  /** Renews the heartbeat of the owner, if the file is in place. @param seconds - Unix time. @returns Whether the file is in place. */
  touch(seconds: number): boolean {
    this.#isDisplaced = !this.handle.isInPlace();
    if (!this.#isDisplaced) this.handle.touch(seconds);
    return !this.#isDisplaced;
  }

  /**
   * Closes the journal. A drained file is deleted, another one remains without an owner; unreadable lines are never deleted.
   * Throws if the file could not be released; calling again is harmless.
   */
  release(): void {
    const handle = this.handle;
    try {
      // The file was never created.
      if (!handle.isOpen && handle.size === 0) return;
      // Another file at the path must be neither deleted nor renamed.
      if (handle.isOpen && !handle.isAtPath()) return;
      if (this.isDrained && !this.#log.isNewer) {
        this.#log.copyUnreadable();
        handle.unlink();
      } else {
        handle.rename(this.#files.folder.pathOf(journalName({ owner: undefined, file: this.file })));
      }
    } catch (error) {
      // ENOENT: the file was deleted meanwhile.
      if (codeOf(error) !== 'ENOENT') throw error;
    } finally {
      this.close();
    }
  }

  /** Closes the journal and deletes its file if possible; the records are in another journal too. */
  delete(): void {
    this.close();
    // If that fails, the adopter of the file sends its entries a second time.
    this.#files.unlinkQuietly(this.handle.path);
  }

  close(): void {
    this.handle.close();
  }

  /**
   * Moves the live records to a new file: the disk failed, or the path leads to another file. An unreadable file is not deleted.
   *
   * @returns Whether all live records were moved.
   * @throws {@link StorageException} if the new file could not be written; calling again is harmless.
   */
  renew(name: JournalName): boolean {
    const { path } = this.handle;
    const isOldReachable = this.handle.isReachable();
    const { entries } = this.live;
    const contents = quietly(() => this.#log.readContents());
    try {
      this.#files.folder.make();
      this.#log.rewrite(contents, name);
      this.#isDisplaced = false;
    } catch (error) {
      throw storageException(error, this.#files.folder.pathOf(journalName(name)));
    }
    // The new name is synced before the old file is deleted.
    this.handle.syncFolderQuietly();
    // If the deletion fails, the adopter of the old file sends its entries a second time.
    if (isOldReachable && contents !== undefined) this.#files.unlinkQuietly(path);
    return contents !== undefined && this.live.entries >= entries;
  }

  #liveAmong(entries: readonly StoredEntry[]): StoredEntry[] {
    const { live } = this;
    return entries.filter(({ writer, sequence }) => live.isLive(writer, sequence));
  }

  /** Appends a removal. Must succeed on a full disk, which only a removal can free. */
  #appendRemoval(removed: Iterable<[writer: string, RangeSet]>): void {
    const text = Array.from(removed, ([writer, { ranges }]) => encodeRemoved(writer, ranges)).join('');
    try {
      if (!this.#isFull) {
        this.handle.append(text);
        return;
      }
    } catch (error) {
      if (!isStorageFull(error)) throw error;
    }
    this.#log.compactInPlace();
    this.#isFull = false;
  }

  /** @returns The record of a writer's destination; empty if the file has the record. */
  #registration(writer: string, destination: Destination): string {
    return this.live.isRegistered(writer) ? '' : encodeWriter(writer, destination);
  }
}

/** The sequence numbers of entries by writer. */
function sequencesOf(entries: readonly StoredEntry[]): Map<string, RangeSet> {
  const byWriter = new Map<string, RangeSet>();
  for (const { writer, sequence } of entries) {
    const sequences = byWriter.get(writer) ?? new RangeSet();
    byWriter.set(writer, sequences);
    sequences.add(sequence);
  }
  return byWriter;
}
