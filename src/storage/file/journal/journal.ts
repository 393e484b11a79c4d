// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import type { Destination } from '../../../core/model/destination.js';
import type { StoredEntry } from '../../../core/model/entry.js';
import { isStorageFull, StorageException } from '../../../core/model/exceptions.js';
import type { Value } from '../../../core/model/value.js';
import type { SaveOptions } from '../../../core/ports/storage.js';
import type { RangeSet } from '../../shared/range-set.js';
import { compactInPlace } from './compaction.js';
import {
  type Contents,
  EntryList,
  encodeQuarantineOf,
  encodeTombstone,
  nothing,
  readContents,
  readEntries,
  textOf,
  unreadableIn,
  type WriterHeads,
  type WriterLog,
} from './contents.js';
import { FileHandle } from './file-handle.js';
import { codeOf, storageException, sync, writePieces } from './file-io.js';
import type { SafeFiles } from './file-system.js';
import { journalName } from './journal-name.js';
import { MAX_RECORD_BYTES } from './lines.js';
import { type Live, LiveIndex } from './live-index.js';
import { encodeEntry, encodeRemoved, encodeStaged, encodeWriter } from './record.js';

/** A journal is rewritten once it exceeds this and twice the bytes that are wanted of it. */
const SLACK_BYTES = 64 * 1024;

/** What a journal holds, and of the wanted writers its entries, oldest first. */
export interface JournalContents extends Contents {
  readonly entries: ReadonlyMap<string, StoredEntry[]>;
}

/** A longer record could not be read back. */
const MAX_VALUES_BYTES = MAX_RECORD_BYTES - 1024;

const tooLarge = (): StorageException =>
  new StorageException(`this is larger than a file's record may be (${MAX_VALUES_BYTES} bytes)`, {
    advice: 'Commit fewer or shorter values at once.',
  });

/** One journal file that this process owns; see record.ts for its format. */
export class Journal {
  /** Whether its path was found to lead elsewhere: what is saved in it is saved nowhere, until it is renewed. */
  isLost = false;
  readonly #files: SafeFiles;
  readonly #isSynced: boolean;
  #live = new LiveIndex();
  /** The writers whose destination the file holds. */
  readonly #registered = new Set<string>();
  readonly #handle: FileHandle;
  #file: string;
  #compactAt = SLACK_BYTES;
  /** Whether all that the file holds has been taken stock of: else it must not be deleted. */
  #isKnown: boolean;
  readonly #isNew: boolean;
  /** Whether the disk had no room for the last entry. */
  #isFull = false;
  /** Entries that were not saved, and whose records may stand in the file all the same: they could not be cut off. */
  #refused: StoredEntry[] = [];
  /** Whether there are lines that can't be read, and that are not yet set aside. */
  #hasUnreadable = false;
  #newer = false;

  /**
   * @param isNew - Whether this process makes the file; else {@link Journal.read} comes first.
   * @param isSynced - Whether a saved entry must survive a power cut when the call returns.
   */
  constructor(files: SafeFiles, path: string, file: string, isNew: boolean, isSynced: boolean) {
    this.#files = files;
    this.#handle = new FileHandle(files, path, { isNew, isSynced });
    this.#file = file;
    this.#isKnown = isNew;
    this.#isNew = isNew;
    this.#isSynced = isSynced;
  }

  /** What of it is still wanted. */
  get live(): LiveIndex {
    return this.#live;
  }

  /** The part of its name that stays when its owner changes. */
  get file(): string {
    return this.#file;
  }

  /** Whether nothing in it is wanted any more. */
  get isDrained(): boolean {
    return this.#isKnown && this.#live.entries === 0 && this.#live.staged === 0;
  }

  /** See {@link FileHandle.isTentative}. */
  get isTentative(): boolean {
    return this.#handle.isTentative;
  }

  /** See {@link FileHandle.isBroken}. */
  get isBroken(): boolean {
    return this.#handle.isBroken;
  }

  /** As {@link Journal.read}. @returns `undefined` if its descriptor is dead: the disk is gone, or somebody closed it. */
  readIfAlive(isWanted?: (log: WriterLog) => boolean): JournalContents | undefined {
    return ifAlive(() => this.read(isWanted));
  }

