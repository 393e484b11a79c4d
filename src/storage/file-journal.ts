import { dirname, join } from 'node:path';
import type { Binding } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import { StorageException } from '../core/exceptions.js';
import type { Value } from '../core/value.js';
import { journalName } from './file-owner.js';
import { type Contents, encodeEntry, encodeRemoved, encodeStaged, encodeWriter, readJournal } from './file-record.js';
import type { FileSystem } from './file-system.js';
import { SequenceSet } from './sequence-set.js';

/** A journal is rewritten once it exceeds this and twice the bytes that are queued in it. */
const SLACK_BYTES = 64 * 1024;

/** What of one writer is in a journal and still wanted. */
interface Live {
  readonly sequences: SequenceSet;
  hasStaged: boolean;
}

/** One journal file that this process owns; file-record.ts tells its format. */
export class Journal {
  /** The part of its name that stays when its owner changes. */
  readonly file: string;
  readonly #fs: FileSystem;
  readonly #isSynced: boolean;
  /** By writer id, for those that the file introduces. Exact, so that what is removed twice counts once. */
  readonly #live = new Map<string, Live>();
  #path: string;
  #fd: number | undefined;
  #size = 0;
  #entries = 0;
  #entryBytes = 0;
  #compactAt = SLACK_BYTES;
  /** Lines that can't be read, and that are not yet set aside. */
  #unreadable: readonly Buffer[] = [];
  #newer = false;

  /** @param isSynced - Whether a saved entry must survive a power cut when the call returns. */
  constructor(fs: FileSystem, path: string, file: string, isSynced: boolean) {
    this.#fs = fs;
    this.#path = path;
    this.file = file;
    this.#isSynced = isSynced;
  }

  get path(): string {
    return this.#path;
  }

  /** Whether nothing in it is wanted any more. */
  get isDrained(): boolean {
    return this.#entries === 0 && !this.#hasStaged();
  }

  /** How many entries of a writer are in it and wanted. */
  countOf(writer: string): number {
    return this.#live.get(writer)?.sequences.size ?? 0;
  }

