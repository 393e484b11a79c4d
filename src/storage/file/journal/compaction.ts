import { StorageException } from '../../../core/model/exceptions.js';
import { RangeSet } from '../../shared/range-set.js';
import { readContents, textOf } from './contents.js';
import type { FileHandle } from './file-handle.js';
import type { LiveIndex } from './live-index.js';
import { type JournalRecord, readRecord } from './record.js';

/** The writes into a file, and its length after them. */
interface CompactionPlan {
  readonly writes: readonly { readonly position: number; readonly bytes: Buffer }[];
  readonly length: number;
}

/** Lines in the order of the file, by place: an object each would take half as much memory as the queue does. */
interface KeptLines {
  readonly starts: number[];
  readonly ends: number[];
  /** The starts of those that can't be read: these stay where they are. */
  readonly unreadable: ReadonlySet<number>;
}

const NEWLINE = 10;

/**
 * Plans how to make room in a journal whose disk has none, not even for a note: what is not wanted is overwritten, by the
 * last records of the file and by newlines, and the end is cut off. Wherever a crash cuts this short, each record that
 * is wanted stands where it was, or in two places, which is the same.
 *
 * Staged values are not kept: they are promised nothing.
 *
 * @param isWanted - Whether an entry is, or, without a sequence number, a writer's destination.
 */
export function planCompaction(
  bytes: Buffer,
  isWanted: (writer: string, sequence?: number) => boolean,
): CompactionPlan {
  const { starts, ends, unreadable } = linesToKeep(bytes, isWanted);
  const writes: { position: number; bytes: Buffer }[] = [];
  // A gap reaches from the end of a kept line to the start of the next one, the newlines of both included.
  let gapStart = 0;
  for (let index = 0; index < starts.length; index++) {
    const start = starts[index] as number;
    const gap = Buffer.alloc(start - gapStart, NEWLINE);
    let filled = 1;
    for (let last = starts.length - 1; last >= index && !unreadable.has(starts[last] as number); last--) {
      const length = (ends[last] as number) - (starts[last] as number);
      if (filled + length + 1 > gap.length) break;
      bytes.copy(gap, filled, starts[last], ends[last]);
      filled += length + 1;
      starts.pop();
    }
    if (!gap.equals(bytes.subarray(gapStart, start))) writes.push({ position: gapStart, bytes: gap });
    if (index === starts.length) return { writes, length: gapStart + filled };
    gapStart = ends[index] as number;
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
  const { logs, isNewer } = readContents(handle.lines());
  if (isNewer)
    throw new StorageException(`${handle.path} holds records of a newer version`, {
      advice: 'Make room on the disk.',
      isFull: true,
    });
  const { writes, length } = planCompaction(handle.read(), (writer, sequence) =>
    sequence === undefined ? live.hasEntriesOf(writer) : live.wants(writer, sequence),
  );
  handle.overwrite(writes, length);
  return Array.from(textOf(logs, [])).join('');
}

function linesToKeep(bytes: Buffer, isWanted: (writer: string, sequence?: number) => boolean): KeptLines {
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
      if (record === undefined || (isKept(record, isWanted) && isNew(record))) {
        starts.push(start);
        ends.push(end);
      }
    }
    start = end + 1;
  }
  return { starts, ends, unreadable };
}

const sequenceOf = (record: JournalRecord): number | undefined => ('sequence' in record ? record.sequence : undefined);

function isKept(record: JournalRecord, isWanted: (writer: string, sequence?: number) => boolean): boolean {
  return 'WECQ'.includes(record.kind) && isWanted(record.writer, sequenceOf(record));
}

/** Of records that say the same, as after a crash that cut this short, only the first is kept. */
function firstSeen(): (record: JournalRecord) => boolean {
  const seen = new Map<string, RangeSet>();
  return (record) => {
    const key = `${record.writer} ${record.kind === 'C' ? 'E' : record.kind}`;
    const sequences = seen.get(key) ?? new RangeSet();
    seen.set(key, sequences);
    return sequences.add(sequenceOf(record) ?? 0);
  };
}
