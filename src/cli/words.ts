/** A count with its noun. Without `toLocaleString`, which takes 13 ms to load. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')} ${count === 1 ? noun : nouns}`;

/** Local time, to the second. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
