import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { codeOf, writeWhole } from '../../storage/file/journal/file-io.js';
import type { SafeFiles } from '../../storage/file/journal/file-system.js';

/** A longer file is not one that this command wrote. */
const MAX_BYTES = 2 ** 25;

/** A small file of JSON that is replaced as a whole: a crash leaves the old text or the new one. */
export class SmallFile {
  readonly #files: SafeFiles;
  readonly #path: string;

  constructor(files: SafeFiles, name: string) {
    this.#files = files;
    this.#path = join(files.folder, name);
  }

  /** @returns `undefined` if there is no such file, or its text is not JSON. */
  read(): unknown {
    try {
      return JSON.parse(this.#readText());
    } catch {
      return undefined;
    }
  }

  /** Throws the system's error if it could not be written; the old text is still there. */
  write(value: unknown): void {
    const temporary = `${this.#path}.tmp`;
    this.#files.makeFolder(true);
    this.#files.unlinkQuietly(temporary);
    const fd = this.#files.createSynced(temporary);
    try {
      writeWhole(this.#files.io, fd, Buffer.from(`${JSON.stringify(value)}\n`));
      this.#files.io.fdatasyncSync(fd);
    } finally {
      this.#files.io.closeSync(fd);
    }
    this.#files.rename(temporary, this.#path);
  }

  /** Throws the system's error if it is still there. */
  remove(): void {
    try {
      this.#files.unlink(this.#path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  #readText(): string {
    const { io } = this.#files;
    const fd = this.#files.open(this.#path, 'read');
    try {
      const { size } = io.fstatSync(fd);
      if (size > MAX_BYTES) return '';
      const bytes = Buffer.alloc(size);
      return bytes.toString('utf8', 0, io.readSync(fd, bytes, 0, size, 0));
    } finally {
      io.closeSync(fd);
    }
  }
}
