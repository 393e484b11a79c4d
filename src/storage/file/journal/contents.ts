// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import type { Destination } from '../../../core/model/destination.js';
import type { Rejection, StoredEntry } from '../../../core/model/entry.js';
import { RangeSet } from '../../shared/range-set.js';
import type { StagedValues } from '../../shared/run-number.js';
import type { Line } from './lines.js';
import {
  type EntryRecord,
  encodeEntry,
  encodeQuarantined,
  encodeRemoved,
  encodeStaged,
  encodeWriter,
  isNewer,
  type JournalRecord,
  readRecord,
} from './record.js';

/*
 * A journal is read twice: first which entries it holds, then these. A removal stands behind the entries that it removes, so
 * that reading once would have all in memory that the file ever held.
 */

/** What one writer has in a journal, the entries themselves left aside. */
export interface WriterLog {
  /** One string for all its entries. */
  readonly writer: string;
  /** Absent if its record can't be read: then its entries can't be sent, for nobody knows where to. */
  destination?: Destination;
  /** The sequence numbers of its entries. */
  readonly sequences: RangeSet;
  /** By sequence number, why entries are in quarantine: their records can stand before the entries' own. */
  readonly rejections: Map<number, Rejection>;
  staged?: StagedValues | undefined;
}

/** What a journal holds, the entries themselves left aside. */
export interface Contents {
  readonly logs: Map<string, WriterLog>;
  /** How many lines can't be read: torn, altered or foreign. */
  unreadable: number;
  /** Whether there are records of a newer format, which only a newer release may touch. */
  isNewer: boolean;
}

export const nothing = (): Contents => ({ logs: new Map(), unreadable: 0, isNewer: false });

/** Reads which entries a journal holds. A line that can't be read is counted, and the others are read. */
export function readContents(lines: Iterable<Line>): Contents {
  const contents = nothing();
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

/** Reads the entries that are in `logs`, in the order of the file; one that was moved on a full disk can come twice. */
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

/** The lines that can't be read, as they are. */
export function* unreadableIn(lines: Iterable<Line>): Generator<Buffer, undefined> {
  for (const line of lines) {
    if (readRecord(line) === undefined) yield Buffer.concat([line.bytes.subarray(line.start, line.end), NEWLINE]);
  }
}

const NEWLINE = Buffer.from('\n');

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
  // A text of its own: a part of a longer one would keep that in memory.
  const values = bytes.toString('utf8', start, end);
  const entry = { writer, sequence, timestamp, values, bytes: end - start };
  const rejection = rejections.get(sequence);
  return rejection === undefined ? entry : { ...entry, rejection };
}

/** Entries of one writer as they are read. */
export class EntryList {
  /** Of its final size at once: growing it takes as much again. */
  readonly #entries: StoredEntry[];
  #length = 0;
  #isAscending = true;

  constructor(size: number) {
    this.#entries = new Array<StoredEntry>(size);
  }

  push(entry: StoredEntry): void {
    const last = this.#entries[this.#length - 1];
    this.#isAscending &&= last === undefined || last.sequence < entry.sequence;
    this.#entries[this.#length++] = entry;
  }

  /** In the order of their commit, each once. To be called once, at the end. */
  inOrder(): StoredEntry[] {
    this.#entries.length = this.#length;
    return this.#isAscending ? this.#entries : inOrder(this.#entries);
  }
}

/** Entries of one writer in the order of their commit, each once: of two the latter counts. */
export function inOrder(entries: readonly StoredEntry[]): StoredEntry[] {
  const sorted = [...entries].sort((one, other) => one.sequence - other.sequence);
  return sorted.filter(({ sequence }, index) => sorted[index + 1]?.sequence !== sequence);
}

/** How much of a journal's text is made at once. */
const PIECE_LENGTH = 64 * 1024;

/** By writer, what is written of it beside its entries. */
export type WriterHeads = ReadonlyMap<string, Pick<WriterLog, 'destination' | 'staged'>>;

/**
 * A journal's text with what is wanted alone, in pieces.
 *
 * @param logs - Of all writers of `entries`: `destination` and `staged` are written, too.
 */
export function* textOf(logs: WriterHeads, entries: Iterable<StoredEntry>): Generator<string, undefined> {
  let text = '';
  const registered = new Set<string>();
  const register = (writer: string): string => {
    const destination = registered.has(writer) ? undefined : logs.get(writer)?.destination;
    registered.add(writer);
    return destination === undefined ? '' : encodeWriter(writer, destination);
  };
  for (const entry of entries) {
    text += register(entry.writer) + encodeEntry(entry) + encodeQuarantineOf(entry);
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = '';
  }
  for (const [writer, { staged }] of logs) {
    if (staged) text += register(writer) + encodeStaged(writer, staged.run, staged.values);
  }
  if (text !== '') yield text;
}

/** Records that tell that nothing of writers is wanted. */
export function encodeTombstone(logs: ReadonlyMap<string, WriterLog>): string {
  return Array.from(logs.values(), ({ writer, sequences: { ranges }, staged }) => {
    const removed = ranges.length > 0 ? encodeRemoved(writer, [[ranges[0]?.[0] ?? 0, ranges.at(-1)?.[1] ?? 0]]) : '';
    return removed + (staged ? encodeStaged(writer, staged.run, []) : '');
  }).join('');
}

/** The record that tells that an entry is in quarantine, where it is. */
export const encodeQuarantineOf = ({ writer, sequence, rejection }: StoredEntry): string =>
  rejection === undefined ? '' : encodeQuarantined(writer, sequence, rejection);
