import { randomBytes } from 'node:crypto';
import type { Warning } from '../../../core/model/events.js';
import { quietly } from '../../shared/quietly.js';
import { codeOf, type DescriptorIo, identityOf, isForbidden, useAndClose, writeAndClose } from './file-io.js';
import {
  type FilePlatform,
  type FileStats,
  type FileSystem,
  FLAGS,
  foreignWrites,
  OWN_FILE,
  PERMISSIONS,
} from './file-system.js';
import { Folder } from './folder.js';
import { rewritingPath } from './journal-name.js';

/*
 * Other users of the machine may be able to write to the folder, so:
 *
 *   - a file is created with O_EXCL and mode 0600, which no link can redirect; an existing file is opened without O_CREAT;
 *   - a file is checked before and after it is opened: it must be a regular file with one name, belong to the user of this
 *     process, and be the same file both times. O_NOFOLLOW and O_NONBLOCK close the gap between, where a system has them;
 *   - permissions and times are set by descriptor.
 */

/** The modes of opening an existing file; `append` can read too. */
const ACCESS = { read: FLAGS.O_RDONLY, append: FLAGS.O_RDWR | FLAGS.O_APPEND, overwrite: FLAGS.O_RDWR } as const;

/** Warnings name at most this many untrusted files. */
const MAX_UNTRUSTED = 10;

/** The state of an existing file. */
export interface FileState {
  /** Changes whenever the file does. */
  readonly signature: string;
  /** Whether the file may be opened. */
  readonly isTrusted: boolean;
}

export interface SyncOption {
  /** Whether the written data must survive a power cut. */
  readonly isSynced: boolean;
}

/** The paths and the mode of a file that replaces another. */
interface Replacement {
  readonly from: string;
  readonly to: string;
  readonly mode: number | undefined;
}

export const UNSYNCED: SyncOption = { isSynced: false };
export const SYNCED: SyncOption = { isSynced: true };

/** The files of one folder, protected from other users. */
export class SafeFiles {
  /** The calls that take a descriptor. */
  readonly io: DescriptorIo;
  readonly folder: Folder;
  /** Whether saved entries must survive a power cut. */
  readonly durability: SyncOption;
  readonly #fs: FileSystem;
  readonly #uid: number | undefined;
  readonly #mode: number;
  /** The user and the mode of new files: network shares and USB sticks may assign others than requested. */
  #assigned: Pick<FileStats, 'uid' | 'mode'> | undefined;
  /** The reasons not to trust files, by path. */
  readonly #untrusted = new Map<string, string>();

  constructor({ fs, uid }: FilePlatform, path: string, { mode = OWN_FILE, isSynced = true } = {}) {
    this.io = fs;
    this.folder = new Folder(fs, path, { fileMode: mode, isSynced });
    this.durability = { isSynced };
    this.#fs = fs;
    this.#uid = uid;
    this.#mode = mode;
  }

  /** Opens an existing file. Throws if it does not exist, or is not trusted. */
  open(path: string, access: keyof typeof ACCESS, { isSynced } = UNSYNCED): number {
    const fd = this.#open(path, ACCESS[access]);
    return isSynced ? this.#synced(path, fd, ACCESS[access]) : fd;
  }

  /** Opens a file to append to; creates it if it is missing. */
  openOrCreate(path: string, options: SyncOption): number {
    try {
      return this.#create(path, options);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      return this.open(path, 'append', options);
    }
  }

