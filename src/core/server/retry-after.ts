import { parseDate } from '../time/http-date.js';

const MIN_SECONDS = 1;
const MAX_SECONDS = 3600;

/**
 * Parses the delay that a server asks for.
 *
 * @param header - The `Retry-After` header: seconds or a date (RFC 9110, 10.2.3).
 * @param date - The `Date` header, the reference for a date in `Retry-After`, as the local clock may be wrong.
 * @param now - The local clock in milliseconds since the Unix epoch, used if there is no `Date` header.
 * @returns Seconds, clamped to 1–3600; `undefined` if the header is absent or invalid.
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
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, MIN_SECONDS), MAX_SECONDS);
}
