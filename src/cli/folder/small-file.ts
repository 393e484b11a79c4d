import { Buffer } from 'node:buffer';
import { codeOf, useAndClose } from '../../storage/file/journal/file-io.js';
import type { SafeFiles } from '../../storage/file/journal/safe-files.js';

/** A longer file is not one that this command wrote. */
const MAX_BYTES = 2 ** 25;

/** A small file of JSON that is replaced as a whole: a crash leaves the old text or the new one. */
export class SmallFile {
  readonly #files: SafeFiles;
  readonly #path: string;

  constructor(files: SafeFiles, name: string) {
    this.#files = files;
    this.#path = files.folder.pathOf(name);
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
    this.#files.folder.make();
    const path = this.#path;
    const { fd } = this.#files.replace({ from: path, to: path, mode: undefined }, [`${JSON.stringify(value)}\n`]);
    this.#files.io.closeSync(fd);
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
    return useAndClose(io, this.#files.open(this.#path, 'read'), (fd) => {
      const { size } = io.fstatSync(fd);
      if (size > MAX_BYTES) return '';
      const bytes = Buffer.alloc(size);
      return bytes.toString('utf8', 0, io.readSync(fd, bytes, 0, size, 0));
    });
  }
}
