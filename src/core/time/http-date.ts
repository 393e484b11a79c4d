/** @returns Milliseconds since the Unix epoch; `NaN` for what is no HTTP date: Date.parse alone takes almost anything. */
export function parseDate(text: string): number {
  if (!/^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // The oldest of the three forms names no zone; all are Greenwich time.
  return Date.parse(/GMT/.test(text) ? text : `${text} GMT`);
}
