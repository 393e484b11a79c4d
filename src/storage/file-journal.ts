// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import { dirname, join } from 'node:path';
import type { Binding } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import { StorageException } from '../core/exceptions.js';
import type { Value } from '../core/value.js';
import { planErasure } from './file-erasure.js';
import { codeOf, makeFolder, readWhole, syncFolder, unlinkQuietly, writeText, writeWhole } from './file-io.js';
import { journalName, rewritingPath } from './file-owner.js';
import {
  type Contents,
  encodeEntry,
  encodeQuarantined,
  encodeRemoved,
  encodeStaged,
  encodeWriter,
  readJournal,
  type Shelf,
} from './file-record.js';
import { FileStock } from './file-stock.js';
import type { FileSystem } from './file-system.js';
import type { SequenceSet } from './sequence-set.js';

/** A journal is rewritten once it exceeds this and twice the bytes that are wanted of it. */
const SLACK_BYTES = 64 * 1024;

/** One journal file that this process owns; file-record.ts tells its format. */
export class Journal {
  /** What of it is still wanted. */
  readonly stock = new FileStock();
  /** Whether its path was found to lead elsewhere: what is saved in it is saved nowhere, until it is renewed. */
  isLost = false;
  readonly #fs: FileSystem;
  readonly #isSynced: boolean;
  /** The writers whose binding the file holds. */
  readonly #introduced = new Set<string>();
  #path: string;
  #file: string;
  #fd: number | undefined;
  #size = 0;
  #compactAt = SLACK_BYTES;
  /** Whether all that the file holds has been taken stock of: else it must not be deleted. */
  #isKnown: boolean;
  readonly #isNew: boolean;
  #isFolderSynced = false;
  /** Whether the disk had no room for the last entry. */
  #isFull = false;
  #isBroken = false;
  /** Entries that were not saved, and whose records may stand in the file all the same: they could not be cut off. */
  #refused: StoredEntry[] = [];
  /** Lines that can't be read, and that are not yet set aside. */
  #unreadable: readonly Buffer[] = [];
  #newer = false;

  /**
   * @param isNew - Whether this process makes the file; else {@link Journal.read} comes first.
   * @param isSynced - Whether a saved entry must survive a power cut when the call returns.
   */
  constructor(fs: FileSystem, path: string, file: string, isNew: boolean, isSynced: boolean) {
    this.#fs = fs;
    this.#path = path;
    this.#file = file;
    this.#isKnown = isNew;
    this.#isNew = isNew;
    this.#isSynced = isSynced;
  }

  /** The part of its name that stays when its owner changes. */
  get file(): string {
    return this.#file;
  }

  /** Whether nothing in it is wanted any more. */
  get isDrained(): boolean {
    return this.#isKnown && this.stock.entries === 0 && this.stock.staged === 0;
  }

  /**
   * Whether it may have gone without any harm: it holds nothing, so that anybody may clear it away who takes its owner for
   * dead; or nothing that was promised.
   */
  get isTentative(): boolean {
    return this.#size === 0 || (this.#isSynced && !this.#isFolderSynced);
  }

