const MIN_BACKOFF_SECONDS = 0.3;
const FIRST_CAP_SECONDS = 1;
const LAST_CAP_SECONDS = 300;
/** The delay after a rejection. */
const MIN_REJECTED_SECONDS = 900;
const MAX_REJECTED_SECONDS = 3600;
/** Clients with the same `Retry-After` retry spread over a tenth of it. */
const RETRY_AFTER_SPREAD = 0.1;

/** The outcome of a try, as far as the next try depends on it. */
export interface Outcome {
  readonly kind: 'stored' | 'transient' | 'unauthorized' | 'too-large' | 'invalid-entries' | 'rejected';
  /** In seconds. */
  readonly retryAfter?: number | undefined;
}

/** When to try again. */
export interface Retry {
  readonly seconds: number;
  /** The minimum delay, also if an event, such as a network that comes back, brings the next try forward. */
  readonly minSeconds: number;
  /**
   * The delay if an entry is queued meanwhile. It is shorter after refused content, as a refused entry is quarantined once another
   * one is accepted, and grows with each failure, as the server may refuse everything.
   */
  readonly newerSeconds: number;
}

const NEVER: Retry = { seconds: Infinity, minSeconds: Infinity, newerSeconds: Infinity };

/**
 * The delay before the next try.
 *
 * @param failures - The number of tries that failed in a row, from 1.
 * @param random - At least 0, less than 1.
 * @returns Infinite times if no delay helps: the credentials were refused.
 */
export function retryPolicy({ kind, retryAfter = 0 }: Outcome, failures: number, random: number): Retry {
  if (kind === 'unauthorized') return NEVER;
  const backoff = Math.max(backoffSeconds(failures, random), retryAfter * (1 + RETRY_AFTER_SPREAD * random));
  if (kind === 'transient') return { seconds: backoff, minSeconds: retryAfter, newerSeconds: backoff };
  const rejected = MIN_REJECTED_SECONDS + random * (MAX_REJECTED_SECONDS - MIN_REJECTED_SECONDS);
  const seconds = Math.max(rejected, retryAfter);
  if (kind === 'rejected') return { seconds, minSeconds: seconds, newerSeconds: seconds };
  const newerSeconds = Math.max(retryAfter, jittered(FIRST_CAP_SECONDS * 2 ** (failures - 1), random));
  return { seconds, minSeconds: seconds, newerSeconds: Math.min(seconds, newerSeconds) };
}

/**
 * Exponential backoff with full jitter: between 0.3 s and a cap that doubles from 1 s to 5 min. Avoids a thundering herd after
 * an outage.
 *
 * @param failures - The number of tries that failed in a row, from 1.
 * @param random - At least 0, less than 1.
 */
export function backoffSeconds(failures: number, random: number): number {
  return jittered(Math.min(FIRST_CAP_SECONDS * 2 ** (failures - 1), LAST_CAP_SECONDS), random);
}

const jittered = (cap: number, random: number): number => MIN_BACKOFF_SECONDS + random * (cap - MIN_BACKOFF_SECONDS);
