// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import type { PlacedBytes } from '../../shared/journal/compaction.js';
import type { Line } from '../../shared/journal/lines.js';
import { quietly } from '../../shared/quietly.js';
import {
  type DescriptorIo,
  identityOf,
  isFull,
  readWhole,
  storageException,
  sync,
  useAndClose,
  writePieces,
  writeText,
  writeWhole,
} from './file-io.js';
import { linesOf } from './lines.js';
import { type SafeFiles, SYNCED, type SyncOption, UNSYNCED } from './safe-files.js';

/** The bytes of one file, created at its first use. Only this process writes to the file, as long as the path leads to it. */
export class FileHandle {
  readonly #files: SafeFiles;
  readonly #io: DescriptorIo;
  #path: string;
  #fd: number | undefined;
  /** The device and inode of the opened file: other code may close the descriptor, and the system reuses its number. */
  #identity = '';
  #size = 0;
  /** Whether the file exists. */
  #isCreated: boolean;
  #isFolderSynced = false;
  #isBroken = false;

  /** @param isNew - Whether the file has to be created. */
  constructor(files: SafeFiles, path: string, { isNew }: { readonly isNew: boolean }) {
    this.#files = files;
    this.#io = files.io;
    this.#path = path;
    this.#isCreated = !isNew;
  }

  get path(): string {
    return this.#path;
  }

