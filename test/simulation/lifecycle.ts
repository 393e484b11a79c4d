import type { Random } from './random.js';
import { upTo } from './random.js';

/** Thrown by storage operations of a process that has ended: code may catch it, but every later operation throws it too. */
class ProcessEnded extends Error {}

/** The lifecycle of a process or a tab, which can end at any of its storage operations. */
export class Lifecycle {
  isAlive = true;
  /** Whether its code is paused: stopped by a signal, frozen by its browser, or in the back/forward cache. */
  isFrozen = false;
  /** Whether it ended within an operation, not between two. */
  endedWithin = false;
  /** Called as it ends, before anything else: later effects of its last call are invisible. */
  onEnding: () => void = () => {};
  readonly random: Random;
  readonly #onEnd: (lifecycle: Lifecycle) => void;
  #undelivered: (() => void)[] = [];
  #operationsLeft = Number.POSITIVE_INFINITY;
  #endBy: () => void = () => this.end();

  /** @param onEnd - Frees the resources that the platform holds for it. */
  constructor(random: Random, onEnd: (lifecycle: Lifecycle) => void) {
    this.random = random;
    this.#onEnd = onEnd;
  }

  /** Ends it within its operation after `count` more. @param by - Ends it; `end` if absent. */
  endAfter(count: number, by = (): void => this.end()): void {
    this.#operationsLeft = count;
    this.#endBy = by;
  }

  end(): void {
    if (!this.isAlive) return;
    this.onEnding();
    this.isAlive = false;
    this.#onEnd(this);
  }

  /** Delivers an event from outside: at once, or after the thaw; never once it has ended. */
  deliver(event: () => void): void {
    if (this.isFrozen) this.#undelivered.push(event);
    else if (this.isAlive) event();
  }

  /** @returns The events that were not delivered meanwhile. */
  thaw(): (() => void)[] {
    const undelivered = this.#undelivered;
    this.#undelivered = [];
    this.isFrozen = false;
    return undelivered;
  }

  /**
   * Called at each storage operation.
   *
   * @param part - Does a share of the operation where it is cut short: 0 is nothing, 1 all of it.
   */
  operate(part: (share: number) => void = () => {}): void {
    if (!this.isAlive) throw new ProcessEnded();
    this.#operationsLeft -= 1;
    if (this.#operationsLeft >= 0) return;
    this.endedWithin = true;
    part(upTo(this.random, 4) / 4);
    this.#endBy();
    throw new ProcessEnded();
  }
}
