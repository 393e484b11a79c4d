import { isPushException, pushOutOfTime } from '../model/request-exceptions.js';
import type { Clock } from '../time/clock.js';
import { retryPolicy } from '../time/retry-policy.js';
import type { PushHistory } from './push-history.js';
import type { Uploader } from './uploader.js';

/** The parts of a client that are used to drain the outbox. */
export interface DrainParts {
  readonly uploader: Pick<Uploader, 'push' | 'stop'>;
  readonly history: Pick<PushHistory, 'lastFailure'>;
  readonly clock: Clock;
}

/**
 * Pushes until everything is stored, and retries after transient failures, within a time limit.
 *
 * @throws {@link PushException} if not everything was stored.
 */
export async function drain(parts: DrainParts, seconds: number): Promise<void> {
  const { uploader, clock } = parts;
  const until = clock.monotonic() + seconds * 1000;
  const cancel = clock.setTimer(() => uploader.stop(pushOutOfTime(seconds)), seconds * 1000);
  try {
    for (let attempt = 1; ; attempt++) {
      const pause = await pushOnce(parts, attempt);
      if (pause === undefined) return;
      if (clock.monotonic() + pause.milliseconds >= until) throw pause.exception;
      await new Promise<void>((resolve) => clock.setTimer(resolve, pause.milliseconds));
    }
  } finally {
    cancel();
  }
}

/** @returns The delay before the next try; `undefined` if everything was stored. @throws A failure that is not transient. */
async function pushOnce({ uploader, history, clock }: DrainParts, attempt: number) {
  try {
    await uploader.push();
    return undefined;
  } catch (error) {
    if (!isPushException(error) || history.lastFailure?.kind !== 'transient') throw error;
    const { seconds } = retryPolicy({ kind: 'transient', retryAfter: error.retryAfter }, attempt, clock.random());
    return { exception: error, milliseconds: seconds * 1000 };
  }
}
