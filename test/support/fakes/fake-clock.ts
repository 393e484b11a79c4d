import type { Clock, TimerOptions } from '../../../src/core/time/clock.js';
import { idFrom } from '../../../src/storage/shared/random-id.js';

interface Timer {
  readonly due: number;
  readonly run: () => void;
  readonly isBackground: boolean;
}

/** Each clock has its own random numbers: with equal ones, two runs would have the same writer id. */
let clocks = 0;

/** A clock that moves only by `advance` and `jump`; its timers fire in order, each in its own turn of the event loop. */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #seed = ++clocks;
  readonly #timers = new Set<Timer>();

  /** @param now - The wall clock, in milliseconds since the Unix epoch. */
  constructor(now = 1_795_349_662_000) {
    this.#wall = now;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** A small linear congruential generator: repeatable. */
  random(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#seed / 2_147_483_648;
  }

  randomId(): string {
    return idFrom(() => this.random());
  }

  setTimer(run: () => void, milliseconds: number, { isBackground = false }: TimerOptions = {}): () => void {
    const timer = { due: this.#monotonic + milliseconds, run, isBackground };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** How many timers are set that would keep a process alive. */
  get foregroundTimers(): number {
    return [...this.#timers].filter((timer) => !timer.isBackground).length;
  }

  /** Moves only the wall clock. */
  jump(milliseconds: number): void {
    this.#wall += milliseconds;
  }

  /** Lets time pass and fires due timers; between them everything that waits only for promises runs to its end. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#monotonic + milliseconds;
    await turn();
    for (;;) {
      const next = [...this.#timers].filter(({ due }) => due <= until).sort((one, other) => one.due - other.due)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#moveTo(next.due);
      next.run();
      await turn();
    }
    this.#moveTo(until);
  }

  #moveTo(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

/** Lets everything run that waits only for promises. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
