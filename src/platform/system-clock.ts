import type { Clock } from '../core/clock.js';

declare const setTimeout: (run: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: never) => void;
declare const performance: { now(): number };

/** The clock, timers and randomness of the platform. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  setTimer(run, milliseconds, background = false) {
    const timer = setTimeout(run, milliseconds);
    // Only where timers keep a process alive (Node, Bun, Deno) are they objects that can be told not to.
    if (background) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as never);
  },
};
