/**
 * Splits field ids into as few lists as fit into URLs, in their order.
 *
 * @param room - How many characters the ids of one URL may take, percent-encoded and joined by commas. An id that is
 * longer goes alone.
 */
export function chunkIds(fieldIds: readonly string[], room: number): string[][] {
  const lists: string[][] = [];
  let left = -1;
  for (const fieldId of fieldIds) {
    const { length } = encodeURIComponent(fieldId);
    left -= length + ','.length;
    if (left < 0) {
      lists.push([]);
      left = room - length;
    }
    lists.at(-1)?.push(fieldId);
  }
  return lists;
}
