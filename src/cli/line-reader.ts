import { closeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isatty } from 'node:tty';

/** A line of input, numbered from 1. */
export interface InputLine {
  readonly number: number;
  /** `undefined` if it is too long. */
  readonly text: string | undefined;
}

type Input = NodeJS.ReadStream & { readonly fd: number };

/** In UTF-16 units: an endless line must not fill the memory. */
const MAX_LENGTH = 2 ** 20;
/** Between turns of the event loop: signals and pushes must not wait for the thousands of lines of one chunk. */
const LINES_A_TURN = 32;

/** Reads lines of a stream, one after the other, until it ends or fails, or {@link LineReader.stop} is called. */
export class LineReader {
  readonly #stream: Input;
  readonly #stopping = new AbortController();
  #number = 0;
  #rest = '';
  #isTooLong = false;
  #failure: unknown;

  constructor(stream: Input) {
    this.#stream = stream;
  }

  /** The error of the stream; `undefined` if it did not fail. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Ends {@link LineReader.lines} after the lines that have arrived. */
  stop(): void {
    this.#stopping.abort();
  }

  async *lines(): AsyncGenerator<InputLine, void> {
    const decoder = new StringDecoder('utf8');
    for await (const chunk of this.#chunks()) {
      for (const line of this.#split(decoder.write(chunk))) {
        yield line;
        if (line.number % LINES_A_TURN === 0) await nextTurn();
      }
    }
    // The beginning of a number is another number.
    if (this.#failure !== undefined) return;
    const rest = this.#rest + decoder.end();
    if (rest !== '' || this.#isTooLong) yield this.#line(rest);
  }

  /** The chunks that arrive until the stream ends, fails or is stopped. */
  async *#chunks(): AsyncGenerator<Buffer, void> {
    const { signal } = this.#stopping;
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const chunks = this.#stream.iterator({ destroyOnReturn: false });
    const failed = (error: unknown): undefined => {
      // A stream that is destroyed below may fail, too.
      if (!signal.aborted) this.#failure = error;
    };
    while (!signal.aborted) {
      const next = await Promise.race([stopped, chunks.next().catch(failed)]);
      if (next === undefined || next.done) break;
      yield next.value as Buffer;
    }
    this.#stream.destroy();
    this.#checkTerminal();
  }

  /** A terminal or serial device that was taken away may look like the end of the input. */
  #checkTerminal(): void {
    const { isTTY, fd } = this.#stream;
    if (!isTTY || isatty(fd)) return;
    this.#failure ??= Object.assign(new Error('the terminal is gone'), { code: 'EIO' });
    // Node aborts at its exit if it can't restore an open terminal.
    closeSync(fd);
  }

  *#split(text: string): Generator<InputLine> {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) yield this.#line(line);
    if (this.#rest.length <= MAX_LENGTH) return;
    this.#isTooLong = true;
    this.#rest = '';
  }

  #line(text: string): InputLine {
    const isTooLong = this.#isTooLong || text.length > MAX_LENGTH;
    this.#isTooLong = false;
    this.#number += 1;
    return { number: this.#number, text: isTooLong ? undefined : text };
  }
}
