import type { Destination } from '../../../core/model/destination.js';
import type { Rejection, StoredEntry } from '../../../core/model/entry.js';
import { RangeSet } from '../range-set.js';
import type { StagedValues } from '../run-number.js';
import { decodeUtf8 } from './bytes.js';
import { type Line, NEWLINE } from './lines.js';
import { type EntryRecord, isNewer, type JournalRecord, readRecord } from './record.js';

/*
 * A journal is read twice: first the ids of its entries, then the entries. A removal follows the removed entries, so a single
 * pass would hold every entry in memory that the file ever contained.
 */

/** The records of one writer in a journal, without the entries themselves. */
export interface WriterLog {
  /** One string, shared by all entries of the writer. */
  readonly writer: string;
  /** Absent if its record is unreadable: the entries can't be sent then. */
  destination?: Destination;
  /** The sequence numbers of the live entries. */
  readonly sequences: RangeSet;
  /** The reason for each quarantine, by sequence number: its record can precede the entry's own. */
  readonly rejections: Map<number, Rejection>;
  staged?: StagedValues | undefined;
}

/** The contents of a journal, without the entries themselves. */
export interface Contents {
  /** By writer id. */
  readonly logs: Map<string, WriterLog>;
  /** The number of unreadable lines: torn, altered or foreign. */
  unreadable: number;
  /** Whether there are records of a newer format, which only a newer release may change. */
  isNewer: boolean;
}

export const emptyContents = (): Contents => ({ logs: new Map(), unreadable: 0, isNewer: false });

/** Reads the ids of the live entries of a journal. An unreadable line is counted and skipped. */
export function readContents(lines: Iterable<Line>): Contents {
  const contents = emptyContents();
  for (const line of lines) {
    const record = readRecord(line);
    if (record !== undefined) {
      apply(record, logOf(contents.logs, record.writer));
      continue;
    }
    contents.unreadable += 1;
    contents.isNewer ||= isNewer(line);
  }
  return contents;
}

/** Reads the entries that `logs` lists, in the order of the file; an entry that was moved on a full disk can occur twice. */
export function* readEntries(
  lines: Iterable<Line>,
  logs: ReadonlyMap<string, WriterLog>,
): Generator<StoredEntry, undefined> {
  for (const line of lines) {
    const record = readRecord(line);
    if (record?.kind !== 'E' && record?.kind !== 'C') continue;
    const log = logs.get(record.writer);
    if (log?.sequences.has(record.sequence)) yield entryOf(record, line, log);
  }
}

/** The unreadable lines, each with a newline. */
export function* unreadableIn(lines: Iterable<Line>): Generator<Uint8Array, undefined> {
  for (const line of lines) {
    if (readRecord(line) === undefined) yield withNewline(line);
  }
}

function withNewline({ bytes, start, end }: Line): Uint8Array {
  const copy = new Uint8Array(end - start + 1).fill(NEWLINE);
  copy.set(bytes.subarray(start, end));
  return copy;
}

function logOf(logs: Map<string, WriterLog>, writer: string): WriterLog {
  const known = logs.get(writer);
  if (known !== undefined) return known;
  const log: WriterLog = { writer, sequences: new RangeSet(), rejections: new Map() };
  logs.set(writer, log);
  return log;
}

function apply(record: JournalRecord, log: WriterLog): void {
  switch (record.kind) {
    case 'W':
      log.destination = record.destination;
      break;
    case 'C':
      log.staged = undefined;
      log.sequences.add(record.sequence);
      break;
    case 'E':
      log.sequences.add(record.sequence);
      break;
    case 'Q':
      log.rejections.set(record.sequence, record.rejection);
      break;
    case 'S':
      log.staged = record.staged.values.length > 0 ? record.staged : undefined;
      break;
    case 'R':
      for (const [first, last] of record.ranges) log.sequences.deleteRange(first, last);
  }
}

function entryOf(
  { sequence, timestamp, values: start }: EntryRecord,
  { bytes, end }: Line,
  log: WriterLog,
): StoredEntry {
  const { writer, rejections } = log;
  // Decoded separately: a substring would keep the longer string in memory.
  const values = decodeUtf8(bytes, start, end);
  const entry = { writer, sequence, timestamp, values, bytes: end - start };
  const rejection = rejections.get(sequence);
  return rejection === undefined ? entry : { ...entry, rejection };
}

/** Collects the entries of one writer as they are read. */
export class EntryList {
  /** Allocated at its final size: a growing array takes twice the memory. */
  readonly #entries: StoredEntry[];
  #length = 0;

  constructor(size: number) {
    this.#entries = new Array<StoredEntry>(size);
  }

  push(entry: StoredEntry): void {
    this.#entries[this.#length++] = entry;
  }

  /** As {@link inOrder}. Called once, after the last entry. */
  inOrder(): readonly StoredEntry[] {
    this.#entries.length = this.#length;
    return inOrder(this.#entries);
  }
}

/** The entries of one writer in the order of their commit, each once: the last of two with the same id. */
export function inOrder(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  const isBefore = (entry: StoredEntry, index: number): boolean =>
    entry.sequence < (entries[index + 1]?.sequence ?? Infinity);
  if (entries.every(isBefore)) return entries;
  const sorted = [...entries].sort((one, other) => one.sequence - other.sequence);
  return sorted.filter(({ sequence }, index) => sorted[index + 1]?.sequence !== sequence);
}
