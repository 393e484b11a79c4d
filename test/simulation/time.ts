import type { Clock } from '../../src/core/time/clock.js';
import { idFrom } from '../../src/storage/shared/random-id.js';
import type { Random } from './random.js';

interface Timer {
  readonly due: number;
  readonly owner: object;
  readonly run: () => void;
}

/** More timers than are ever due at one moment. */
const MAX_AT_ONCE = 100_000;

/** The time of the simulated world, which moves only by `advance`. */
export class SimulatedTime {
  wall = 1_795_349_662_000;
  monotonic = 0;
  /** Owners whose timers don't fire until they thaw. */
  readonly frozen = new WeakSet<object>();
  #timers: Timer[] = [];

  /** The clock of one `Api`, which owns the timers set through it. */
  clockOf(owner: object, random: Random): Clock {
    return {
      now: () => this.wall,
      monotonic: () => this.monotonic,
      random,
      randomId: () => idFrom(random),
      setTimer: (run, milliseconds) => this.after(owner, milliseconds, run),
    };
  }

  after(owner: object, milliseconds: number, run: () => void): () => void {
    const timer = { due: this.monotonic + milliseconds, owner, run };
    this.#timers.push(timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  forget(owner: object): void {
    this.#timers = this.#timers.filter((timer) => timer.owner !== owner);
  }

  timersOf(owner: object): number {
    return this.#timers.reduce((count, timer) => count + (timer.owner === owner ? 1 : 0), 0);
  }

  /** Lets time pass. Due timers fire in order, each in its own turn of the event loop. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.monotonic + milliseconds;
    await settled();
    let atOnce = 0;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      atOnce = next.due > this.monotonic ? 0 : atOnce + 1;
      if (atOnce > MAX_AT_ONCE) throw new Error('Timers are set for the same moment without end');
      this.#timers.splice(this.#timers.indexOf(next), 1);
      // Timers of a thawed owner are overdue.
      this.#moveTo(Math.max(next.due, this.monotonic));
      next.run();
      await settled();
    }
    this.#moveTo(until);
  }

  /** The earliest due timer; of several, the one set first. */
  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= until && (!next || timer.due < next.due) && !this.frozen.has(timer.owner)) next = timer;
    }
    return next;
  }

  #moveTo(monotonic: number): void {
    this.wall += monotonic - this.monotonic;
    this.monotonic = monotonic;
  }
}

/** Resolves once everything that waits only for promises has run: one turn of the event loop, as cheap as 20 awaits. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
