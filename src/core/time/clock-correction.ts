import type { Clock } from './clock.js';
import { MAX_UNIX_SECONDS } from './clock.js';

/** A period in which the wall clock ran as evenly as the monotonic clock. */
export interface ClockEpoch {
  /** The milliseconds by which the wall clock is ahead of the monotonic clock. */
  readonly ahead: number;
}

/** The time of a commit by the present clock. */
export interface Stamp {
  /** Whole Unix seconds. */
  readonly timestamp: number;
  readonly epoch: ClockEpoch;
}

/** 2026-11-01, before the release of this SDK: a clock that shows an earlier time is not set. In Unix seconds. */
export const RELEASED = 1_793_491_200;
const within = (seconds: number): number => Math.min(Math.max(0, seconds), MAX_UNIX_SECONDS - 1);
const secondsOf = (milliseconds: number): number => within(Math.floor(milliseconds / 1000));
/** Smaller differences come from slewing and rounding. */
const JUMP_MS = 2000;
/** Within this difference the epoch is the same. */
const SAME_MS = 500;

/**
 * Corrects timestamps of entries after the wall clock was set. A suspend looks like a jump forward too, as monotonic clocks
 * stop while a device is suspended; so only jumps that can't be a suspend are corrected.
 */
export class ClockCorrection {
  readonly #clock: Clock;
  #epoch: ClockEpoch = { ahead: Number.NaN };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The present time in whole Unix seconds, clamped to the times that the wire format allows. */
  get seconds(): number {
    return secondsOf(this.#clock.now());
  }

  /** The present epoch: the same object as long as it lasts. */
  get epoch(): ClockEpoch {
    return this.#epochAt(this.#clock.now());
  }

  /** The time and the epoch of a commit, of one reading of the wall clock. */
  stamp(): Stamp {
    const now = this.#clock.now();
    return { timestamp: secondsOf(now), epoch: this.#epochAt(now) };
  }

  #epochAt(now: number): ClockEpoch {
    const ahead = now - this.#clock.monotonic();
    if (!(Math.abs(ahead - this.#epoch.ahead) <= SAME_MS)) this.#epoch = { ahead };
    return this.#epoch;
  }

  /**
   * The timestamp of an entry by the present clock: corrected by a jump backward since the commit, or by a jump forward from a
   * time before the release to a time after it. Unchanged in all other cases.
   *
   * @param then - The epoch of the commit; absent if the timestamp was given by the caller.
   */
  timeOf({ timestamp }: { readonly timestamp: number }, then: ClockEpoch | undefined): number {
    if (then === undefined) return timestamp;
    const jump = this.epoch.ahead - then.ahead;
    const wasSet = jump > JUMP_MS && timestamp < RELEASED && this.seconds >= RELEASED;
    return jump < -JUMP_MS || wasSet ? within(timestamp + Math.round(jump / 1000)) : timestamp;
  }
}
