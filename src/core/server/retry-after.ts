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
  // Several headers are joined by commas: the first of them counts.
  const [, number] = /^([+-]?[\d.]+(?:e\+?\d+)?)\s*(?:,|$)/i.exec(text) ?? [];
  let seconds = Number(number);
  if (Number.isNaN(seconds)) {
    const sent = parseDate(date ?? '');
    seconds = (millisecondsOf(text) - (Number.isNaN(sent) ? now : sent)) / 1000;
  }
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, MIN_SECONDS), MAX_SECONDS);
}

/** @returns Milliseconds since the Unix epoch; `NaN` unless it is an HTTP date between 1970 and the year 5138. */
export function parseDate(text: string): number {
  const milliseconds = millisecondsOf(text);
  return milliseconds < MAX_UNIX_SECONDS * 1000 ? milliseconds : Number.NaN;
}

/** Like {@link parseDate}, for any time since 1970. Of several dates, the first counts. */
function millisecondsOf(text: string): number {
  // Date.parse accepts almost anything. The oldest of the three formats names no time zone; all formats mean GMT.
  const isDate = /^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text);
  const milliseconds = isDate ? Date.parse(`${text.split('GMT')[0]} GMT`) : -1;
  return milliseconds >= 0 ? milliseconds : Number.NaN;
}
