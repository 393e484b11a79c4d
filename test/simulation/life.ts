import type { Random } from './random.js';
import { upTo } from './random.js';

/** What the code meets when its process ends within a call: it may catch it, but all that it tries then fails too. */
export class Ended extends Error {}

/** A process or a tab, as its platform sees it: it can end at any of its storage operations. */
export class Life {
  isAlive = true;
  /** Whether it ended within an operation, not between two. */
  endedWithin = false;
  readonly random: Random;
  readonly #onEnd: (life: Life) => void;
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
    this.isAlive = false;
    this.#onEnd(this);
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
