import { StorageException } from '../../../core/model/exceptions.js';
import { RangeSet } from '../range-set.js';
import { readContents } from './contents.js';
import { journalText } from './journal-text.js';
import { type Line, NEWLINE } from './lines.js';
import type { LiveIndex } from './live-index.js';
import { type JournalRecord, readRecord } from './record.js';

/** Bytes to write at a position of a file. */
export interface PlacedBytes {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Writes to a file, and its length after them. */
interface CompactionPlan {
  readonly writes: readonly PlacedBytes[];
  readonly length: number;
}

/**
 * Plans the compaction of a journal on a full disk, where not even a removal can be appended: records that are not live are
 * overwritten by the last records of the file and by newlines, and the file is truncated. A crash at any point leaves each live
 * record in its old place, or in both. Staged values are not kept.
 *
 * @param isLive - Whether an entry is live, or, without a sequence number, the destination of a writer.
 */
export function planCompaction(
  bytes: Uint8Array,
  isLive: (writer: string, sequence?: number) => boolean,
): CompactionPlan {
  const { starts, ends, unreadable } = linesToKeep(bytes, isLive);
  const writes: PlacedBytes[] = [];
  // A gap extends from the end of a kept line to the start of the next one, including the newlines of both.
  let gapStart = 0;
  for (let index = 0; index < starts.length; index++) {
    const start = starts[index] as number;
    const gap = new Uint8Array(start - gapStart).fill(NEWLINE);
    let filled = 1;
    for (let last = starts.length - 1; last >= index && !unreadable.has(starts[last] as number); last--) {
      const length = (ends[last] as number) - (starts[last] as number);
      if (filled + length + 1 > gap.length) break;
      gap.set(bytes.subarray(starts[last], ends[last]), filled);
      filled += length + 1;
      starts.pop();
    }
    if (gap.some((byte, at) => byte !== bytes[gapStart + at])) writes.push({ position: gapStart, bytes: gap });
    if (index === starts.length) return { writes, length: gapStart + filled };
    gapStart = ends[index] as number;
  }
  return { writes, length: gapStart === 0 ? 0 : Math.min(gapStart + 1, bytes.length) };
}

/** A file that can be compacted in place. */
export interface CompactableFile {
  readonly path: string;
  lines(): Iterable<Line>;
  read(): Uint8Array;
  /** @throws {@link StorageException}; a part may have been written. */
  overwrite(writes: readonly PlacedBytes[], length: number): void;
}

/**
 * Overwrites records that are not live, which frees space on a full disk.
 *
 * @returns The records of the staged values that the journal had.
 * @throws {@link StorageException} if that failed; all live records are still in the file.
 */
export function compactInPlace(handle: CompactableFile, live: LiveIndex): string {
  const { logs, isNewer } = readContents(handle.lines());
  if (isNewer)
    throw new StorageException(`${handle.path} holds records of a newer version`, {
      advice: 'Free some disk space.',
      isFull: true,
    });
  const { writes, length } = planCompaction(handle.read(), (writer, sequence) =>
    sequence === undefined ? live.hasEntriesOf(writer) : live.isLive(writer, sequence),
  );
  handle.overwrite(writes, length);
  return Array.from(journalText(logs, [])).join('');
}

/** In parallel arrays: an object per line would take half as much memory as the queue. Unreadable lines are not moved. */
function linesToKeep(bytes: Uint8Array, isLive: (writer: string, sequence?: number) => boolean) {
  const starts: number[] = [];
  const ends: number[] = [];
  const unreadable = new Set<number>();
  const isNew = firstSeen();
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start) {
      const record = readRecord({ bytes, start, end });
      if (record === undefined) unreadable.add(start);
      if (record === undefined || (isKept(record, isLive) && isNew(record))) {
        starts.push(start);
        ends.push(end);
      }
    }
    start = end + 1;
  }
  return { starts, ends, unreadable };
}

const sequenceOf = (record: JournalRecord): number | undefined => ('sequence' in record ? record.sequence : undefined);

function isKept(record: JournalRecord, isLive: (writer: string, sequence?: number) => boolean): boolean {
  return 'WECQ'.includes(record.kind) && isLive(record.writer, sequenceOf(record));
}

/** Keeps only the first of duplicate records, which an interrupted compaction leaves. */
function firstSeen(): (record: JournalRecord) => boolean {
  const seen = new Map<string, RangeSet>();
  return (record) => {
    const key = `${record.writer} ${record.kind === 'C' ? 'E' : record.kind}`;
    const sequences = seen.get(key) ?? new RangeSet();
    seen.set(key, sequences);
    return sequences.add(sequenceOf(record) ?? 0);
  };
}
