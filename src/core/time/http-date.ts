import { MAX_UNIX_SECONDS } from './clock.js';

/**
 * @returns Milliseconds since the Unix epoch; `NaN` for what is not an HTTP date (Date.parse takes almost anything) or not
 * between 1970 and the year 5138.
 */
export function parseDate(text: string): number {
  if (!/^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // The oldest of the three forms names no zone; all are Greenwich time.
  const milliseconds = Date.parse(/GMT/.test(text) ? text : `${text} GMT`);
  return milliseconds >= 0 && milliseconds < MAX_UNIX_SECONDS * 1000 ? milliseconds : Number.NaN;
}
