import type { Journal } from './file-journal.js';
import type { FileOrphans } from './file-orphans.js';
import type { Shelf } from './file-record.js';

/**
 * Moves what closed writers left out of the file of the living, into a new one. A crash in between leaves them in both:
 * whoever takes one sends, in order, what another may have sent from the other.
 *
 * @returns Whether they stand in the new one.
 */
export function moveLeft(from: Journal, to: Journal, isLeft: (writer: string) => boolean): boolean {
  let left: Map<string, Shelf>;
  try {
    left = new Map([...from.read().shelves].filter(([writer]) => isLeft(writer)));
    to.saveAll(left);
  } catch {
    to.delete();
    return false;
  }
  try {
    from.forget(left);
  } catch {
    // As after a crash; and a part may have been forgotten.
  }
  return true;
}

/** Moves what living writers have adopted out of a file. Throws if that failed: then they stand in it, or in both, which is harmless. */
export function moveAdopted(from: Journal, to: Journal, orphans: FileOrphans): void {
  const adopted = new Map(
    [...from.read().shelves]
      .filter(([writer]) => orphans.isAdopted(writer, from))
      .map(([writer, shelf]) => [writer, { ...shelf, staged: undefined }]),
  );
  to.saveAll(adopted);
  for (const writer of adopted.keys()) orphans.moveAdoption(writer, from, to);
  from.forget(adopted);
}
