import { randomBytes } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Warning } from '../../../core/model/events.js';
import { codeOf, type DescriptorIo, identityOf, isForbidden } from './file-io.js';

/*
 * The only module of the file storage that touches paths. Other users of the machine may write to the folder, so:
 *
 *   - a file is made with O_EXCL and mode 0600, which no link can redirect; one that is there is opened without O_CREAT;
 *   - whatever is opened is looked at before and after: a regular file with one name, of this process's own user, and the
 *     same file both times. O_NOFOLLOW and O_NONBLOCK close the moment between, where a system has them;
 *   - rights and times are set on descriptors.
 *
 * The folder is the operator's choice: it may be a link, and is judged, with a warning, by where that leads.
 */

/** The members of `node:fs` that are used, so that a test can stand in for a disk. */
export type FileSystem = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'fchmodSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'futimesSync'
  | 'lstatSync'
  | 'lutimesSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'readlinkSync'
  | 'readSync'
  | 'renameSync'
  | 'statSync'
  | 'unlinkSync'
  | 'writeSync'
>;

/** The file system, and the processes that own files in it. */
export interface FilePlatform {
  readonly fs: FileSystem;
  /** This process's number. */
  readonly pid: number;
  /** This process's user; absent where that can't be looked up, or systems have none. */
  readonly uid?: number | undefined;
  /** Whether there is a process of this number, whoever's it is. */
  isRunning(pid: number): boolean;
  /** The ids of the stores that are open in this thread. Absent: all of them register in one set of the thread. */
  readonly openStores?: Set<string>;
}

/** The platform that this process runs on. */
export const systemPlatform = (): FilePlatform => ({ fs: nodeFs, pid: process.pid, uid: ownUser(), isRunning });

