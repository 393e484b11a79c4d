/**
 * Port: time, timers and randomness. All code uses this port for them, so that a test or a simulation controls all three.
 *
 * @group For storage adapters of your own
 */
export interface Clock {
  /** The wall clock, in milliseconds since the Unix epoch. May jump forward or backward at any time. */
  now(): number;
  /** Milliseconds since a fixed moment of this run. Never jumps, but stops while the device is suspended. */
  monotonic(): number;
  /** A number from 0 (included) to 1 (excluded). */
  random(): number;
  /**
   * An id of a writer or a file: 16 digits and lower-case letters, never the same twice, in any run. Default: ids of the
   * platform's cryptographic random numbers, independent of {@link Clock.random}.
   */
  randomId?(): string;
  /**
   * Runs `run` once, after `milliseconds` (at most 2,147,483,647, as platforms fire longer timers at once).
   *
   * @returns A function that cancels the timer. Idempotent.
   */
  setTimer(run: () => void, milliseconds: number, options?: TimerOptions): () => void;
}

/**
 * Options of {@link Clock.setTimer}.
 *
 * @group For storage adapters of your own
 */
export interface TimerOptions {
  /** Whether the timer lets a process end before it fires. Default: `false`. */
  readonly isBackground?: boolean;
}

export const BACKGROUND: TimerOptions = { isBackground: true };

/** Times in milliseconds are above this for any moment since 1973; times in seconds are below it until the year 5138. */
export const MAX_UNIX_SECONDS = 100_000_000_000;
