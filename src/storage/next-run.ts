/** The most that a record has digits for. */
const MOST = 999_999_999_999_999;

/** The number of a run that stages something, after `text`, which is that of the last one; where it is damaged, all begins anew. */
export function nextRun(text: string | null): number {
  const last = Number(text);
  return Number.isInteger(last) && last >= 0 && last < MOST ? last + 1 : 1;
}
