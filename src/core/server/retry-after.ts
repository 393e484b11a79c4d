import { MAX_UNIX_SECONDS } from '../time/clock.js';

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

/**
 * @returns Milliseconds since the Unix epoch; `NaN` unless it is an HTTP date (Date.parse accepts almost anything)
 * between 1970 and the year 5138.
 */
export function parseDate(text: string): number {
  if (!/^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // The oldest of the three formats names no time zone; all formats mean GMT.
  const milliseconds = Date.parse(/GMT/.test(text) ? text : `${text} GMT`);
  return milliseconds >= 0 && milliseconds < MAX_UNIX_SECONDS * 1000 ? milliseconds : Number.NaN;
}