  /** Reads what the file holds, in full, and takes stock of it; even if its path leads elsewhere by now. */
  read(): Contents {
    const bytes = readWhole(this.#fs, this.#open());
    const contents = readJournal(bytes);
    this.#size = bytes.length;
    this.#unreadable = contents.unreadable;
    this.#newer = contents.newer;
    this.#forgetAll();
    for (const [writer, { entries, staged }] of contents.shelves) {
      this.#liveOf(writer).hasStaged = staged !== undefined;
      for (const entry of entries.values()) this.#count(entry);
    }
    return contents;
  }

  /** @throws {@link StorageException} if it could not be saved; the file is as before. */
  saveEntry(entry: StoredEntry, binding: Binding, forgetStaged: boolean): void {
    this.#append(this.#introduce(entry.writer, binding) + encodeEntry(entry, forgetStaged), this.#isSynced);
    if (forgetStaged) this.#liveOf(entry.writer).hasStaged = false;
    this.#count(entry);
  }

  /** Not synced: staged values are promised nothing before they are committed. */
  saveStaged(writer: string, binding: Binding, run: number, values: readonly Value[]): void {
    this.#append(this.#introduce(writer, binding) + encodeStaged(writer, run, values), false);
    this.#liveOf(writer).hasStaged = values.length > 0;
    this.#compactIfLarge();
  }

  /**
   * Forgets entries; those that are not in it are passed over. Not synced: after a power cut they would be sent twice,
   * never lost.
   *
   * @throws {@link StorageException} if it could not be written; trying again is harmless.
   */
  remove(entries: readonly StoredEntry[]): void {
    const present = entries.filter(({ writer, sequence }) => this.#live.get(writer)?.sequences.has(sequence));
    if (present.length === 0) return;
    if (present.length === this.#entries && !this.#hasStaged() && this.#isPlain()) {
      this.#truncate();
      return;
    }
    const removed = new Map<string, SequenceSet>();
    for (const { writer, sequence } of present) {
      const sequences = removed.get(writer) ?? new SequenceSet();
      removed.set(writer, sequences);
      sequences.add(sequence);
    }
    this.#append(Array.from(removed, ([writer, { ranges }]) => encodeRemoved(writer, ranges)).join(''), false);
    for (const entry of present) this.#uncount(entry);
    this.#compactIfLarge();
  }

  /** Whether its path still leads to the file that is written to. */
  isInPlace(): boolean {
    if (this.#fd === undefined) return true;
    try {
      const [there, here] = [this.#fs.statSync(this.#path), this.#fs.fstatSync(this.#fd)];
      return there.ino === here.ino && there.dev === here.dev;
    } catch {
      return false;
    }
  }

  /** Shows others that its owner lives. @param seconds - The file's new time. */
  touch(seconds: number): void {
    if (this.#size > 0) this.#fs.utimesSync(this.#path, seconds, seconds);
  }

  /** Gives the file another owner; `undefined`: nobody. */
  rename(owner: string | undefined): void {
    const path = join(dirname(this.#path), journalName(owner, this.file));
    this.#fs.renameSync(this.#path, path);
    this.#path = path;
    this.#syncFolder();
  }

  /** Ends it: a drained file is deleted, any other is left to nobody. What can't be read is set aside, never deleted. */
  release(): void {
    try {
      if (this.#size === 0 && this.#fd === undefined) return;
      if (this.isDrained && !this.#newer) {
        this.#setAside();
        this.#fs.unlinkSync(this.#path);
      } else {
        this.rename(undefined);
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#fd !== undefined) this.#fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  /**
   * Rewrites the file without what is not wanted any more, under another name that then takes its place: a crash leaves
   * the one or the other. Failing is harmless; it is tried again after as much growth.
   */
  #compactIfLarge(): void {
    if (this.#size <= Math.max(this.#compactAt, SLACK_BYTES + 2 * this.#entryBytes) || this.#newer) return;
    this.#compactAt = this.#size + SLACK_BYTES;
    const temporary = join(dirname(this.#path), `nikdev-iot-1_${this.file}.tmp`);
    try {
      const contents = this.read();
      this.#setAside();
      const bytes = Buffer.from(rewrite(contents));
      this.#fs.closeSync(this.#fs.openSync(temporary, 'w'));
      const fd = this.#fs.openSync(temporary, 'a+');
      try {
        writeWhole(this.#fs, fd, bytes);
        if (this.#isSynced) this.#fs.fsyncSync(fd);
        this.#fs.renameSync(temporary, this.#path);
      } catch (error) {
        this.#fs.closeSync(fd);
        throw error;
      }
      this.close();
      this.#fd = fd;
      this.#syncFolder();
      this.read();
      this.#compactAt = SLACK_BYTES;
    } catch {
      // Whichever file stands under the path is whole.
    }
  }

  #append(text: string, isSynced: boolean): void {
    try {
      const fd = this.#open();
      const length = Buffer.byteLength(text);
      try {
        const written = this.#fs.writeSync(fd, text);
        if (written < length) writeWhole(this.#fs, fd, Buffer.from(text).subarray(written));
        if (isSynced) this.#fs.fdatasyncSync(fd);
      } catch (error) {
        // Half a record would hold the room that is missing; and what was not synced was never saved.
        this.#fs.ftruncateSync(fd, this.#size);
        throw error;
      }
      this.#size += length;
    } catch (error) {
      throw storageException(error, this.#path);
    }
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    if (this.#size === 0) this.#fs.mkdirSync(dirname(this.#path), { recursive: true });
    this.#fd = this.#fs.openSync(this.#path, 'a+');
    if (this.#size === 0) this.#syncFolder();
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
    this.#forgetAll();
  }

  /** Whether all that the file holds can be read, by this release. */
  #isPlain(): boolean {
    return !this.#newer && this.#unreadable.length === 0;
  }

  #setAside(): void {
    if (this.#unreadable.length === 0) return;
    const path = join(dirname(this.#path), `nikdev-iot-1_${this.file}.unreadable`);
    const fd = this.#fs.openSync(path, 'a');
    try {
      writeWhole(this.#fs, fd, Buffer.concat(this.#unreadable.flatMap((line) => [line, Buffer.from('\n')])));
      if (this.#isSynced) this.#fs.fsyncSync(fd);
    } finally {
      this.#fs.closeSync(fd);
    }
    this.#unreadable = [];
  }

  /** A file that comes or goes is one only once its folder is on the disk. */
  #syncFolder(): void {
    if (!this.#isSynced) return;
    const fd = this.#fs.openSync(dirname(this.#path), 'r');
    try {
      this.#fs.fsyncSync(fd);
    } finally {
      this.#fs.closeSync(fd);
    }
  }

  /** The record of a writer's binding, where the file lacks it. */
  #introduce(writer: string, binding: Binding): string {
    return this.#live.has(writer) ? '' : encodeWriter(writer, binding);
  }

  #liveOf(writer: string): Live {
    const live = this.#live.get(writer) ?? { sequences: new SequenceSet(), hasStaged: false };
    this.#live.set(writer, live);
    return live;
  }

  #hasStaged(): boolean {
    for (const { hasStaged } of this.#live.values()) if (hasStaged) return true;
    return false;
  }

  #count(entry: StoredEntry): void {
    if (!this.#liveOf(entry.writer).sequences.add(entry.sequence)) return;
    this.#entries += 1;
    this.#entryBytes += Buffer.byteLength(entry.values);
  }

  #uncount(entry: StoredEntry): void {
    if (!this.#live.get(entry.writer)?.sequences.delete(entry.sequence)) return;
    this.#entries -= 1;
    this.#entryBytes -= Buffer.byteLength(entry.values);
  }

  #forgetAll(): void {
    this.#live.clear();
    this.#entries = 0;
    this.#entryBytes = 0;
  }
}

/** A journal's text with what is wanted alone. */
function rewrite({ shelves }: Contents): string {
  let text = '';
  for (const [writer, { binding, entries, staged }] of shelves) {
    if (entries.size === 0 && staged === undefined) continue;
    if (binding) text += encodeWriter(writer, binding);
    for (const entry of entries.values()) text += encodeEntry(entry, false);
    if (staged) text += encodeStaged(writer, staged.run, staged.values);
  }
  return text;
}

function readWhole(fs: FileSystem, fd: number): Buffer {
  const bytes = Buffer.allocUnsafe(fs.fstatSync(fd).size);
  let read = 0;
  for (let count = -1; count !== 0 && read < bytes.length; read += count) {
    count = fs.readSync(fd, bytes, read, bytes.length - read, read);
  }
  return bytes.subarray(0, read);
}

/** A disk that is nearly full takes a part, and says so only by the count. */
function writeWhole(fs: FileSystem, fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) {
    const count = fs.writeSync(fd, bytes, written);
    if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    written += count;
  }
}

function storageException(error: unknown, path: string): StorageException {
  const code = error instanceof Object && 'code' in error ? String(error.code) : 'unknown';
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new StorageException(`the disk is full (${code}, ${path})`, 'Push, or make room on the disk, then commit again.')
    : new StorageException(
        `the file could not be written (${code}, ${path})`,
        'Check the folder, its rights and its disk.',
      );
}
