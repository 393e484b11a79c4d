const FLOOR_SECONDS = 0.3;
const FIRST_CAP_SECONDS = 1;
const LAST_CAP_SECONDS = 300;

/**
 * How long to wait before trying again what failed by bad luck. Full jitter: any time up to a cap that doubles from 1 s to
 * 5 min, so that devices that lost their server together don't come back together. Never at once, however the dice fall.
 *
 * @param attempt - How many tries have failed in a row, from 1.
 * @param random - At least 0, less than 1.
 * @returns Seconds.
 */
export function backoffSeconds(attempt: number, random: () => number): number {
  const cap = Math.min(FIRST_CAP_SECONDS * 2 ** (attempt - 1), LAST_CAP_SECONDS);
  return FLOOR_SECONDS + random() * (cap - FLOOR_SECONDS);
}
