// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import {
  type DescriptorIo,
  identityOf,
  isFull,
  readWhole,
  storageException,
  sync,
  writePieces,
  writeText,
  writeWhole,
} from './file-io.js';
import type { SafeFiles } from './file-system.js';
import { rewritingPath } from './journal-name.js';
import { type Line, linesOf } from './lines.js';

/** The bytes of a file that only this process writes to, as long as its path leads to it. It is made when it is first needed. */
export class FileHandle {
  readonly #files: SafeFiles;
  readonly #io: DescriptorIo;
  readonly #isSynced: boolean;
  #path: string;
  #fd: number | undefined;
  /** The device and inode of the file that was opened: a descriptor that somebody else closed may be another file's by now. */
  #identity = '';
  #size = 0;
  /** Whether the file is to be there: else it is made. */
  #isMade: boolean;
  #isFolderSynced = false;
  #isBroken = false;

  /**
   * @param isNew - Whether it is to be made.
   * @param isSynced - Whether what is saved must survive a power cut.
   */
  constructor(files: SafeFiles, path: string, { isNew, isSynced }: { isNew: boolean; isSynced: boolean }) {
    this.#files = files;
    this.#io = files.io;
    this.#path = path;
    this.#isMade = !isNew;
    this.#isSynced = isSynced;
  }

  get path(): string {
    return this.#path;
  }