  /** The mode of an open file, with the permissions that are required to open it again. */
  modeOf(fd: number): number {
    return (this.#fs.fstatSync(fd).mode & PERMISSIONS) | OWN_FILE;
  }

  /** @returns `undefined` if the file does not exist. */
  inspect(path: string): FileState | undefined {
    const stats = quietly(() => this.#fs.lstatSync(path));
    if (stats === undefined) return undefined;
    const { ino, size, mtimeMs } = stats;
    return { signature: `${ino} ${size} ${mtimeMs}`, isTrusted: this.#isTrusted(path, stats) };
  }

  /** The device and inode of the file at a path; `undefined` if there is no file. */
  identityAt(path: string): string | undefined {
    return quietly(() => identityOf(this.#fs.lstatSync(path)));
  }

  rename(from: string, to: string): void {
    this.#fs.renameSync(from, to);
  }

  unlink(path: string): void {
    this.#fs.unlinkSync(path);
  }

  /** Deletes a file if possible. */
  unlinkQuietly(path: string): void {
    quietly(() => this.#fs.unlinkSync(path));
  }

  /**
   * Writes a new file beside a file, and renames it to `to`, over any file there: a crash leaves the old file or the new one.
   * Throws if the new file could not be written.
   *
   * @returns A descriptor of the new file, and its length.
   */
  replace({ from, to, mode }: Replacement, pieces: Iterable<string>): { fd: number; size: number } {
    const temporary = rewritingPath(from);
    // A crash may have interrupted an earlier rewrite.
    this.unlinkQuietly(temporary);
    let fd: number | undefined;
    try {
      // Synced at any durability: an earlier run may have synced the entries in the text.
      const size = writeAndClose(this.io, this.#create(temporary, SYNCED, mode), pieces);
      fd = this.open(temporary, 'append', this.durability);
      this.rename(temporary, to);
      return { fd, size };
    } catch (error) {
      // An incomplete file would occupy the missing space of a full disk.
      this.unlinkQuietly(temporary);
      if (fd !== undefined) this.io.closeSync(fd);
      throw error;
    }
  }

  /**
   * Sets the time of an open file.
   *
   * @param path - The path of the file, for Node's permission model, which forbids setting times by descriptor.
   * @param seconds - Unix time.
   */
  touch(path: string, fd: number, seconds: number): void {
    try {
      this.#fs.futimesSync(fd, seconds, seconds);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      this.#fs.lutimesSync(path, seconds, seconds);
    }
  }

  /** Reads a file that the system generates, in `/proc`. */
  readSystemFile(path: string): string {
    return this.#fs.readFileSync(path).toString();
  }

  readSystemLink(path: string): string {
    return this.#fs.readlinkSync(path);
  }

  /** Describes how other users can harm the saved entries, and names the files that are not trusted; repeated at each call. */
  warnings(): Warning[] {
    const untrusted = Array.from(this.#untrusted, ([path, why]) => `${path} ${why}: it is neither read nor changed.`);
    const messages = [...this.folder.problems((uid) => this.#isOwn(uid)), ...untrusted];
    return messages.map((message) => ({ code: 'unsafe-storage', message }));
  }

  #open(path: string, flags: number): number {
    const before = this.#fs.lstatSync(path);
    if (!this.#isTrusted(path, before)) throw untrusted();
    const fd = this.#fs.openSync(path, flags | FLAGS.O_NOFOLLOW | FLAGS.O_NONBLOCK);
    try {
      const opened = this.#fs.fstatSync(fd);
      if (identityOf(before) !== identityOf(opened) || !this.#isTrusted(path, opened)) throw untrusted();
      return fd;
    } catch (error) {
      this.#fs.closeSync(fd);
      throw error;
    }
  }

  #create(path: string, { isSynced }: SyncOption, mode = this.#mode): number {
    const fd = this.#fs.openSync(
      path,
      ACCESS.append | FLAGS.O_CREAT | FLAGS.O_EXCL | FLAGS.O_NOFOLLOW | FLAGS.O_NONBLOCK,
      mode,
    );
    this.#setPermissions(fd, mode);
    return isSynced ? this.#synced(path, fd, ACCESS.append) : fd;
  }

  /** Node's permission model forbids syncing a descriptor: there, reopens the file so that each write is synced. */
  #synced(path: string, fd: number, flags: number): number {
    try {
      this.#fs.fdatasyncSync(fd);
      return fd;
    } catch (error) {
      this.#fs.closeSync(fd);
      if (!isForbidden(error)) throw error;
      return this.#open(path, flags | FLAGS.O_SYNC);
    }
  }

  #isTrusted(path: string, stats: FileStats): boolean {
    const why = this.#problemOf(stats);
    if (why !== undefined && this.#untrusted.size < MAX_UNTRUSTED) this.#untrusted.set(path, why);
    return why === undefined;
  }

  #problemOf(stats: FileStats): string | undefined {
    if (stats.isSymbolicLink()) return 'is a link';
    if (!stats.isFile()) return 'is not a regular file';
    if (!this.#isOwn(stats.uid)) return 'belongs to another user';
    if (this.#isWritableByOthers(stats.mode)) return 'may be written to by other users';
    return stats.nlink > 1 ? 'has another name, in the folder or elsewhere (a hard link)' : undefined;
  }

  /** @param uid - Absent on systems without users. */
  #isOwn(uid: number | null | undefined): boolean {
    if (uid === undefined || uid === null || uid === this.#uid) return true;
    return uid === this.#probe()?.uid;
  }

  #isWritableByOthers(mode: number): boolean {
    const excess = foreignWrites(mode, this.#mode);
    return excess !== 0 && excess !== ((this.#probe()?.mode ?? 0) & excess);
  }

  /** Determines the user and the mode that the file system assigns to new files in the folder; `undefined` if no file can be created now. */
  #probe(): Pick<FileStats, 'uid' | 'mode'> | undefined {
    if (this.#assigned !== undefined) return this.#assigned;
    const path = this.folder.pathOf(`nikdev-iot-1_${randomBytes(8).toString('hex')}.probe`);
    quietly(() => {
      const fd = this.#create(path, UNSYNCED, OWN_FILE);
      try {
        this.#assigned = useAndClose(this.#fs, fd, () => this.#fs.fstatSync(fd));
      } finally {
        this.unlinkQuietly(path);
      }
    });
    return this.#assigned;
  }

  /** Restores the permissions that the umask removed. Best effort: not every file system has permissions, and Node's permission model forbids setting them. */
  #setPermissions(fd: number, mode: number): void {
    quietly(() => (this.#fs.fstatSync(fd).mode & PERMISSIONS) === mode || this.#fs.fchmodSync(fd, mode));
  }
}

const untrusted = (): Error => Object.assign(new Error('the file is not trusted'), { code: 'UNTRUSTED_FILE' });
