import type { ApiException } from '../model/exceptions.js';
import { isPushException, pushOutOfTime } from '../model/request-exceptions.js';
import type { Clock } from '../time/clock.js';
import { retryPolicy } from '../time/retry-policy.js';
import type { Failure } from './push-run.js';

/** What is drained. */
export interface Drainable {
  push(): Promise<unknown>;
  stop(exception: ApiException): void;
  /** What the last push failed with. */
  readonly lastFailure: Pick<Failure, 'kind'> | undefined;
}

/**
 * Pushes until everything is stored; again after bad luck, while there is time.
 *
 * @throws {@link PushException} if not everything was stored.
 */
export async function drain(pushing: Drainable, clock: Clock, seconds: number): Promise<void> {
  const until = clock.monotonic() + seconds * 1000;
  const cancel = clock.setTimer(() => pushing.stop(pushOutOfTime(seconds)), seconds * 1000);
  try {
    for (let attempt = 1; ; attempt++) {
      const pause = await pushOnce(pushing, attempt, clock);
      if (pause === undefined) return;
      if (clock.monotonic() + pause.milliseconds >= until) throw pause.exception;
      await new Promise<void>((resolve) => clock.setTimer(resolve, pause.milliseconds));
    }
  } finally {
    cancel();
  }
}

/** @returns How long to wait before trying again; `undefined` if everything was stored. @throws What can't be tried again. */
async function pushOnce(pushing: Drainable, attempt: number, clock: Clock) {
  try {
    await pushing.push();
    return undefined;
  } catch (error) {
    if (!isPushException(error) || pushing.lastFailure?.kind !== 'transient') throw error;
    const { seconds } = retryPolicy({ kind: 'transient', retryAfter: error.retryAfter }, attempt, clock.random());
    return { exception: error, milliseconds: seconds * 1000 };
  }
}
