/**
 * Compares the values that devices committed with those that a server holds.
 *
 * @param {{ deviceId: string, committed: number[] }[]} commits
 * @param {(deviceId: string) => number[]} valuesOf - The values of a device that the server holds.
 */
export function compare(commits, valuesOf) {
  const sum = { committed: 0, stored: 0, lost: 0, duplicated: 0, unknown: 0 };
  for (const { deviceId, committed } of commits) {
    const held = valuesOf(deviceId);
    const distinct = new Set(held);
    const stored = committed.filter((value) => distinct.has(value)).length;
    sum.committed += committed.length;
    sum.stored += stored;
    sum.lost += committed.length - stored;
    sum.duplicated += held.length - distinct.size;
    sum.unknown += distinct.size - stored;
  }
  return sum;
}

/** @returns {string} Such as `900 committed, 900 stored, 0 lost, 0 duplicated`. */
export const describe = ({ committed, stored, lost, duplicated }) =>
  `${committed} committed, ${stored} stored, ${lost} lost, ${duplicated} duplicated`;
