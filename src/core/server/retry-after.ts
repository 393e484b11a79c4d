import { parseDate } from '../time/http-date.js';

const SHORTEST = 1;
const LONGEST = 3600;

/**
 * How long a server asks to wait.
 *
 * @param header - `Retry-After` as sent: seconds, or a date (RFC 9110, 10.2.3).
 * @param date - The answer's own `Date`, which a date is read against: the local clock may be wrong.
 * @param now - The local clock in milliseconds since the Unix epoch, for an answer without a `Date`.
 * @returns Seconds, clamped to 1–3600; `undefined` if the header is absent or neither of the two.
 */
export function retryAfterSeconds(
  header: string | undefined,
  date: string | undefined,
  now: number,
): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  let seconds = /^[+-]?[\d.]+(?:e\+?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seconds)) {
    const sent = parseDate(date ?? '');
    seconds = (parseDate(text) - (Number.isNaN(sent) ? now : sent)) / 1000;
  }
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, SHORTEST), LONGEST);
}
