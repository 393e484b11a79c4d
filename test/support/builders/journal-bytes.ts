import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { linesOf } from '../../../src/storage/file/journal/lines.js';
import { type Contents, EntryList, readContents, readEntries } from '../../../src/storage/shared/journal/contents.js';
import type { Line } from '../../../src/storage/shared/journal/lines.js';
import { readRecord } from '../../../src/storage/shared/journal/record.js';

/** The lines of a file with these bytes, of which each read returns at most `most`. */
export function linesIn(bytes: Buffer, most = Number.POSITIVE_INFINITY): Generator<Line> {
  const fs = {
    fstatSync: () => ({ size: bytes.length }),
    readSync: (_fd: number, target: Buffer, offset: number, length: number, position: number) =>
      bytes.copy(target, offset, position, position + Math.min(length, most)),
  };
  return linesOf(fs as unknown as FileSystem, 0);
}

/** All that a journal with these bytes holds. */
export interface JournalRead extends Contents {
  /** By writer, in the order of their commit. */
  readonly entries: ReadonlyMap<string, readonly StoredEntry[]>;
  /** The lines that can't be read. */
  readonly unreadableLines: readonly string[];
}

export function readJournal(bytes: Buffer, most?: number): JournalRead {
  const contents = readContents(linesIn(bytes, most));
  const lists = new Map(
    Array.from(contents.logs, ([writer, { sequences }]) => [writer, new EntryList(sequences.size)]),
  );
  for (const entry of readEntries(linesIn(bytes, most), contents.logs)) lists.get(entry.writer)?.push(entry);
  const unreadableLines: string[] = [];
  for (const line of linesIn(bytes, most))
    if (readRecord(line) === undefined)
      unreadableLines.push(Buffer.from(line.bytes.subarray(line.start, line.end)).toString('latin1'));
  return {
    ...contents,
    entries: new Map(Array.from(lists, ([writer, list]) => [writer, list.inOrder()])),
    unreadableLines,
  };
}
