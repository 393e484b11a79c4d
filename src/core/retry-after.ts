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
  let seconds = Number(text);
  // Date.parse alone takes almost anything that holds a number.
  if (/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) {
    const sent = Date.parse(date ?? '');
    seconds = (Date.parse(text) - (Number.isNaN(sent) ? now : sent)) / 1000;
  }
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, SHORTEST), LONGEST);
}
