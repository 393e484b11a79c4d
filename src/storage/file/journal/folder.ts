import { dirname, join } from 'node:path';
import { quietly } from '../../shared/quietly.js';
import { codeOf, isForbidden, useAndClose } from './file-io.js';
import { type FileSystem, FLAGS, foreignWrites, PERMISSIONS } from './file-system.js';

/** Error codes of systems that can't sync a folder, or need not. */
const NO_FOLDER_SYNC = new Set<unknown>(['EINVAL', 'EISDIR', 'ENOTSUP']);
const ROOT = 0;
const USE_OWN = 'Use a folder of this user only, with mode 0700.';

/** The folder of the journals. The operator chose it, so it may be a link; warnings concern the folder that the link leads to. */
export class Folder {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #mode: number;
  /** Whether a new folder must survive a power cut, even if the process that created it was killed before the sync. */
  readonly #isSynced: boolean;

  constructor(fs: FileSystem, path: string, { fileMode, isSynced }: { fileMode: number; isSynced: boolean }) {
    this.#fs = fs;
    this.path = path;
    this.#isSynced = isSynced;
    // The permission to read a folder requires the permission to enter it.
    this.#mode = fileMode | ((fileMode & 0o444) >> 2);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** The file names; none if the folder does not exist. Throws if the folder can't be read. */
  names(): string[] {
    try {
      return this.#fs.readdirSync(this.path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** Creates the folder if it is missing. */
  make(): void {
    const first = this.#makeMissing() ?? this.path;
    if (!this.#isSynced) return;
    for (let made = this.path; made !== dirname(made); made = dirname(made)) {
      this.sync(dirname(made));
      if (made === first) return;
    }
  }

  /** Syncs the file names; does nothing where the system can't sync a folder, or forbids it. */
  sync(path = this.path): void {
    try {
      const fd = this.#fs.openSync(path, FLAGS.O_RDONLY | FLAGS.O_DIRECTORY | FLAGS.O_NONBLOCK);
      useAndClose(this.#fs, fd, () => this.#fs.fsyncSync(fd));
    } catch (error) {
      if (!isForbidden(error) && !NO_FOLDER_SYNC.has(codeOf(error))) throw error;
    }
  }

  /**
   * Describes how other users could harm the files. The owner of a link can redirect it, so the link counts as well as its target.
   *
   * @param isOwn - Whether a user id is that of this process.
   */
  problems(isOwn: (uid: number) => boolean): string[] {
    try {
      const stats = this.#fs.statSync(this.path);
      const isForeign = [stats, this.#fs.lstatSync(this.path)].some(({ uid }) => uid !== ROOT && !isOwn(uid));
      const isOpen = foreignWrites(stats.mode, this.#mode) !== 0;
      const found: string[] = [];
      if (isForeign)
        found.push(`${this.path} belongs to another user, who can delete or add readings there. ${USE_OWN}`);
      if (isOpen)
        found.push(
          `Other users may write to ${this.path}, and can fill it, and delete or add readings there. ${USE_OWN}`,
        );
      return found;
    } catch {
      return [];
    }
  }

  /** @returns The first folder that was missing. */
  #makeMissing(): string | undefined {
    try {
      const first = this.#fs.mkdirSync(this.path, { recursive: true, mode: this.#mode });
      if (first !== undefined) this.#setPermissions();
      return first;
    } catch (error) {
      // A read-only parent does not matter as long as the folder exists.
      if ((isForbidden(error) || codeOf(error) === 'EROFS') && this.#exists()) return undefined;
      throw error;
    }
  }

  /** Restores the permissions that the umask removed. Best effort: not every file system has permissions. */
  #setPermissions(): void {
    quietly(() => {
      if ((this.#fs.statSync(this.path).mode & PERMISSIONS) === this.#mode) return;
      const fd = this.#fs.openSync(this.path, FLAGS.O_RDONLY | FLAGS.O_DIRECTORY | FLAGS.O_NOFOLLOW);
      useAndClose(this.#fs, fd, () => this.#fs.fchmodSync(fd, this.#mode));
    });
  }

  #exists(): boolean {
    return quietly(() => this.#fs.statSync(this.path).isDirectory()) ?? false;
  }
}