  /**
   * Whether nothing more may be saved in it. A sync failed: what the system still has in memory may never reach the disk,
   * whatever it says later. Or half a record could not be cut off: then its size is not known.
   */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Reads what the file holds, in full, and takes stock of it; even if its path leads elsewhere by now. */
  read(): Contents {
    const bytes = readWhole(this.#fs, this.#open());
    const contents = readJournal(bytes);
    this.know(contents, bytes.length);
    return contents;
  }

  /** Takes stock of what the file holds, as somebody has just read it. */
  know(contents: Contents, size: number): void {
    this.#open();
    this.#size = size;
    this.#unreadable = contents.unreadable;
    this.#newer = contents.newer;
    this.#takeStock(contents.shelves);
    this.#isKnown = true;
  }

  /** @throws {@link StorageException} if it could not be saved; the file is as before. */
  saveEntry(entry: StoredEntry, binding: Binding, forgetStaged: boolean): void {
    try {
      const introduction = this.#introduce(entry.writer, binding);
      const record = encodeEntry(entry, forgetStaged);
      // All of a record but the values is ASCII.
      const length = record.length + entry.bytes - entry.values.length;
      if (introduction === '') this.#append(record, this.#isSynced, length);
      else this.#append(introduction + record, this.#isSynced);
    } catch (error) {
      if (this.#isBroken) this.#refused.push(entry);
      this.#isFull = error instanceof StorageException && error.isFull;
      throw error;
    }
    this.#introduced.add(entry.writer);
    if (forgetStaged) this.stock.setStaged(entry.writer, false);
    this.stock.add(entry);
  }

  /** Saves all of these, or nothing. @throws {@link StorageException} */
  saveAll(shelves: ReadonlyMap<string, Shelf>): void {
    this.#append(textOf(shelves), this.#isSynced);
    this.#addStock(shelves);
  }

  /** Not synced: staged values are promised nothing before they are committed. */
  saveStaged(writer: string, binding: Binding, run: number, values: readonly Value[]): void {
    this.#append(this.#introduce(writer, binding) + encodeStaged(writer, run, values), false);
    this.#introduced.add(writer);
    this.stock.setStaged(writer, values.length > 0);
    this.#compactIfLarge();
  }

  /** Synced: staged values that are taken over must not come back, not even after a power cut. */
  forgetStaged(writer: string, binding: Binding, run: number): void {
    this.#append(this.#introduce(writer, binding) + encodeStaged(writer, run, []), this.#isSynced);
    this.stock.setStaged(writer, false);
    this.#compactIfLarge();
  }

  /** Forgets all that stands on shelves. @throws {@link StorageException} if not all of that could be written. */
  forget(shelves: ReadonlyMap<string, Shelf>): void {
    for (const [writer, { binding, staged }] of shelves) {
      if (binding && staged) this.forgetStaged(writer, binding, staged.run);
    }
    this.remove([...shelves.values()].flatMap(({ entries }) => [...entries.values()]));
  }

  /**
   * Forgets entries; those that are not in it are passed over. Not synced: after a power cut they would be sent twice,
   * never lost.
   *
   * @throws {@link StorageException} if it could not be written; trying again is harmless.
   */
  remove(entries: readonly StoredEntry[]): void {
    const removed = this.stock.among(entries);
    if (removed.size === 0) return;
    let count = 0;
    for (const { size } of removed.values()) count += size;
    if (count === this.stock.entries && this.stock.staged === 0 && this.#isPlain()) {
      this.#truncate();
      return;
    }
    const found = entries.filter(({ writer, sequence }) => removed.get(writer)?.has(sequence));
    for (const entry of found) this.stock.remove(entry);
    try {
      this.#noteRemoval(removed);
    } catch (error) {
      for (const entry of found) this.stock.add(entry);
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
    const found = entries.filter(({ writer, sequence }) => this.stock.wants(writer, sequence));
    const text = found.map(quarantineNote).join('');
    if (text === '') return;
    this.#append(text, false);
    for (const entry of found) this.stock.quarantine(entry);
    this.#compactIfLarge();
  }

  /** Whether its path still leads to the file that is written to, and nobody has cut that. */
  isInPlace(): boolean {
    return this.#fd === undefined || (this.#lengthInPlace() ?? -1) >= this.#size;
  }

  /** Whether its path still leads to the file that is written to, be that cut or not. */
  isReachable(): boolean {
    return this.#lengthInPlace() !== undefined;
  }

  /** Shows others that its owner lives. @param seconds - The file's new time. */
  touch(seconds: number): void {
    if (this.#fd === undefined) return;
    if (!this.#isFolderSynced && this.#size > 0) this.#syncFolderQuietly();
    this.#fs.utimesSync(this.#path, seconds, seconds);
  }

  /**
   * Ends it: a drained file is deleted, any other is left to nobody. What can't be read is set aside, never deleted.
   * Throws if that failed; trying again is harmless.
   */
  release(): void {
    try {
      if (this.#fd === undefined && this.#size === 0 && this.#isKnown) return;
      // What stands under its path is not ours to delete or to give.
      if (this.#fd !== undefined && !this.isReachable()) return;
      if (this.isDrained && !this.#newer) {
        this.#setAside();
        this.#fs.unlinkSync(this.#path);
      } else {
        // To nobody: whoever looks next takes it.
        this.#fs.renameSync(this.#path, join(dirname(this.#path), journalName(undefined, this.#file)));
        this.#syncFolderQuietly();
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
    unlinkQuietly(this.#fs, this.#path);
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) this.#fs.closeSync(fd);
  }

  /**
   * Moves what is wanted to a fresh file, whole or not at all: a sync failed here, or the path leads elsewhere by now.
   *
   * @throws {@link StorageException} if it could not be moved; trying again is harmless.
   */
  renew(path: string, file: string): void {
    const old = this.#path;
    const isOldInPlace = this.isReachable();
    try {
      makeFolder(this.#fs, dirname(path), this.#isSynced);
      this.#rewrite(path);
      this.#path = path;
      this.#file = file;
      this.#isBroken = false;
      this.isLost = false;
    } catch (error) {
      throw storageException(error, path);
    }
    // Before the old one goes; and nothing may be saved in it for long, which would do that else.
    this.#syncFolderQuietly();
    // What is left of it now stands in both: if that fails, whoever adopts it sends again what was sent from the other.
    if (isOldInPlace) unlinkQuietly(this.#fs, old);
  }

  /** Rewrites the file without what is not wanted any more. Failing is harmless; it is tried again after as much growth. */
  #compactIfLarge(): void {
    if (this.#size <= Math.max(this.#compactAt, SLACK_BYTES + 2 * this.stock.bytes) || this.#newer) return;
    this.#compactAt = this.#size + SLACK_BYTES;
    // Another may have taken it, or somebody deleted it: nothing is to come into its place.
    if (!this.isInPlace()) return;
    try {
      this.#rewrite(this.#path);
    } catch {
      // Whichever file stands under the path is whole.
    }
  }

  /** Writes what is wanted under another name, which then takes the place of `path`: a crash leaves the one or the other. */
  #rewrite(path: string): void {
    const temporary = rewritingPath(this.#path);
    const { shelves } = this.read();
    for (const { writer, sequence } of this.#refused) shelves.get(writer)?.entries.delete(sequence);
    this.#setAside();
    const bytes = Buffer.from(textOf(shelves));
    this.#fs.closeSync(this.#fs.openSync(temporary, 'w'));
    const fd = this.#fs.openSync(temporary, 'a+');
    try {
      writeWhole(this.#fs, fd, bytes);
      // Whatever the durability: what an earlier run synced must not come undone.
      this.#fs.fsyncSync(fd);
      this.#fs.renameSync(temporary, path);
    } catch (error) {
      this.#fs.closeSync(fd);
      // On a full disk it would hold the room that is missing.
      unlinkQuietly(this.#fs, temporary);
      throw error;
    }
    const old = this.#fd;
    if (old !== undefined && !this.#isNew) this.#leaveWord(old, dirname(path), shelves);
    this.#refused = [];
    this.#fd = fd;
    this.#size = bytes.length;
    this.#compactAt = SLACK_BYTES;
    this.#takeStock(shelves);
    if (old !== undefined) this.#fs.closeSync(old);
    this.#isFolderSynced = false;
  }

  /**
   * Notes in the file that was replaced that nothing of it is wanted: an owner that was presumed dead, and lives, has that one
   * open, and must see that it was robbed even if the new one is gone by then. Not before the new one is sure to stand in its
   * place: a power cut could bring the old one back.
   */
  #leaveWord(fd: number, directory: string, shelves: ReadonlyMap<string, Shelf>): void {
    try {
      syncFolder(this.#fs, directory);
      writeWhole(this.#fs, fd, Buffer.from(doneWith(shelves)));
    } catch {
      // As long as the new one stands in the folder, that tells the same.
    }
  }

  /** @param length - How many bytes of UTF-8 the text takes. */
  #append(text: string, isSynced: boolean, length = Buffer.byteLength(text)): void {
    try {
      const fd = this.#open();
      if (isSynced && !this.#isFolderSynced) this.#syncFolder();
      this.#write(fd, text, length, isSynced);
      this.#size += length;
    } catch (error) {
      throw storageException(error, this.#path);
    }
  }

  #write(fd: number, text: string, length: number, isSynced: boolean): void {
    let isWritten = false;
    try {
      writeText(this.#fs, fd, text, length);
      isWritten = true;
      if (isSynced) this.#fs.fdatasyncSync(fd);
    } catch (error) {
      // Half a record would hold the room that is missing; and what was not synced was never saved. Where the size is not
      // known, nothing is cut: it could be what others rely on.
      if (!this.#isBroken) this.#cutBack(fd);
      this.#isBroken ||= isWritten;
      throw error;
    }
  }

  #cutBack(fd: number): void {
    try {
      this.#fs.ftruncateSync(fd, this.#size);
    } catch {
      this.#isBroken = true;
    }
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    if (this.#size === 0) makeFolder(this.#fs, dirname(this.#path), this.#isSynced);
    this.#fd = this.#fs.openSync(this.#path, 'a+');
    return this.#fd;
  }

  #truncate(): void {
    try {
      this.#fs.ftruncateSync(this.#open(), 0);
    } catch (error) {
      throw storageException(error, this.#path);
    }
    this.#size = 0;
    this.#compactAt = SLACK_BYTES;
    this.stock.clear();
    this.#introduced.clear();
  }

  #noteRemoval(removed: ReadonlyMap<string, SequenceSet>): void {
    const text = Array.from(removed, ([writer, { ranges }]) => encodeRemoved(writer, ranges)).join('');
    try {
      if (!this.#isFull) {
        this.#append(text, false);
        return;
      }
    } catch (error) {
      if (!(error instanceof StorageException && error.isFull)) throw error;
    }
    this.#erase();
  }

  /** Overwrites what is not wanted any more, where the disk has no room for a note of it, and makes room by that. */
  #erase(): void {
    const before = readWhole(this.#fs, this.#open());
    const { shelves, newer } = readJournal(before);
    if (newer)
      throw new StorageException(`${this.#path} holds records of a newer version`, 'Make room on the disk.', true);
    const { writes, length } = planErasure(before, (writer, sequence) =>
      sequence === undefined ? this.stock.hasEntriesOf(writer) : this.stock.wants(writer, sequence),
    );
    try {
      if (!this.isInPlace()) throw new Error('its path leads elsewhere');
      // The journal's own descriptor appends, wherever it is told to write.
      const fd = this.#fs.openSync(this.#path, 'r+');
      try {
        for (const { position, bytes } of writes) writeWhole(this.#fs, fd, bytes, position);
        // Whatever the durability: what was moved must be on the disk before it is cut off where an earlier run synced it.
        this.#fs.fdatasyncSync(fd);
        this.#fs.ftruncateSync(fd, length);
      } finally {
        this.#fs.closeSync(fd);
      }
    } catch (error) {
      throw storageException(error, this.#path);
    }
    this.#isFull = false;
    this.#size = length;
    try {
      this.#append(textOf(stagedOf(shelves)), false);
    } catch {
      // Best effort: staged values are promised nothing before they are committed.
    }
    this.read();
  }

  /** @returns The length of the file under its path; `undefined` if that is another, or none. */
  #lengthInPlace(): number | undefined {
    if (this.#fd === undefined) return undefined;
    try {
      const [there, here] = [this.#fs.statSync(this.#path), this.#fs.fstatSync(this.#fd)];
      return there.ino === here.ino && there.dev === here.dev ? here.size : undefined;
    } catch {
      return undefined;
    }
  }

  #takeStock(shelves: ReadonlyMap<string, Shelf>): void {
    this.stock.clear();
    this.#introduced.clear();
    this.#addStock(shelves);
  }

  #addStock(shelves: ReadonlyMap<string, Shelf>): void {
    for (const [writer, { binding, entries, staged }] of shelves) {
      if (binding && (entries.size > 0 || staged)) this.#introduced.add(writer);
      for (const entry of entries.values()) this.stock.add(entry);
      if (staged) this.stock.setStaged(writer, true);
    }
  }

  /** Whether all that the file holds can be read, by this release. */
  #isPlain(): boolean {
    return this.#isKnown && !this.#newer && this.#unreadable.length === 0;
  }

  #setAside(): void {
    if (this.#unreadable.length === 0) return;
    const path = join(dirname(this.#path), `nikdev-iot-1_${this.#file}.unreadable`);
    const fd = this.#fs.openSync(path, 'a');
    try {
      writeWhole(this.#fs, fd, Buffer.concat(this.#unreadable.flatMap((line) => [line, Buffer.from('\n')])));
      this.#fs.fsyncSync(fd);
    } finally {
      this.#fs.closeSync(fd);
    }
    this.#unreadable = [];
  }

  /** A file that comes or goes is one only once its folder is on the disk. */
  #syncFolder(): void {
    if (this.#isSynced) syncFolder(this.#fs, dirname(this.#path));
    this.#isFolderSynced = true;
  }

  /** Where that fails a power cut may bring the old names back: whoever looks then finds that their owner is dead. */
  #syncFolderQuietly(): void {
    try {
      this.#syncFolder();
    } catch {
      // See above.
    }
  }

  /** The record of a writer's binding, where the file lacks it. */
  #introduce(writer: string, binding: Binding): string {
    return this.#introduced.has(writer) ? '' : encodeWriter(writer, binding);
  }
}

/** What is left of shelves where no entry is wanted: staged values. */
function stagedOf(shelves: ReadonlyMap<string, Shelf>): Map<string, Shelf> {
  return new Map([...shelves].map(([writer, shelf]) => [writer, { ...shelf, entries: new Map() }]));
}

/** A journal's text with what is wanted alone. */
function textOf(shelves: ReadonlyMap<string, Shelf>): string {
  let text = '';
  for (const [writer, { binding, entries, staged }] of shelves) {
    if (entries.size === 0 && staged === undefined) continue;
    if (binding) text += encodeWriter(writer, binding);
    for (const entry of entries.values()) text += encodeEntry(entry, false) + quarantineNote(entry);
    if (staged) text += encodeStaged(writer, staged.run, staged.values);
  }
  return text;
}

/** Records that tell that nothing on shelves is wanted. */
function doneWith(shelves: ReadonlyMap<string, Shelf>): string {
  return Array.from(shelves.values(), ({ writer, entries, staged }) => {
    const sequences = [...entries.keys()];
    const removed = sequences.length > 0 ? encodeRemoved(writer, [[sequences[0] ?? 0, sequences.at(-1) ?? 0]]) : '';
    return removed + (staged ? encodeStaged(writer, staged.run, []) : '');
  }).join('');
}

/** The record that tells that an entry is in quarantine, where it is. */
const quarantineNote = ({ writer, sequence, refusal }: StoredEntry): string =>
  refusal === undefined ? '' : encodeQuarantined(writer, sequence, refusal);

function storageException(error: unknown, path: string): StorageException {
  const code = codeOf(error) ?? 'unknown';
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new StorageException(
        `the disk is full (${code}, ${path})`,
        'Push, or make room on the disk, then commit again.',
        true,
      )
    : new StorageException(
        `the file could not be written (${code}, ${path})`,
        'Check the folder, its rights and its disk.',
      );
}