  /**
   * Reads what the file holds, and takes stock of it; even if its path leads elsewhere by now.
   *
   * @param isWanted - Of which writers the entries are returned; the others' are never in memory together.
   * @param contents - What somebody has just read of it.
   */
  read(isWanted: (log: WriterLog) => boolean = () => false, contents = this.#readContents()): JournalContents {
    const live = new LiveIndex();
    const lists = new Map<string, EntryList>();
    for (const log of contents.logs.values())
      if (isWanted(log)) lists.set(log.writer, new EntryList(log.sequences.size));
    for (const entry of this.#entriesOf(contents.logs)) {
      live.add(entry);
      lists.get(entry.writer)?.push(entry);
    }
    this.#handle.measure();
    this.#index(contents, live);
    return { ...contents, entries: new Map(Array.from(lists, ([writer, list]) => [writer, list.inOrder()])) };
  }

  /** @throws {@link StorageException} if it could not be saved; the file is as before. */
  saveEntry(entry: StoredEntry, destination: Destination, { clearsStaged }: SaveOptions): void {
    if (entry.bytes > MAX_VALUES_BYTES) throw tooLarge();
    try {
      const introduction = this.#register(entry.writer, destination);
      const record = encodeEntry(entry, clearsStaged ? 'C' : 'E');
      // All of a record but the values is ASCII.
      const length = record.length + entry.bytes - entry.values.length;
      if (introduction === '') this.#handle.append(record, this.#isSynced, length);
      else this.#handle.append(introduction + record, this.#isSynced);
    } catch (error) {
      if (this.#handle.isBroken) this.#refused.push(entry);
      this.#isFull = isStorageFull(error);
      throw error;
    }
    this.#registered.add(entry.writer);
    if (clearsStaged) this.#live.setStaged(entry.writer, false);
    this.#live.add(entry);
  }

  /** Saves all entries, and what `logs` hold of their writers, or nothing. @throws {@link StorageException} */
  saveAll(logs: WriterHeads, entries: readonly StoredEntry[]): void {
    this.#handle.appendAll(textOf(logs, entries), this.#isSynced);
    for (const entry of entries) this.#live.add(entry);
    this.#indexWriters(logs);
  }

  /** Copies what it holds of writers to a journal that is new, all or nothing. Throws if that failed. */
  copyTo(other: Journal, logs: ReadonlyMap<string, WriterLog>): void {
    other.#handle.appendAll(textOf(logs, this.#entriesOf(logs)), this.#isSynced);
    other.read();
  }

  /** Not synced: staged values are promised nothing before they are committed. */
  saveStaged(writer: string, destination: Destination, run: number, values: readonly Value[]): void {
    const record = encodeStaged(writer, run, values);
    if (Buffer.byteLength(record) > MAX_VALUES_BYTES) throw tooLarge();
    this.#handle.append(this.#register(writer, destination) + record, false);
    this.#registered.add(writer);
    this.#live.setStaged(writer, values.length > 0);
    this.#compactIfLarge();
  }

  /** Synced: staged values that are taken over must not come back, not even after a power cut. */
  removeStaged(writer: string, destination: Destination, run: number): void {
    this.#handle.append(this.#register(writer, destination) + encodeStaged(writer, run, []), this.#isSynced);
    this.#live.setStaged(writer, false);
    this.#compactIfLarge();
  }

  /** Forgets all that it holds of writers. @throws {@link StorageException} if not all of that could be written. */
  removeWriters(logs: ReadonlyMap<string, WriterLog>): void {
    for (const [writer, { destination, staged }] of logs) {
      if (destination && staged) this.removeStaged(writer, destination, staged.run);
    }
    const removed = new Map<string, Live>();
    for (const writer of logs.keys()) {
      const live = this.#live.removeEntriesOf(writer);
      if (live !== undefined) removed.set(writer, live);
    }
    try {
      if (this.isDrained && this.#isPlain()) this.#truncate();
      else this.#noteRemoval(new Map(Array.from(removed, ([writer, { sequences }]) => [writer, sequences])));
    } catch (error) {
      for (const [writer, live] of removed) this.#live.putBack(writer, live);
      throw error;
    }
    this.#compactIfLarge();
  }

  /**
   * Forgets entries; those that are not in it are passed over. Not synced: after a power cut they would be sent twice,
   * never lost.
   *
   * @throws {@link StorageException} if it could not be written; trying again is harmless.
   */
  remove(entries: readonly StoredEntry[]): void {
    const removed = this.#live.among(entries);
    if (removed.size === 0) return;
    let count = 0;
    for (const { size } of removed.values()) count += size;
    if (count === this.#live.entries && this.#live.staged === 0 && this.#isPlain()) {
      this.#truncate();
      return;
    }
    const found = entries.filter(({ writer, sequence }) => removed.get(writer)?.has(sequence));
    for (const entry of found) this.#live.remove(entry);
    try {
      this.#noteRemoval(removed);
    } catch (error) {
      for (const entry of found) this.#live.add(entry);
      throw error;
    }
    this.#compactIfLarge();
  }

  /**
   * Notes that entries are in quarantine; those that are not in it are passed over. Not synced: after a power cut they would
   * be tried again, never lost.
   *
   * @throws {@link StorageException} if it could not be written; trying again is harmless.
   */
  quarantine(entries: readonly StoredEntry[]): void {
    const found = entries.filter(({ writer, sequence }) => this.#live.wants(writer, sequence));
    const text = found.map(encodeQuarantineOf).join('');
    if (text === '') return;
    this.#handle.append(text, false);
    for (const entry of found) this.#live.quarantine(entry);
    this.#compactIfLarge();
  }

  /** See {@link FileHandle.isInPlace}. */
  isInPlace(): boolean {
    return this.#handle.isInPlace();
  }

  /** See {@link FileHandle.reopenIfDead}. */
  reopenIfDead(): void {
    this.#handle.reopenIfDead();
  }

  /** See {@link FileHandle.isReachable}. */
  isReachable(): boolean {
    return this.#handle.isReachable();
  }

  /** Shows others that its owner lives. @param seconds - The file's new time. */
  touch(seconds: number): void {
    this.#handle.touch(seconds);
  }

  /**
   * Ends it: a drained file is deleted, any other is left to nobody. What can't be read is set aside, never deleted.
   * Throws if that failed; trying again is harmless.
   */
  release(): void {
    try {
      const handle = this.#handle;
      if (!handle.isOpen && handle.size === 0 && this.#isKnown) return;
      // What stands under its path is not ours to delete or to give.
      if (handle.isOpen && !handle.isAtPath()) return;
      if (this.isDrained && !this.#newer) {
        this.#saveUnreadable();
        handle.unlink();
      } else {
        // To nobody: whoever looks next takes it.
        handle.rename(join(this.#files.folder, journalName(undefined, this.#file)));
      }
    } catch (error) {
      // Somebody deleted it: there is nothing left to give.
      if (codeOf(error) !== 'ENOENT') throw error;
    } finally {
      this.close();
    }
  }

  /** Ends it and what it holds, which stands elsewhere too. */
  delete(): void {
    this.close();
    // If that fails, whoever adopts it sends again what was sent from elsewhere.
    this.#files.unlinkQuietly(this.#handle.path);
  }

  close(): void {
    this.#handle.close();
  }

  /**
   * Moves what is wanted to a fresh file: its disk failed, or the path leads elsewhere by now. What can't be read any more
   * is left where it is.
   *
   * @returns Whether all that was wanted has moved.
   * @throws {@link StorageException} if there can't be a fresh file; trying again is harmless.
   */
  renew(path: string, file: string): boolean {
    const old = this.#handle.path;
    const isOldInPlace = this.isReachable();
    const { entries } = this.#live;
    const contents = ifAlive(() => this.#readContents());
    try {
      this.#files.makeFolder(this.#isSynced);
      this.#rewrite(path, contents);
      this.#file = file;
      this.isLost = false;
    } catch (error) {
      throw storageException(error, path);
    }
    // Before the old one goes; and nothing may be saved in it for long, which would do that else.
    this.#handle.syncFolderQuietly();
    // What is left of it now stands in both: if that fails, whoever adopts it sends again what was sent from the other.
    if (isOldInPlace && contents !== undefined) this.#files.unlinkQuietly(old);
    return contents !== undefined && this.#live.entries >= entries;
  }

  /** Rewrites the file without what is not wanted any more. FailedOperation is harmless; it is tried again after as much growth. */
  #compactIfLarge(): void {
    const { size } = this.#handle;
    if (size <= Math.max(this.#compactAt, SLACK_BYTES + 2 * this.#live.bytes) || this.#newer) return;
    this.#compactAt = size + SLACK_BYTES;
    // Another may have taken it, or somebody deleted it: nothing is to come into its place.
    if (!this.isInPlace()) return;
    try {
      this.#rewrite(this.#handle.path, this.#readContents());
    } catch {
      // Whichever file stands under the path is whole.
    }
  }

  /** Puts a file with what is wanted alone into the place of `path`. @param contents - Absent if they can't be read any more. */
  #rewrite(path: string, contents: Contents | undefined): void {
    const { logs, isNewer } = contents ?? nothing();
    for (const { writer, sequence } of this.#refused) logs.get(writer)?.sequences.delete(sequence);
    this.#hasUnreadable = contents !== undefined && contents.unreadable > 0;
    this.#saveUnreadable();
    const live = new LiveIndex();
    const entries = contents === undefined ? [] : counted(this.#entriesOf(logs), live);
    // An owner that was presumed dead, and lives, has the old one open, and must see that it was fenced even if the new one is
    // gone by then.
    this.#handle.replace(path, textOf(logs, entries), this.#isNew ? undefined : () => encodeTombstone(logs));
    this.#refused = [];
    this.#compactAt = SLACK_BYTES;
    this.#index({ logs, isNewer, unreadable: 0 }, live);
  }

  #truncate(): void {
    this.#handle.truncate();
    this.#compactAt = SLACK_BYTES;
    this.#live = new LiveIndex();
    this.#registered.clear();
  }

  #noteRemoval(removed: ReadonlyMap<string, RangeSet>): void {
    const text = Array.from(removed, ([writer, { ranges }]) => encodeRemoved(writer, ranges)).join('');
    try {
      if (!this.#isFull) {
        this.#handle.append(text, false);
        return;
      }
    } catch (error) {
      if (!isStorageFull(error)) throw error;
    }
    this.#compactInPlace();
  }

  #compactInPlace(): void {
    const staged = compactInPlace(this.#handle, this.#live);
    this.#isFull = false;
    try {
      this.#handle.append(staged, false);
    } catch {
      // Best effort: staged values are promised nothing before they are committed.
    }
    this.read();
  }

  #readContents(): Contents {
    return readContents(this.#handle.lines());
  }

  #entriesOf(logs: ReadonlyMap<string, WriterLog>): Generator<StoredEntry> {
    return readEntries(this.#handle.lines(), logs);
  }

  #index({ logs, unreadable, isNewer }: Contents, live: LiveIndex): void {
    this.#live = live;
    this.#registered.clear();
    this.#indexWriters(logs);
    this.#hasUnreadable = unreadable > 0;
    this.#newer = isNewer;
    this.#isKnown = true;
  }

  #indexWriters(logs: WriterHeads): void {
    for (const [writer, { destination, staged }] of logs) {
      if (staged) this.#live.setStaged(writer, true);
      if (destination && this.#live.has(writer)) this.#registered.add(writer);
    }
  }

  /** Whether all that the file holds can be read, by this release. */
  #isPlain(): boolean {
    return this.#isKnown && !this.#newer && !this.#hasUnreadable;
  }

  #saveUnreadable(): void {
    if (!this.#hasUnreadable) return;
    const path = join(this.#files.folder, `nikdev-iot-1_${this.#file}.unreadable`);
    const fd = this.#files.openOrCreate(path, true);
    try {
      writePieces(this.#files.io, fd, unreadableIn(this.#handle.lines()));
      sync(this.#files.io, fd);
    } finally {
      this.#files.io.closeSync(fd);
    }
    this.#hasUnreadable = false;
  }

  /** The record of a writer's destination, where the file lacks it. */
  #register(writer: string, destination: Destination): string {
    return this.#registered.has(writer) ? '' : encodeWriter(writer, destination);
  }
}

/** @returns `undefined` if reading fails. */
function ifAlive<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Entries as they are read, which are counted as wanted on the way. */
function* counted(entries: Iterable<StoredEntry>, live: LiveIndex): Generator<StoredEntry, undefined> {
  for (const entry of entries) {
    live.add(entry);
    yield entry;
  }
}
