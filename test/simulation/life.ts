import type { Random } from './random.js';
import { upTo } from './random.js';

/** What the code meets when its process ends within a call: it may catch it, but all that it tries then fails too. */
export class Ended extends Error {}

/** A process or a tab, as its platform sees it: it can end at any of its storage operations. */
export class Life {
  isAlive = true;
  /** Whether nothing of it runs for now: stopped by a signal, frozen by its browser, or in the back/forward cache. */
  isFrozen = false;
  /** Whether it ended within an operation, not between two. */
  endedWithin = false;
  /** Called as it ends, before anything else: what it does after that, still within its last call, nobody sees. */
  onLastMoment: () => void = () => {};
  readonly random: Random;
  readonly #onEnd: (life: Life) => void;
  #untold: (() => void)[] = [];
  #operationsLeft = Number.POSITIVE_INFINITY;
  #endBy: () => void = () => this.end();

  /** @param onEnd - Frees what the platform holds for it. */
  constructor(random: Random, onEnd: (life: Life) => void) {
    this.random = random;
    this.#onEnd = onEnd;
  }

  /** Ends it within its operation after `count` more. @param by - What ends it: `end` if absent. */
  endAfter(count: number, by = (): void => this.end()): void {
    this.#operationsLeft = count;
    this.#endBy = by;
  }

  end(): void {
    if (!this.isAlive) return;
    this.onLastMoment();
    this.isAlive = false;
    this.#onEnd(this);
  }

  /** Tells it something from outside: at once, or when it can hear it again. The dead are told nothing. */
  tell(what: () => void): void {
    if (this.isFrozen) this.#untold.push(what);
    else if (this.isAlive) what();
  }

  /** @returns What it was not told meanwhile. */
  thaw(): (() => void)[] {
    const untold = this.#untold;
    this.#untold = [];
    this.isFrozen = false;
    return untold;
  }

  /**
   * To be called at each operation.
   *
   * @param part - Does a part of the operation, in case that it is cut short: 0 is nothing, 1 all of it.
   */
  operate(part: (share: number) => void = () => {}): void {
    if (!this.isAlive) throw new Ended();
    this.#operationsLeft -= 1;
    if (this.#operationsLeft >= 0) return;
    this.endedWithin = true;
    part(upTo(this.random, 4) / 4);
    this.#endBy();
    throw new Ended();
  }
}
