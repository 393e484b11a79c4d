import { write } from 'node:fs';

/** In UTF-16 units; further lines are dropped while the output takes none. */
const MAX_WAITING = 1_048_576;
const STDOUT = 1;

/**
 * Writes the lines of a log to standard output, in the background. Lines that a full disk or a closed pipe does not take are dropped:
 * a gateway goes on, and ends, without its log.
 */
export class LogOutput {
  #waiting = '';
  #isWriting = false;

  write(lines: string): void {
    if (this.#waiting.length + lines.length > MAX_WAITING) return;
    this.#waiting += lines;
    if (!this.#isWriting) this.#writeAll();
  }

  #writeAll(): void {
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    this.#isWriting = true;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    write(STDOUT, bytes, (error, written) => {
      if (!error && written < bytes.length) this.#write(bytes.subarray(written));
      else if (this.#waiting !== '') this.#writeAll();
      else this.#isWriting = false;
    });
  }
}
