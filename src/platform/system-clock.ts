import type { Clock } from '../core/clock.js';

declare const setTimeout: (run: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: never) => void;
declare const performance: { now(): number };

/** Looked up once: in Node the global is a getter, which takes 2 % of a commit. */
let stopwatch: typeof performance | undefined;

/** The clock, timers and randomness of the platform. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic() {
    stopwatch ??= performance;
    return stopwatch.now();
  },
  random: () => Math.random(),
  setTimer(run, milliseconds, background = false) {
    const timer = setTimeout(run, milliseconds);
    // Only where timers keep a process alive (Node, Bun, Deno) are they objects that can be told not to.
    if (background) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as never);
  },
};
