/**
 * Port: time, timers and randomness. Everything that waits or draws asks here, so that a test or a simulation owns
 * all three.
 *
 * @group For storage adapters of your own
 */
export interface Clock {
  /** The wall clock, in milliseconds since the Unix epoch. It may jump either way at any time. */
  now(): number;
  /** Milliseconds since some fixed moment of this run. Never jumps, but stands still while the device is suspended. */
  monotonic(): number;
  /** A number from 0 (included) to 1 (excluded). */
  random(): number;
  /**
   * An id for a writer or a file: 16 digits and small letters, never drawn twice by any clock. Where it is absent, ids come
   * from the platform's cryptographic random numbers, whatever {@link Clock.random} returns.
   */
  randomId?(): string;
  /**
   * Runs `run` once, after `milliseconds` (at most 2,147,483,647: longer ones fire at once on every platform).
   *
   * @param background - `true` for a timer that must not keep a process alive.
   * @returns A function that cancels the timer; calling it late or twice is harmless.
   */
  setTimer(run: () => void, milliseconds: number, background?: boolean): () => void;
}

/** Times in milliseconds are above this for any moment since 1973; times in seconds are below it until the year 5138. */
export const MAX_UNIX_SECONDS = 100_000_000_000;