  /** The number of bytes that were written completely. */
  get size(): number {
    return this.#size;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /**
   * Whether a deletion of the file loses nothing: either its name was never synced, or it is empty, so that a process that
   * presumes its owner dead may delete it.
   */
  get isTentative(): boolean {
    return this.#size === 0 || (this.#files.durability.isSynced && !this.#isFolderSynced);
  }

  /**
   * Whether nothing more may be saved in the file, for one of three reasons. A write failed although the disk is not full: the
   * descriptor may be dead while the path works. A sync failed: the cached data may never reach the disk, even if a later sync
   * succeeds. Half a record could not be truncated: the size is unknown.
   */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Reads the file, even if the path leads to another file now. Throws if the descriptor is dead. */
  read(): Buffer {
    return readWhole(this.#io, this.#openOwn());
  }

  /** Reads the lines of the file piece by piece; as {@link FileHandle.read}. */
  lines(): Generator<Line> {
    return linesOf(this.#io, this.#openOwn());
  }

  /** Takes the length of the file, which was just read completely, as its size. */
  measure(): void {
    this.#size = this.#io.fstatSync(this.#open()).size;
  }

  /**
   * Appends the whole text or nothing; a power cut may undo it.
   *
   * @throws {@link StorageException} if the text could not be written.
   */
  append(text: string): void {
    this.#append(text, UNSYNCED, Buffer.byteLength(text));
  }

  /**
   * Appends the whole text or nothing, as durably as entries are saved.
   *
   * @param length - The length of the text in bytes of UTF-8.
   * @throws {@link StorageException} if the text could not be written.
   */
  appendDurably(text: string, length = Buffer.byteLength(text)): void {
    this.#append(text, this.#files.durability, length);
  }

  /** As {@link FileHandle.appendDurably}, for a text in pieces, each made when it is written. */
  appendPieces(pieces: Iterable<string>): void {
    this.#append(pieces, this.#files.durability);
  }

  /** @throws {@link StorageException} */
  truncate(): void {
    try {
      this.#io.ftruncateSync(this.#open(), 0);
    } catch (error) {
      throw storageException(error, this.#path);
    }
    this.#size = 0;
  }

  /** Writes at positions within the file, and truncates it to a length. @throws {@link StorageException}; a part may have been written. */
  overwrite(writes: readonly PlacedBytes[], length: number): void {
    try {
      if (!this.isInPlace()) throw new Error('the path leads to another file');
      // The descriptor of this handle appends at any position.
      useAndClose(this.#io, this.#files.open(this.#path, 'overwrite', SYNCED), (fd) => {
        if (this.#isForeign(fd)) throw new Error('the path leads to another file');
        for (const { position, bytes } of writes) writeWhole(this.#io, fd, bytes, position);
        // Synced at any durability: an earlier run may have synced the records whose old places are truncated next.
        sync(this.#io, fd);
        this.#io.ftruncateSync(fd, length);
      });
    } catch (error) {
      throw storageException(error, this.#path);
    }
    this.#size = length;
  }

  /**
   * Continues with a new file, which replaces the file at `path`. Throws if the new file could not be written.
   *
   * @param pieces - The text of the new file; each piece is made when it is written.
   * @param tombstone - Makes the text to append to the replaced file.
   */
  replace(path: string, pieces: Iterable<string>, tombstone: (() => string) | undefined): void {
    const { fd, size } = this.#files.replace({ from: this.#path, to: path, mode: this.#mode() }, pieces);
    if (this.#fd !== undefined && tombstone) this.#appendTombstone(this.#fd, tombstone);
    this.close();
    this.#path = path;
    this.#setDescriptor(fd);
    this.#size = size;
    this.#isBroken = false;
    this.#isFolderSynced = false;
  }

  /** Whether the path still leads to the open file, and nobody has truncated the file. */
  isInPlace(): boolean {
    return this.#fd === undefined || (this.#lengthInPlace() ?? -1) >= this.#size;
  }

  /** Whether another program has truncated the open file: it is shorter than this process left it. Appending keeps the difference. */
  isTruncated(): boolean {
    const fd = this.#fd;
    return fd !== undefined && (quietly(() => this.#io.fstatSync(fd).size < this.#size) ?? false);
  }

  /** Whether the path still leads to the open file, truncated or not. */
  isReachable(): boolean {
    return this.#lengthInPlace() !== undefined;
  }

  /** As {@link FileHandle.isReachable}, but the descriptor may be dead. */
  isAtPath(): boolean {
    return this.isReachable() || this.#isUnderPath();
  }

  /** Has the next operation reopen the file by its path, if only the descriptor is dead. */
  reopenIfDead(): void {
    const fd = this.#fd;
    // Not closed: the system may have reused the number.
    if (fd !== undefined && this.#isDead(fd) && this.#isUnderPath()) this.#fd = undefined;
  }

  /** Sets the time of the file, if it is open. @param seconds - Unix time. */
  touch(seconds: number): void {
    if (this.#fd === undefined) return;
    if (!this.#isFolderSynced && this.#size > 0) this.syncFolderQuietly();
    this.#files.touch(this.#path, this.#fd, seconds);
  }

  /** Throws if the file can't be renamed. */
  rename(path: string): void {
    this.#files.rename(this.#path, path);
    this.#path = path;
    this.syncFolderQuietly();
  }

  /** Throws if the file can't be deleted. */
  unlink(): void {
    this.#files.unlink(this.#path);
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    quietly(() => fd === undefined || this.#isDead(fd) || this.#io.closeSync(fd));
  }

  /** Best effort: a power cut may bring the old file names back, and their owner is dead then. */
  syncFolderQuietly(): void {
    quietly(() => this.#syncFolder());
  }

  /** A created, renamed or deleted file survives a power cut only once its folder is synced. */
  #syncFolder(): void {
    if (this.#files.durability.isSynced) this.#files.folder.sync();
    this.#isFolderSynced = true;
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    const { durability } = this.#files;
    if (this.#size === 0) this.#files.folder.make();
    try {
      const fd = this.#isCreated
        ? this.#files.open(this.#path, 'append', durability)
        : this.#files.openOrCreate(this.#path, durability);
      this.#setDescriptor(fd);
      return fd;
    } catch (error) {
      // The file may exist, and another process may adopt it while it is empty: two files of one name would replace each other.
      this.#isBroken ||= this.#identity === '';
      throw error;
    }
  }

  #openOwn(): number {
    const fd = this.#open();
    if (this.#isForeign(fd)) throw Object.assign(new Error('the descriptor is of another file'), { code: 'EBADF' });
    return fd;
  }

  #isDead(fd: number): boolean {
    return quietly(() => this.#isForeign(fd)) ?? true;
  }

  #setDescriptor(fd: number): void {
    this.#fd = fd;
    this.#isCreated = true;
    this.#identity = identityOf(this.#io.fstatSync(fd));
  }

  #isForeign(fd: number): boolean {
    return identityOf(this.#io.fstatSync(fd)) !== this.#identity;
  }

  #isUnderPath(): boolean {
    return this.#files.identityAt(this.#path) === this.#identity;
  }

  /** @param length - The length in bytes of a text in one piece. */
  #append(text: string | Iterable<string>, { isSynced }: SyncOption, length = 0): void {
    try {
      const fd = this.#open();
      if (isSynced && !this.#isFolderSynced) this.#syncFolder();
      const size = this.#write(fd, text, length);
      if (isSynced) this.#sync(fd);
      this.#size += size;
    } catch (error) {
      throw storageException(error, this.#path);
    }
  }

  /** @returns The number of bytes written. */
  #write(fd: number, text: string | Iterable<string>, length: number): number {
    try {
      if (typeof text !== 'string') return writePieces(this.#io, fd, text);
      writeText(this.#io, fd, text, length);
      return length;
    } catch (error) {
      this.#undo(fd);
      this.#isBroken ||= !isFull(error);
      throw error;
    }
  }

  #sync(fd: number): void {
    try {
      sync(this.#io, fd);
    } catch (error) {
      this.#undo(fd);
      this.#isBroken = true;
      throw error;
    }
  }

  /** Removes a record that was not written or synced completely: it would occupy the missing space, or be read as saved. */
  #undo(fd: number): void {
    // A truncation to an unknown size could remove saved records.
    if (this.#isBroken) return;
    try {
      // A file that another program truncated would be extended by zeros, which hide the loss.
      if (this.#io.fstatSync(fd).size < this.#size) this.#isBroken = true;
      else this.#io.ftruncateSync(fd, this.#size);
    } catch {
      this.#isBroken = true;
    }
  }

  /** The mode of the file, which an operator may have set; `undefined` if the descriptor is dead. */
  #mode(): number | undefined {
    return this.#fd === undefined || this.#isDead(this.#fd) ? undefined : this.#files.modeOf(this.#fd);
  }

  /** Best effort: while the new file exists, its name reports the same. The new file is synced first: a power cut could bring the old file back. */
  #appendTombstone(fd: number, tombstone: () => string): void {
    quietly(() => {
      this.#files.folder.sync();
      writeWhole(this.#io, fd, Buffer.from(tombstone()));
    });
  }

  /** @returns The length of the open file; `undefined` if the path does not lead to this file. */
  #lengthInPlace(): number | undefined {
    const fd = this.#fd;
    const opened = fd === undefined ? undefined : quietly(() => this.#io.fstatSync(fd));
    return opened && this.#files.identityAt(this.#path) === identityOf(opened) ? opened.size : undefined;
  }
}
