import { BACKGROUND, type Clock } from '../../../core/time/clock.js';
import type { JournalReconciler } from './journal-reconciler.js';

const INTERVAL_MS = 60_000;
/** The interval between two looks at the files: looking before each commit takes a quarter of its time. */
const LOOK_INTERVAL_MS = 10;

/** Touches the files of a store once a minute, so that other processes don't presume it dead. */
export class Heartbeat {
  readonly #reconciler: Pick<JournalReconciler, 'touch' | 'restoreTruncated'>;
  #last = { monotonic: 0, wall: 0 };
  #lastLook = Number.NEGATIVE_INFINITY;
  #cancel = (): void => {};

  constructor(reconciler: Pick<JournalReconciler, 'touch' | 'restoreTruncated'>) {
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

  /**
   * Beats if timers did not run: the process was stopped, and other processes may have presumed it dead. Otherwise looks for
   * truncated files, at intervals.
   */
  check(clock: Clock): void {
    const { monotonic, wall } = this.#last;
    const now = clock.monotonic();
    if (now - monotonic > 1.5 * INTERVAL_MS || clock.now() - wall > 1.5 * INTERVAL_MS) this.beat(clock);
    else if (now - this.#lastLook >= LOOK_INTERVAL_MS) {
      this.#lastLook = now;
      this.#reconciler.restoreTruncated(clock);
    }
  }

  beat(clock: Clock): void {
    this.#last = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#reconciler.touch(clock);
  }

  stop(): void {
    this.#cancel();
  }
}
