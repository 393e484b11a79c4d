import type { Clock } from '../core/time/clock.js';

declare const setTimeout: (run: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: never) => void;
declare const performance: { now(): number };

/** The clock, timers and randomness of the platform. One for each `Api`: a test may have put others in their place. */
export class SystemClock implements Clock {
  /** Looked up once: in Node the global is a getter, which takes 2 % of a commit. */
  readonly #stopwatch = performance;

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return this.#stopwatch.now();
  }

  random(): number {
    return Math.random();
  }

  setTimer(run: () => void, milliseconds: number, background = false): () => void {
    let timer: unknown;
    try {
      timer = setTimeout(run, milliseconds);
    } catch {
      // A worker runtime allows timers in requests only, not where a module is loaded.
      return () => {};
    }
    // Only where timers keep a process alive (Node, Bun, Deno) are they objects that can be told not to.
    if (background) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as never);
  }
}
