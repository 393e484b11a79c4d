import type { Clock } from './clock.js';
import { MAX_UNIX_SECONDS } from './clock.js';

/** A time during which the wall clock ran as evenly as the monotonic one. */
export interface ClockEpoch {
  /** How far the wall clock is ahead of the monotonic one, in milliseconds. */
  readonly ahead: number;
}

/** No clock that is set shows a time before this release of the SDK: 2026-11-01, in Unix seconds. */
const RELEASED = 1_793_491_200;
const within = (seconds: number): number => Math.min(Math.max(0, seconds), MAX_UNIX_SECONDS - 1);
/** What clocks are slewed by, and by what rounding, is no jump. */
const JUMP_MS = 2000;
const SAME_MS = 500;

/**
 * Tells by how much the wall clock was set since an entry was committed, where that can be told from a suspend: a monotonic
 * clock stands still while a device is suspended, so that the wall clock then seems to jump forward too.
 */
export class ClockCorrection {
  readonly #clock: Clock;
  #epoch: ClockEpoch = { ahead: Number.NaN };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Now, in whole Unix seconds; of a clock that is beyond all that can be told, the nearest that can. */
  get seconds(): number {
    return within(Math.floor(this.#clock.now() / 1000));
  }

  /** The stretch of time that this moment is in. One object for as long as it lasts. */
  get epoch(): ClockEpoch {
    const ahead = this.#clock.now() - this.#clock.monotonic();
    if (!(Math.abs(ahead - this.#epoch.ahead) <= SAME_MS)) this.#epoch = { ahead };
    return this.#epoch;
  }

  /**
   * The time of an entry as it is by the clock of now: moved by a jump since `then` that went backward, or forward from a
   * time at which the clock can't have been set to one at which it can. Anything else is left as committed.
   *
   * @param then - The stretch in which it was committed with the time of that moment; absent for any other time.
   */
  timeOf({ timestamp }: { readonly timestamp: number }, then: ClockEpoch | undefined): number {
    if (then === undefined) return timestamp;
    const jump = this.epoch.ahead - then.ahead;
    const wasSet = jump > JUMP_MS && timestamp < RELEASED && this.seconds >= RELEASED;
    return jump < -JUMP_MS || wasSet ? within(timestamp + Math.round(jump / 1000)) : timestamp;
  }
}
