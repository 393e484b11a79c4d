import { backoffSeconds } from './backoff.js';
import { pushOutOfTime } from './bad-luck.js';
import type { Clock } from './clock.js';
import { PushException } from './exceptions.js';
import type { Pusher } from './pusher.js';

/**
 * Pushes until everything is stored; again after bad luck, while there is time.
 *
 * @param isBadLuck - Whether the last push failed with bad luck.
 * @throws {@link PushException} if not everything was stored.
 */
export async function drain(pusher: Pusher, clock: Clock, seconds: number, isBadLuck: () => boolean): Promise<void> {
  const until = clock.monotonic() + seconds * 1000;
  const cancel = clock.setTimer(() => pusher.stop(pushOutOfTime(seconds)), seconds * 1000);
  try {
    for (let attempt = 1; ; attempt++) {
      const pause = await pushOnce(pusher, attempt, clock, isBadLuck);
      if (pause === undefined) return;
      if (clock.monotonic() + pause.milliseconds >= until) throw pause.exception;
      await new Promise<void>((resolve) => clock.setTimer(resolve, pause.milliseconds));
    }
  } finally {
    cancel();
  }
}

/** @returns How long to wait before trying again; `undefined` if everything was stored. @throws What can't be tried again. */
async function pushOnce(pusher: Pusher, attempt: number, clock: Clock, isBadLuck: () => boolean) {
  try {
    await pusher.push();
    return undefined;
  } catch (error) {
    if (!(error instanceof PushException) || !isBadLuck()) throw error;
    const seconds = Math.max(
      backoffSeconds(attempt, () => clock.random()),
      error.retryAfter ?? 0,
    );
    return { exception: error, milliseconds: seconds * 1000 };
  }
}
