import type { Clock, TimerOptions } from '../core/time/clock.js';
import { outOfZone } from './zone.js';

declare const setTimeout: (run: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: never) => void;

interface Stopwatch {
  now(): number;
}

/** The clock, timers and randomness of the platform. Each `Api` has its own instance, as tests may replace the globals. */
export class SystemClock implements Clock {
  /** Read once: in Node the global is a getter, which takes 2 % of the time of a commit. */
  readonly #stopwatch = stopwatch();

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return this.#stopwatch.now();
  }

  random(): number {
    return Math.random();
  }

  setTimer(run: () => void, milliseconds: number, { isBackground = false }: TimerOptions = {}): () => void {
    let timer: unknown;
    try {
      timer = outOfZone(() => setTimeout(run, milliseconds));
    } catch {
      // Worker runtimes allow timers only within requests, not while a module is loaded.
      return () => {};
    }
    // Timers have `unref` only on platforms where they keep the process alive (Node, Bun, Deno).
    if (isBackground) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as never);
  }
}

/** The wall clock, where a shim of server-side rendering or a test has removed `performance` or its methods. */
function stopwatch(): Stopwatch {
  const { performance } = globalThis as { performance?: Partial<Stopwatch> | null };
  return performance?.now ? (performance as Stopwatch) : Date;
}