function ownUser(): number | undefined {
  try {
    return process.geteuid?.();
  } catch {
    // Deno asks for a right to that.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = nodeFs.constants;
// Windows has none of these.
const {
  O_DIRECTORY = 0,
  O_NOFOLLOW = 0,
  O_NONBLOCK = 0,
  O_SYNC = 0,
} = nodeFs.constants as Partial<typeof nodeFs.constants>;

/** How a file is opened that is there: `append` reads, too. */
const ACCESS = { read: O_RDONLY, append: O_RDWR | O_APPEND, overwrite: O_RDWR } as const;

/** The rights of a file, which those of its folder follow from. */
export const OWN_FILE = 0o600;
const RIGHTS = 0o777;
const WRITABLE_BY_OTHERS = 0o022;
const ROOT = 0;
/** Whether rights mean anything here. */
const HAS_USERS = O_NOFOLLOW !== 0;

/** Of so many files that were refused the names are kept, for warnings. */
const MAX_REFUSED = 10;

type Stats = Pick<nodeFs.Stats, 'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'isFile' | 'isSymbolicLink'>;

/** A file that is there. */
export interface FileState {
  /** Changes whenever the file does. */
  readonly signature: string;
  /** Whether it may be opened. */
  readonly isTrusted: boolean;
}

/** The files of one folder. */
export class SafeFiles {
  /** The calls that take a descriptor. */
  readonly io: DescriptorIo;
  readonly folder: string;
  readonly #fs: FileSystem;
  readonly #uid: number | undefined;
  readonly #mode: number;
  /** The user and the rights that the file system gives to new files: on shares and sticks others than were asked for. */
  #given: Pick<Stats, 'uid' | 'mode'> | undefined;
  /** By path, why files were refused. */
  readonly #refused = new Map<string, string>();

  /** @param mode - The rights of the files that it makes. */
  constructor({ fs, uid }: FilePlatform, folder: string, mode = OWN_FILE) {
    this.io = fs;
    this.folder = folder;
    this.#fs = fs;
    this.#uid = uid;
    this.#mode = mode;
  }

  /** Opens a file that is there. Throws if it isn't, or isn't this user's. */
  open(path: string, access: keyof typeof ACCESS): number {
    return this.#open(path, ACCESS[access]);
  }

  /** As {@link SafeFiles.open}, for what must outlast a power cut. */
  openSynced(path: string, access: 'append' | 'overwrite'): number {
    return this.#synced(path, access, this.open(path, access));
  }

  /** Makes a file to append to. Throws if one is there. @param mode - Its rights. */
  create(path: string, mode = this.#mode): number {
    const fd = this.#fs.openSync(path, ACCESS.append | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, mode);
    this.#setRights(fd, mode);
    return fd;
  }

  /** As {@link SafeFiles.create}, for what must outlast a power cut. */
  createSynced(path: string, mode?: number): number {
    return this.#synced(path, 'append', this.create(path, mode));
  }

  /** Opens a file to append to, which is made if it is missing. */
  openOrCreate(path: string, isSynced: boolean): number {
    try {
      return isSynced ? this.createSynced(path) : this.create(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      return isSynced ? this.openSynced(path, 'append') : this.open(path, 'append');
    }
  }

  /** The rights of an open file, and those without which it can't be opened again. */
  modeOf(fd: number): number {
    return (this.#fs.fstatSync(fd).mode & RIGHTS) | OWN_FILE;
  }

  /** @returns `undefined` if there is no such file. */
  inspect(path: string): FileState | undefined {
    try {
      const stats = this.#fs.lstatSync(path);
      const { ino, size, mtimeMs } = stats;
      return { signature: `${ino} ${size} ${mtimeMs}`, isTrusted: this.#isTrusted(path, stats) };
    } catch {
      return undefined;
    }
  }

  /** The length of an open file, if its path leads to it; else `undefined`. */
  lengthInPlace(path: string, fd: number): number | undefined {
    try {
      const here = this.#fs.fstatSync(fd);
      return this.identityAt(path) === identityOf(here) ? here.size : undefined;
    } catch {
      return undefined;
    }
  }

  /** The device and inode of the file under a path; `undefined` if there is none. */
  identityAt(path: string): string | undefined {
    try {
      return identityOf(this.#fs.lstatSync(path));
    } catch {
      return undefined;
    }
  }

  /** The names in the folder; none if there is no folder. */
  names(): string[] {
    try {
      return this.#fs.readdirSync(this.folder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  rename(from: string, to: string): void {
    this.#fs.renameSync(from, to);
  }

  unlink(path: string): void {
    this.#fs.unlinkSync(path);
  }

  /** Deletes a file where that is possible; where it is not, or there is none, that is harmless. */
  unlinkQuietly(path: string): void {
    try {
      this.#fs.unlinkSync(path);
    } catch {
      // See above.
    }
  }

  /** Sets the time of an open file, in seconds. @param path - Its own, for Node's permission model, which has no descriptor's times set. */
  touch(path: string, fd: number, seconds: number): void {
    try {
      this.#fs.futimesSync(fd, seconds, seconds);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      this.#fs.lutimesSync(path, seconds, seconds);
    }
  }

  /**
   * Makes the folder if it is missing, and sees to it that it outlasts a power cut: also one that another process made, and
   * was killed before it could see to that.
   */
  makeFolder(isSynced: boolean): void {
    const first = this.#makeMissing() ?? this.folder;
    if (!isSynced) return;
    for (let made = this.folder; made !== dirname(made); made = dirname(made)) {
      this.#syncFolder(dirname(made));
      if (made === first) return;
    }
  }

  /** Where that is not allowed or not possible, a power cut may undo what the folder lists, and nothing can be done about it. */
  syncFolder(): void {
    this.#syncFolder(this.folder);
  }

  /** A file that the system makes, in `/proc`. */
  readSystemFile(path: string): string {
    return this.#fs.readFileSync(path).toString();
  }

  readSystemLink(path: string): string {
    return this.#fs.readlinkSync(path);
  }

  /** Why others can harm what is saved in the folder, and which files are refused: the same ones at each call. */
  warnings(): Warning[] {
    const refused = Array.from(this.#refused, ([path, why]) => `${path} ${why}: it is neither read nor changed.`);
    return [...this.#folderProblems(), ...refused].map((message) => ({ code: 'unsafe-storage', message }));
  }

  #open(path: string, flags: number): number {
    const before = this.#fs.lstatSync(path);
    if (!this.#isTrusted(path, before)) throw rejection();
    const fd = this.#fs.openSync(path, flags | O_NOFOLLOW | O_NONBLOCK);
    try {
      const opened = this.#fs.fstatSync(fd);
      if (identityOf(before) !== identityOf(opened) || !this.#isTrusted(path, opened)) throw rejection();
      return fd;
    } catch (error) {
      this.#fs.closeSync(fd);
      throw error;
    }
  }

  /** Node's permission model lets no descriptor be synced: there it is exchanged for one that syncs each write. */
  #synced(path: string, access: 'append' | 'overwrite', fd: number): number {
    try {
      this.#fs.fdatasyncSync(fd);
      return fd;
    } catch (error) {
      this.#fs.closeSync(fd);
      if (!isForbidden(error)) throw error;
      return this.#open(path, ACCESS[access] | O_SYNC);
    }
  }

  #isTrusted(path: string, stats: Stats): boolean {
    const why = this.#problemOf(stats);
    if (why !== undefined && this.#refused.size < MAX_REFUSED) this.#refused.set(path, why);
    return why === undefined;
  }

  #problemOf(stats: Stats): string | undefined {
    if (stats.isSymbolicLink()) return 'is a link';
    if (!stats.isFile()) return 'is not a regular file';
    if (!this.#isOwn(stats.uid)) return 'belongs to another user';
    if (this.#isWritableByOthers(stats.mode)) return 'may be written to by other users';
    return stats.nlink > 1 ? 'has another name, in the folder or elsewhere (a hard link)' : undefined;
  }

  /** @param uid - Systems without users have none. */
  #isOwn(uid: number | null | undefined): boolean {
    if (uid === undefined || uid === null || uid === this.#uid) return true;
    return uid === this.#probe()?.uid;
  }

  #isWritableByOthers(mode: number): boolean {
    const excess = mode & WRITABLE_BY_OTHERS & ~this.#mode;
    return HAS_USERS && excess !== 0 && excess !== ((this.#probe()?.mode ?? 0) & excess);
  }

  /** Finds out the user and the rights of the files that this process makes in the folder. */
  #probe(): Pick<Stats, 'uid' | 'mode'> | undefined {
    if (this.#given !== undefined) return this.#given;
    const path = join(this.folder, `nikdev-iot-1_${randomBytes(8).toString('hex')}.probe`);
    try {
      const fd = this.create(path, OWN_FILE);
      try {
        this.#given = this.#fs.fstatSync(fd);
      } finally {
        this.#fs.closeSync(fd);
        this.unlinkQuietly(path);
      }
    } catch {
      // Tried again when it is needed next.
    }
    return this.#given;
  }

  /** Sets the rights that the umask of the process removed. */
  #setRights(fd: number, mode: number): void {
    try {
      if ((this.#fs.fstatSync(fd).mode & RIGHTS) !== mode) this.#fs.fchmodSync(fd, mode);
    } catch {
      // Not every file system has rights, and Node's permission model lets none be set: then umask may have taken some.
    }
  }

  get #folderMode(): number {
    // The right to read a folder is of use only with the right to enter it.
    return this.#mode | ((this.#mode & 0o444) >> 2);
  }

  /** @returns The first folder that was missing. */
  #makeMissing(): string | undefined {
    try {
      const first = this.#fs.mkdirSync(this.folder, { recursive: true, mode: this.#folderMode });
      if (first !== undefined) this.#setFolderRights();
      return first;
    } catch (error) {
      // Where nothing may be made, a folder that is there serves all the same.
      if ((isForbidden(error) || codeOf(error) === 'EROFS') && this.#isFolder()) return undefined;
      throw error;
    }
  }

  #setFolderRights(): void {
    let fd: number | undefined;
    try {
      if ((this.#fs.statSync(this.folder).mode & RIGHTS) === this.#folderMode) return;
      fd = this.#fs.openSync(this.folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      this.#fs.fchmodSync(fd, this.#folderMode);
    } catch {
      // As with files.
    } finally {
      if (fd !== undefined) this.#fs.closeSync(fd);
    }
  }

  #isFolder(): boolean {
    try {
      return this.#fs.statSync(this.folder).isDirectory();
    } catch {
      return false;
    }
  }

  #syncFolder(folder: string): void {
    let fd: number | undefined;
    try {
      fd = this.#fs.openSync(folder, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
      this.#fs.fsyncSync(fd);
    } catch (error) {
      if (!isForbidden(error) && !NO_FOLDER_SYNC.has(codeOf(error))) throw error;
    } finally {
      if (fd !== undefined) this.#fs.closeSync(fd);
    }
  }

  /** Of a link to it both count: who owns the link can lead it elsewhere. */
  #folderProblems(): string[] {
    try {
      const stats = this.#fs.statSync(this.folder);
      const isForeign = [stats, this.#fs.lstatSync(this.folder)].some(({ uid }) => uid !== ROOT && !this.#isOwn(uid));
      const isOpen = (stats.mode & WRITABLE_BY_OTHERS & ~this.#folderMode) !== 0 && HAS_USERS;
      return [
        ...(isForeign
          ? [`${this.folder} belongs to another user, who can delete or add readings there. ${USE_OWN}`]
          : []),
        ...(isOpen
          ? [`Other users may write to ${this.folder}, and can fill it, and delete or add readings there. ${USE_OWN}`]
          : []),
      ];
    } catch {
      return [];
    }
  }
}

const USE_OWN = 'Use a folder of this user only, with the rights 0700.';

/** Not every system can sync a folder, or needs it. */
const NO_FOLDER_SYNC = new Set<unknown>(['EINVAL', 'EISDIR', 'ENOTSUP']);

const rejection = (): Error => Object.assign(new Error('the file is not trusted'), { code: 'UNTRUSTED_FILE' });
