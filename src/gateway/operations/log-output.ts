import { write } from 'node:fs';

/** In UTF-16 units; further lines are dropped while the output takes none. */
const MAX_WAITING = 1_048_576;
/** After a pause, a pipe whose reader is slow takes more. */
const PAUSE_MS = 50;
const STDOUT = 1;

/**
 * Writes the lines of a log to standard output, in the background. Lines that a full disk or a closed pipe does not take are dropped:
 * a gateway goes on, and ends, without its log.
 */
export class LogOutput {
  readonly #fd: number;
  #waiting = '';
  #isWriting = false;
  /** Whether the output ends within a line, to which the next one must not be joined. */
  #isTorn = false;

  /** @param fd - Default: standard output. */
  constructor(fd = STDOUT) {
    this.#fd = fd;
  }

  write(lines: string): void {
    if (this.#waiting.length + lines.length > MAX_WAITING) return;
    this.#waiting += lines;
    if (!this.#isWriting) this.#writeAll();
  }

  #writeAll(): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${this.#waiting}` : this.#waiting);
    this.#waiting = '';
    this.#isWriting = true;
    this.#write(bytes, 0);
  }

  #write(bytes: Buffer, start: number): void {
    write(this.#fd, bytes, start, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#write(bytes, start), PAUSE_MS).unref();
      else if (!error && start + written < bytes.length) this.#write(bytes, start + written);
      else this.#end(error !== null && (start > 0 || this.#isTorn));
    });
  }

  #end(isTorn: boolean): void {
    this.#isTorn = isTorn;
    this.#isWriting = false;
    if (this.#waiting !== '') this.#writeAll();
  }
}