  /** How many bytes were written whole. */
  get size(): number {
    return this.#size;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /**
   * Whether it may have gone without any harm: it holds nothing, so that anybody may clear it away who takes its owner for
   * dead; or nothing that was promised.
   */
  get isTentative(): boolean {
    return this.#size === 0 || (this.#isSynced && !this.#isFolderSynced);
  }

  /**
   * Whether nothing more may be saved in it. A write failed, for another reason than a full disk: its descriptor may be dead,
   * though the path works. A sync failed: what the system still has in memory may never reach the disk, whatever it says
   * later. Or half a record could not be cut off: then its size is not known.
   */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** All of it, even if its path leads elsewhere by now. Throws if its descriptor is dead. */
  read(): Buffer {
    return readWhole(this.#io, this.#openOwn());
  }

  /** Its lines, read in pieces; as {@link FileHandle.read}. */
  lines(): Generator<Line> {
    return linesOf(this.#io, this.#openOwn());
  }

  /** All of its bytes are there, as somebody has just read them. */
  measure(): void {
    this.#size = this.#io.fstatSync(this.#open()).size;
  }

  /**
   * Appends all of a text or nothing.
   *
   * @param length - How many bytes of UTF-8 it takes.
   * @throws {@link StorageException} if it could not be written.
   */
  append(text: string, isSynced: boolean, length = Buffer.byteLength(text)): void {
    this.#append(text, isSynced, length);
  }

  /** Appends all pieces of a text, each made when it is written, or nothing. @throws {@link StorageException} if one could not be written. */
  appendAll(pieces: Iterable<string>, isSynced: boolean): void {
    this.#append(pieces, isSynced);
  }

  /** Empties it. @throws {@link StorageException} if that failed. */
  truncate(): void {
    try {
      this.#io.ftruncateSync(this.#open(), 0);
    } catch (error) {
      throw storageException(error, this.#path);
    }
    this.#size = 0;
  }

  /** Writes in the midst of it, and cuts it. @throws {@link StorageException} if that failed; a part may have been written. */
  overwrite(writes: readonly { readonly position: number; readonly bytes: Buffer }[], length: number): void {
    try {
      if (!this.isInPlace()) throw new Error('its path leads elsewhere');
      // Its own descriptor appends, wherever it is told to write.
      const fd = this.#files.openSynced(this.#path, 'overwrite');
      try {
        if (this.#isForeign(fd)) throw new Error('its path leads elsewhere');
        for (const { position, bytes } of writes) writeWhole(this.#io, fd, bytes, position);
        // Whatever the durability: what was moved must be on the disk before it is cut off where an earlier run synced it.
        sync(this.#io, fd);
        this.#io.ftruncateSync(fd, length);
      } finally {
        this.#io.closeSync(fd);
      }
    } catch (error) {
      throw storageException(error, this.#path);
    }
    this.#size = length;
  }

  /**
   * Goes on with a new file of another text, which is written under another name and then takes the place of `path`: a crash
   * leaves the one or the other. Throws if that failed.
   *
   * @param pieces - The text; each is made when it is written.
   * @param tombstone - What is to stand at the end of the file that was replaced.
   */
  replace(path: string, pieces: Iterable<string>, tombstone: (() => string) | undefined): void {
    const { fd, size } = this.#writeNew(path, pieces);
    if (this.#fd !== undefined && tombstone) this.#appendTombstone(this.#fd, tombstone);
    this.close();
    this.#path = path;
    this.#setDescriptor(fd);
    this.#size = size;
    this.#isBroken = false;
    this.#isFolderSynced = false;
  }

  /** Whether its path still leads to the file that is written to, and nobody has cut that. */
  isInPlace(): boolean {
    return this.#fd === undefined || (this.#lengthInPlace() ?? -1) >= this.#size;
  }

  /** Whether its path still leads to the file that is written to, be that cut or not. */
  isReachable(): boolean {
    return this.#lengthInPlace() !== undefined;
  }

  /** As {@link FileHandle.isReachable}, also if its descriptor has died since. */
  isAtPath(): boolean {
    return this.isReachable() || this.#isUnderPath();
  }

  /** Opens it anew by its path the next time, if only its descriptor died. */
  reopenIfDead(): void {
    const fd = this.#fd;
    // Not closed: its number may be another file's by now.
    if (fd !== undefined && this.#isDead(fd) && this.#isUnderPath()) this.#fd = undefined;
  }

  /** Sets its time, in seconds, where it was made. */
  touch(seconds: number): void {
    if (this.#fd === undefined) return;
    if (!this.#isFolderSynced && this.#size > 0) this.syncFolderQuietly();
    this.#files.touch(this.#path, this.#fd, seconds);
  }

  /** Gives it another name in its folder. Throws if that failed. */
  rename(path: string): void {
    this.#files.rename(this.#path, path);
    this.#path = path;
    this.syncFolderQuietly();
  }

  /** Deletes it. Throws if that failed. */
  unlink(): void {
    this.#files.unlink(this.#path);
  }

  /** Closes its descriptor, unless that is dead. */
  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      if (fd !== undefined && !this.#isDead(fd)) this.#io.closeSync(fd);
    } catch {
      // There is nothing to close.
    }
  }

  /** Where that fails a power cut may bring the old names back: whoever looks then finds that their owner is dead. */
  syncFolderQuietly(): void {
    try {
      this.#syncFolder();
    } catch {
      // See above.
    }
  }

  /** A file that comes or goes is one only once its folder is on the disk. */
  #syncFolder(): void {
    if (this.#isSynced) this.#files.syncFolder();
    this.#isFolderSynced = true;
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    if (this.#size === 0) this.#files.makeFolder(this.#isSynced);
    try {
      const fd = this.#isMade ? this.#openAt(this.#path) : this.#files.openOrCreate(this.#path, this.#isSynced);
      this.#setDescriptor(fd);
      return fd;
    } catch (error) {
      // It may have been made, and another may adopt it while it is empty: two files of one name would replace each other.
      this.#isBroken ||= this.#identity === '';
      throw error;
    }
  }

  #openOwn(): number {
    const fd = this.#open();
    if (this.#isForeign(fd)) throw Object.assign(new Error('the descriptor is another file’s'), { code: 'EBADF' });
    return fd;
  }

  #isDead(fd: number): boolean {
    try {
      return this.#isForeign(fd);
    } catch {
      return true;
    }
  }

  #setDescriptor(fd: number): void {
    this.#fd = fd;
    this.#isMade = true;
    this.#identity = identityOf(this.#io.fstatSync(fd));
  }

  #isForeign(fd: number): boolean {
    return identityOf(this.#io.fstatSync(fd)) !== this.#identity;
  }

  #isUnderPath(): boolean {
    return this.#files.identityAt(this.#path) === this.#identity;
  }

  #openAt(path: string): number {
    return this.#isSynced ? this.#files.openSynced(path, 'append') : this.#files.open(path, 'append');
  }

  /** @param length - Of a text that is one piece. */
  #append(text: string | Iterable<string>, isSynced: boolean, length = 0): void {
    try {
      const fd = this.#open();
      if (isSynced && !this.#isFolderSynced) this.#syncFolder();
      this.#size += this.#write(fd, text, length, isSynced);
    } catch (error) {
      throw storageException(error, this.#path);
    }
  }

  /** @returns How many bytes it wrote. */
  #write(fd: number, text: string | Iterable<string>, length: number, isSynced: boolean): number {
    let isWritten = false;
    try {
      if (typeof text === 'string') writeText(this.#io, fd, text, length);
      const size = typeof text === 'string' ? length : writePieces(this.#io, fd, text);
      isWritten = true;
      if (isSynced) sync(this.#io, fd);
      return size;
    } catch (error) {
      // Half a record would hold the room that is missing; and what was not synced was never saved. Where the size is not
      // known, nothing is cut: it could be what others rely on.
      if (!this.#isBroken) this.#cutBack(fd);
      this.#isBroken ||= isWritten || !isFull(error);
      throw error;
    }
  }

  #cutBack(fd: number): void {
    try {
      this.#io.ftruncateSync(fd, this.#size);
    } catch {
      this.#isBroken = true;
    }
  }

  /** @returns The descriptor of the new file, and how long it is. */
  #writeNew(path: string, pieces: Iterable<string>): { fd: number; size: number } {
    const temporary = rewritingPath(this.#path);
    // Of a rewrite that a crash cut short.
    this.#files.unlinkQuietly(temporary);
    const size = this.#writeSynced(this.#files.createSynced(temporary, this.#mode()), temporary, pieces);
    let fd: number | undefined;
    try {
      fd = this.#openAt(temporary);
      this.#files.rename(temporary, path);
      return { fd, size };
    } catch (error) {
      if (fd !== undefined) this.#io.closeSync(fd);
      this.#files.unlinkQuietly(temporary);
      throw error;
    }
  }

  /** Syncs whatever the durability, as the text holds entries that an earlier run synced. */
  #writeSynced(fd: number, path: string, pieces: Iterable<string>): number {
    try {
      const size = writePieces(this.#io, fd, pieces);
      sync(this.#io, fd);
      return size;
    } catch (error) {
      // On a full disk it would hold the room that is missing.
      this.#files.unlinkQuietly(path);
      throw error;
    } finally {
      this.#io.closeSync(fd);
    }
  }

  /** The rights that the file has, which somebody may have set; `undefined` if its descriptor is dead. */
  #mode(): number | undefined {
    return this.#fd === undefined || this.#isDead(this.#fd) ? undefined : this.#files.modeOf(this.#fd);
  }

  /** Not before the new one is sure to stand in its place: a power cut could bring the old one back. */
  #appendTombstone(fd: number, tombstone: () => string): void {
    try {
      this.#files.syncFolder();
      writeWhole(this.#io, fd, Buffer.from(tombstone()));
    } catch {
      // As long as the new one stands in the folder, that tells the same.
    }
  }

  /** @returns The length of the file under its path; `undefined` if that is another, or none. */
  #lengthInPlace(): number | undefined {
    return this.#fd === undefined ? undefined : this.#files.lengthInPlace(this.#path, this.#fd);
  }
}
