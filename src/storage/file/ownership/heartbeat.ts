import { BACKGROUND, type Clock } from '../../../core/time/clock.js';
import type { JournalReconciler } from './journal-reconciler.js';

const INTERVAL_MS = 60_000;

/** Touches the files of a store once a minute, so that other processes don't presume it dead. */
export class Heartbeat {
  readonly #reconciler: Pick<JournalReconciler, 'touch'>;
  #last = { monotonic: 0, wall: 0 };
  #cancel = (): void => {};

  constructor(reconciler: Pick<JournalReconciler, 'touch'>) {
    this.#reconciler = reconciler;
  }

  start(clock: Clock): void {
    this.#last = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#cancel = clock.setTimer(
      () => {
        this.beat(clock);
        this.start(clock);
      },
      INTERVAL_MS,
      BACKGROUND,
    );
  }

  /** Beats if timers did not run: the process was stopped, and other processes may have presumed it dead. */
  beatIfLate(clock: Clock): void {
    const { monotonic, wall } = this.#last;
    if (clock.monotonic() - monotonic > 1.5 * INTERVAL_MS || clock.now() - wall > 1.5 * INTERVAL_MS) this.beat(clock);
  }

  beat(clock: Clock): void {
    this.#last = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#reconciler.touch(clock);
  }

  stop(): void {
    this.#cancel();
  }
}
