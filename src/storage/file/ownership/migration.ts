import type { Journal } from '../journal/journal.js';
import type { WriterLog } from '../journal/record.js';
import type { Orphans } from './orphans.js';

/**
 * Moves what closed writers left out of the file of the living, into a new one. A crash in between leaves them in both:
 * whoever takes one sends, in order, what another may have sent from the other.
 *
 * @returns Whether they stand in the new one.
 */
export function evacuateClosed(from: Journal, to: Journal, isLeft: (writer: string) => boolean): boolean {
  let left: Map<string, WriterLog>;
  try {
    left = new Map([...from.read().logs].filter(([writer]) => isLeft(writer)));
    to.saveAll(left);
  } catch {
    to.delete();
    return false;
  }
  try {
    from.removeAll(left);
  } catch {
    // As after a crash; and a part may have been forgotten.
  }
  return true;
}

/** Moves what living writers have adopted out of a file. Throws if that failed: then they stand in it, or in both, which is harmless. */
export function evacuateAdopted(from: Journal, to: Journal, orphans: Orphans): void {
  const adopted = new Map(
    [...from.read().logs]
      .filter(([writer]) => orphans.isAdopted(writer, from))
      .map(([writer, log]) => [writer, { ...log, staged: undefined }]),
  );
  to.saveAll(adopted);
  for (const writer of adopted.keys()) orphans.moveAdoption(writer, from, to);
  from.removeAll(adopted);
}
