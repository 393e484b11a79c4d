import { MAX_UNIX_SECONDS } from '../time/clock.js';

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

/**
 * @returns Milliseconds since the Unix epoch; `NaN` unless it is an HTTP date (Date.parse accepts almost anything)
 * between 1970 and the year 5138.
 */
export function parseDate(text: string): number {
  if (!/^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // The oldest of the three forms names no zone; all are Greenwich time.
  const milliseconds = Date.parse(/GMT/.test(text) ? text : `${text} GMT`);
  return milliseconds >= 0 && milliseconds < MAX_UNIX_SECONDS * 1000 ? milliseconds : Number.NaN;
}
