import type { Clock } from '../../core/time/clock.js';

/** A random id of 16 digits and small letters: some 80 bits, so that two of any number of writers don't meet. */
export function randomId(clock: Clock): string {
  const half = (): string =>
    Math.floor(clock.random() * 36 ** 8)
      .toString(36)
      .padStart(8, '0');
  return half() + half();
}
