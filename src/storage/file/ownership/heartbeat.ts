import { BACKGROUND, type Clock } from '../../../core/time/clock.js';
import type { SyncOption } from '../journal/safe-files.js';
import type { JournalReconciler } from './journal-reconciler.js';

const INTERVAL_MS = 60_000;
/** The interval between two looks at the files: looking before each commit takes a quarter of its time. */
const LOOK_INTERVAL_MS = 10;

/** Touches the files of a store once a minute, so that other processes don't presume it dead. */
export class Heartbeat {
  readonly #reconciler: Pick<JournalReconciler, 'touch' | 'restoreTruncated'>;
  readonly #lookInterval: number;
  #last = { monotonic: 0, wall: 0 };
  #lastLook = Number.NEGATIVE_INFINITY;
  #cancel = (): void => {};

  constructor(reconciler: Pick<JournalReconciler, 'touch' | 'restoreTruncated'>, { isSynced }: SyncOption) {
    this.#reconciler = reconciler;
    // A look is cheap beside a sync.
    this.#lookInterval = isSynced ? 0 : LOOK_INTERVAL_MS;
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
   * truncated files: before each commit with `'power'`, else at intervals.
   */
  check(clock: Clock): void {
    const { monotonic, wall } = this.#last;
    const now = clock.monotonic();
    if (now - monotonic > 1.5 * INTERVAL_MS || clock.now() - wall > 1.5 * INTERVAL_MS) this.beat(clock);
    else if (now - this.#lastLook >= this.#lookInterval) {
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
