import type { Contents, WriterLog } from '../journal/contents.js';
import type { Journal } from '../journal/journal.js';
import type { Orphans } from './orphans.js';

/**
 * Moves what closed writers left out of the file of the living, into a new one. A crash in between leaves them in both:
 * whoever takes one sends, in order, what another may have sent from the other.
 *
 * @returns Whether they stand in the new one.
 */
export function evacuateClosed(from: Journal, to: Journal, isLeft: (writer: string) => boolean): boolean {
  return evacuate(from, to, ({ logs }) => new Map([...logs].filter(([writer]) => isLeft(writer))));
}

/** Moves what living writers have adopted out of a file, into a new one; staged values are not theirs. @returns Whether it stands there. */
export function evacuateAdopted(from: Journal, to: Journal, orphans: Orphans): boolean {
  const isMoved = evacuate(from, to, ({ logs }) => {
    const adopted = [...logs].filter(([writer]) => orphans.isAdopted(writer, from));
    return new Map(adopted.map(([writer, log]) => [writer, { ...log, staged: undefined }]));
  });
  if (isMoved) for (const writer of to.live.writers) orphans.moveAdoption(writer, from, to);
  return isMoved;
}

function evacuate(from: Journal, to: Journal, select: (contents: Contents) => Map<string, WriterLog>): boolean {
  let moved: Map<string, WriterLog>;
  try {
    moved = select(from.read());
    from.copyTo(to, moved);
  } catch {
    to.delete();
    return false;
  }
  try {
    from.removeWriters(moved);
  } catch {
    // As after a crash; and a part may have been forgotten.
  }
  return true;
}
