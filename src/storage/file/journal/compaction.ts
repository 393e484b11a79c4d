import { StorageException } from '../../../core/model/exceptions.js';
import type { FileHandle } from './file-handle.js';
import type { LiveIndex } from './live-index.js';
import { readJournal, readRecord } from './record.js';
import { stagedOf, textOf } from './writer-log.js';

/** What is written where in a file, and where it ends after that. */
interface Erasure {
  readonly writes: readonly { readonly position: number; readonly bytes: Buffer }[];
  readonly length: number;
}

interface Kept {
  readonly start: number;
  readonly end: number;
  /** A line that can't be read stays where it is. */
  readonly isMovable: boolean;
}

const NEWLINE = 10;

/**
 * Plans how to make room in a journal whose disk has none, not even for a note: what is not wanted is overwritten, by the
 * last records of the file and by newlines, and the end is cut off. Wherever a crash cuts this short, each record that
 * is wanted stands where it was, or in two places, which is the same.
 *
 * Staged values are not kept: they are promised nothing.
 *
 * @param isWanted - Whether an entry is, or, without a sequence number, a writer's binding.
 */
export function planCompaction(bytes: Buffer, isWanted: (writer: string, sequence?: number) => boolean): Erasure {
  const kept = linesToKeep(bytes, isWanted);
  const writes: { position: number; bytes: Buffer }[] = [];
  // A gap reaches from the end of a kept line to the start of the next one, the newlines of both included.
  let gapStart = 0;
  for (let index = 0; index < kept.length; index++) {
    const { start, end } = kept[index] as Kept;
    const gap = Buffer.alloc(start - gapStart, NEWLINE);
    let filled = 1;
    for (let last = kept.at(-1); last?.isMovable && index < kept.length; last = kept.at(-1)) {
      const length = last.end - last.start;
      if (filled + length + 1 > gap.length) break;
      bytes.copy(gap, filled, last.start, last.end);
      filled += length + 1;
      kept.pop();
    }
    if (!gap.equals(bytes.subarray(gapStart, start))) writes.push({ position: gapStart, bytes: gap });
    if (index === kept.length) return { writes, length: gapStart + filled };
    gapStart = end;
  }
  return { writes, length: gapStart === 0 ? 0 : Math.min(gapStart + 1, bytes.length) };
}

/**
 * Overwrites what is not wanted any more in a journal, where the disk has no room for a note of it, and makes room by that.
 *
 * @returns The text of the staged values, which it held.
 * @throws {@link StorageException} if that failed; then all that is wanted is still there.
 */
export function compactInPlace(handle: FileHandle, live: LiveIndex): string {
  const before = handle.read();
  const { logs, newer } = readJournal(before);
  if (newer)
    throw new StorageException(`${handle.path} holds records of a newer version`, 'Make room on the disk.', true);
  const { writes, length } = planCompaction(before, (writer, sequence) =>
    sequence === undefined ? live.hasEntriesOf(writer) : live.wants(writer, sequence),
  );
  handle.overwrite(writes, length);
  return textOf(stagedOf(logs));
}

function linesToKeep(bytes: Buffer, isWanted: (writer: string, sequence?: number) => boolean): Kept[] {
  const kept: Kept[] = [];
  const seen = new Set<string>();
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start) {
      const record = readRecord(bytes, start, end);
      if (record === undefined) kept.push({ start, end, isMovable: false });
      else {
        const key = `${record.writer} ${record.sequence ?? ''} ${record.kind === 'Q'}`;
        const isKept = !seen.has(key) && 'WECQ'.includes(record.kind) && isWanted(record.writer, record.sequence);
        if (isKept) kept.push({ start, end, isMovable: true });
        if (isKept) seen.add(key);
      }
    }
    start = end + 1;
  }
  return kept;
}
