import { BACKGROUND, type Clock } from '../../../core/time/clock.js';

/** The living touch their files this often. */
const TOUCH_MS = 60_000;

/** Touches what this process owns once a minute, so that others see that it lives. */
export class Heartbeat {
  readonly #touch: (clock: Clock) => void;
  #last = { monotonic: 0, wall: 0 };
  #cancel = (): void => {};

  constructor(touch: (clock: Clock) => void) {
    this.#touch = touch;
  }

  start(clock: Clock): void {
    this.#last = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#cancel = clock.setTimer(
      () => {
        this.beat(clock);
        this.start(clock);
      },
      TOUCH_MS,
      BACKGROUND,
    );
  }

  /** Where timers did not run, as the process was stopped, others may have presumed it dead. */
  beatIfLate(clock: Clock): void {
    const { monotonic, wall } = this.#last;
    if (clock.monotonic() - monotonic > 1.5 * TOUCH_MS || clock.now() - wall > 1.5 * TOUCH_MS) this.beat(clock);
  }

  beat(clock: Clock): void {
    this.#last = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#touch(clock);
  }

  stop(): void {
    this.#cancel();
  }
}
