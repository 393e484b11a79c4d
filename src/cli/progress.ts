import type { Api } from '../index.js';
import type { Printer } from './output.js';

const REDRAW_MS = 200;
const CLEAR_LINE = '\r\u001b[2K';

/** A line at the bottom of a terminal that counts; nothing where standard error is not a terminal. */
export class Progress {
  readonly #err: Printer;
  readonly #api: Pick<Api, 'status'>;
  readonly counts = { committed: 0, pushed: 0 };
  readonly #timer: NodeJS.Timeout | undefined;
  #isDrawn = false;

  constructor(err: Printer, api: Pick<Api, 'status'>) {
    this.#err = err;
    this.#api = api;
    if (!err.isTerminal) return;
    // Messages stand above the line.
    err.beforeLine = () => this.#clear();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
  }

  add({ committed = 0, pushed = 0 }: { readonly committed?: number; readonly pushed?: number }): void {
    this.counts.committed += committed;
    this.counts.pushed += pushed;
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#draw();
    if (this.#isDrawn) this.#err.raw('\n');
    this.#isDrawn = false;
  }

  #draw(): void {
    const { committed, pushed } = this.counts;
    const { committed: waiting, pushing } = this.#api.status();
    const numbers = [`${committed} committed`, `${pushed} pushed`, `${waiting} waiting${pushing ? ', pushing' : ''}`];
    this.#err.raw(`${CLEAR_LINE}${numbers.join(' · ').slice(0, this.#err.columns - 1)}`);
    this.#isDrawn = true;
  }

  #clear(): void {
    if (this.#isDrawn) this.#err.raw(CLEAR_LINE);
    this.#isDrawn = false;
  }
}
