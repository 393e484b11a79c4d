import type { Clock } from '../../src/core/time/clock.js';
import { idFrom } from '../../src/storage/shared/random-id.js';
import type { Random } from './random.js';

interface Timer {
  readonly due: number;
  readonly owner: object;
  readonly run: () => void;
}

/** The time of the simulated world. It moves only when it is told to; whoever dies takes its timers along. */
export class SimulatedTime {
  wall = 1_795_349_662_000;
  monotonic = 0;
  /** Owners whose timers don't fire for now. */
  readonly frozen = new WeakSet<object>();
  #timers: Timer[] = [];

  /** A clock of one `Api`, which owns the timers that are set by it. */
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

  /** Lets time pass. What is due fires in order, each timer in a turn of its own. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.monotonic + milliseconds;
    await settled();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.splice(this.#timers.indexOf(next), 1);
      // Whoever was frozen finds its timers overdue.
      this.#moveTo(Math.max(next.due, this.monotonic));
      next.run();
      await settled();
    }
    this.#moveTo(until);
  }

  /** The earliest that is due; of several, the one that was set first. */
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

/** Everything that waits for promises alone has run. One turn of the event loop, 2 µs: as cheap as 20 awaits, and sure. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
