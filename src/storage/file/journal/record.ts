import { crc32 } from 'node:zlib';
import { type Binding, decodeBinding } from '../../../core/model/destination.js';
import { decodeRefusal, encodeRefusal, type Refusal, type StoredEntry } from '../../../core/model/entry.js';
import type { Value } from '../../../core/model/value.js';
import { decodeValues, encodeValues } from '../../../core/model/values-json.js';
import type { StagedValues } from '../../shared/run-number.js';

/*
 * A journal is text, one record a line. Each record begins with a newline as well as ending with one, so that whatever a
 * crash left half-written before it spoils nothing but itself:
 *
 *   \n1 <CRC-32 of what follows, 8 hexadecimal digits> <kind> <writer> …\n
 *
 *   W <writer> {"deviceId":"…","baseUrl":"…"}     a writer's binding, before its first other record in this file
 *   E <writer> <sequence> <timestamp> <values>     an entry
 *   C <writer> <sequence> <timestamp> <values>     an entry made of the staged values, which it forgets
 *   Q <writer> <sequence> {"status":…,"reason":"…"} an entry that is in quarantine, and why
 *   R <writer> <first>-<last>,<sequence>,…         entries that are done with
 *   S <writer> <run> <values>                      the staged values in place of those before; [] where there are none
 *
 * <values> is the wire text, [{"<Field ID>":<value>},…]; as JSON it holds no newline. The 1 is the format's version.
 */

/** What one writer has in a journal. */
export interface WriterLog {
  /** One string for all its entries. */
  readonly writer: string;
  /** Absent if its record can't be read: then its entries can't be sent, for nobody knows where to. */
  binding?: Binding;
  /** By sequence number, in the order of their commit. */
  readonly entries: Map<number, StoredEntry>;
  /** Why entries are in quarantine, as their records tell: they can stand before the entries' own. */
  refusals?: Map<number, Refusal>;
  staged?: StagedValues | undefined;
}

/** All that a journal holds. */
export interface Contents {
  readonly logs: Map<string, WriterLog>;
  /** Lines that can't be read: torn, altered or foreign. */
  readonly unreadable: Buffer[];
  /** Whether there are records of a newer format, which only a newer release may touch. */
  newer: boolean;
}

const VERSION = '1';
/** The length of a line's version, checksum and the spaces behind them. */
const HEAD = 11;
const NEWLINE = 10;

export const encodeWriter = (writer: string, { deviceId, baseUrl }: Binding): string =>
  encode(`W ${writer} ${JSON.stringify({ deviceId, baseUrl })}`);

export const encodeEntry = ({ writer, sequence, timestamp, values }: StoredEntry, forgetStaged: boolean): string =>
  encode(`${forgetStaged ? 'C' : 'E'} ${writer} ${sequence} ${timestamp} ${values}`);

export const encodeQuarantined = (writer: string, sequence: number, refusal: Refusal): string =>
  encode(`Q ${writer} ${sequence} ${encodeRefusal(refusal)}`);

export const encodeStaged = (writer: string, run: number, values: readonly Value[]): string =>
  encode(`S ${writer} ${run} ${encodeValues(values)}`);

/** @param ranges - Ascending, both ends included. */
export const encodeRemoved = (writer: string, ranges: readonly (readonly [first: number, last: number])[]): string =>
  encode(`R ${writer} ${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join()}`);

/** Reads a journal. Never throws: a line that can't be read is kept as it is, and the others are read. */
export function readJournal(bytes: Buffer): Contents {
  const contents = nothing();
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start && !readLine(bytes, start, end, contents)) contents.unreadable.push(bytes.subarray(start, end));
    start = end + 1;
  }
  for (const log of contents.logs.values()) {
    sort(log);
    markRefused(log);
  }
  return contents;
}

export const nothing = (): Contents => ({ logs: new Map(), unreadable: [], newer: false });

/** What a line holds, as far as it can be told without reading its values. */
interface RecordHead {
  readonly kind: string;
  readonly writer: string;
  /** Of an entry, or of what tells that one is in quarantine. */
  readonly sequence: number | undefined;
}

/** @returns `undefined` for a line that can't be read. */
export function readRecord(bytes: Buffer, start: number, end: number): RecordHead | undefined {
  const line = bytes.toString('utf8', start, end);
  const [, kind, writer, sequence] = /^.{11}([WECQRS]) (\S+) (?:(\d+) )?/s.exec(line) ?? [];
  if (kind === undefined || writer === undefined || !readLine(bytes, start, end, nothing())) return undefined;
  return { kind, writer, sequence: 'ECQ'.includes(kind) ? Number(sequence) : undefined };
}

/** Puts entries in the order of their commit: where room was made on a full disk, records were moved. */
function sort({ entries }: WriterLog): void {
  let last = 0;
  for (const sequence of entries.keys()) {
    if (sequence < last) {
      const sorted = [...entries].sort(([one], [other]) => one - other);
      entries.clear();
      for (const [key, entry] of sorted) entries.set(key, entry);
      return;
    }
    last = sequence;
  }
}

function markRefused({ entries, refusals = new Map() }: WriterLog): void {
  for (const [sequence, refusal] of refusals) {
    const entry = entries.get(sequence);
    if (entry !== undefined) entries.set(sequence, { ...entry, refusal });
  }
}

function isIntact(bytes: Buffer, start: number, end: number, line: string): boolean {
  const sum = /^1 [\da-f]{8} /.test(line) ? Number.parseInt(line.slice(2, HEAD), 16) : -1;
  return sum === crc32(bytes.subarray(start + HEAD, end));
}

function encode(body: string): string {
  const sum = crc32(body);
  const digits = hex(sum >>> 24) + hex((sum >>> 16) & 0xff) + hex((sum >>> 8) & 0xff) + hex(sum & 0xff);
  return `\n${VERSION} ${digits} ${body}\n`;
}

/** Looked up: making them anew takes several times as long. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (byte: number): string => HEX[byte] as string;

const WRITER = /^[\da-z]+$/;

function readLine(bytes: Buffer, start: number, end: number, contents: Contents): boolean {
  // version(1) space checksum(8) space kind(1) space writer space rest
  const line = bytes.toString('utf8', start, end);
  if (!isIntact(bytes, start, end, line)) {
    const version = Number(/^(\d{1,9}) [\da-f]/.exec(line)?.[1]);
    contents.newer ||= version > Number(VERSION);
    return false;
  }
  const afterWriter = line.indexOf(' ', HEAD + 2);
  if (afterWriter < 0 || line[HEAD + 1] !== ' ') return false;
  const writer = line.slice(HEAD + 2, afterWriter);
  const known = contents.logs.get(writer);
  if (known === undefined && !WRITER.test(writer)) return false;
  const log = known ?? { writer, entries: new Map() };
  if (!readBody(line, afterWriter + 1, end - start, log)) return false;
  contents.logs.set(writer, log);
  return true;
}

/**
 * The checksum says that whoever wrote it meant it so; but that may have been another release, or a tool. Of an entry the
 * values' text is trusted, as reading that takes longer than all else.
 *
 * @param start - Where in the line the writer's id and its space end.
 * @param bytes - How many the line takes.
 * @returns Whether it is a record as this release writes it; if not, the shelf is as before.
 */
function readBody(line: string, start: number, bytes: number, log: WriterLog): boolean {
  switch (line[HEAD]) {
    case 'W': {
      const binding = decodeBinding(line.slice(start));
      if (binding !== undefined) log.binding = binding;
      return binding !== undefined;
    }
    case 'C':
      if (!readEntry(line, start, bytes, log)) return false;
      log.staged = undefined;
      return true;
    case 'E':
      return readEntry(line, start, bytes, log);
    case 'Q':
      return readRefusal(line, start, log);
    case 'S':
      return readStaged(line, start, log);
    case 'R':
      return readRemoved(line.slice(start), log);
    default:
      return false;
  }
}

function readEntry(line: string, start: number, bytes: number, { writer, entries }: WriterLog): boolean {
  const afterSequence = line.indexOf(' ', start);
  const afterTimestamp = line.indexOf(' ', afterSequence + 1);
  const sequence = readNumber(line, start, afterSequence);
  const timestamp = readNumber(line, afterSequence + 1, afterTimestamp);
  if (sequence === undefined || timestamp === undefined) return false;
  // All before the values is ASCII.
  const entry = {
    writer,
    sequence,
    timestamp,
    values: line.slice(afterTimestamp + 1),
    bytes: bytes - afterTimestamp - 1,
  };
  entries.set(sequence, entry);
  return true;
}

function readRefusal(line: string, start: number, log: WriterLog): boolean {
  const space = line.indexOf(' ', start);
  const sequence = readNumber(line, start, space);
  const refusal = decodeRefusal(line.slice(space + 1));
  if (sequence === undefined || refusal === undefined) return false;
  log.refusals ??= new Map();
  log.refusals.set(sequence, refusal);
  return true;
}

function readStaged(line: string, start: number, log: WriterLog): boolean {
  const space = line.indexOf(' ', start);
  const run = readNumber(line, start, space);
  const values = decodeValues(line.slice(space + 1));
  if (run === undefined || values === undefined) return false;
  log.staged = values.length > 0 ? { run, values } : undefined;
  return true;
}

const RANGES = /^\d{1,15}(?:-\d{1,15})?(?:,\d{1,15}(?:-\d{1,15})?)*$/;

function readRemoved(text: string, { entries }: WriterLog): boolean {
  if (!RANGES.test(text)) return false;
  for (const range of text.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    // However far it reaches, it takes no longer than there are entries.
    if (last - first < entries.size) for (let sequence = first; sequence <= last; sequence++) entries.delete(sequence);
    else for (const sequence of entries.keys()) if (sequence >= first && sequence <= last) entries.delete(sequence);
  }
  return true;
}

const NUMBER = /^\d{1,15}$/;

/** @param end - -1 where none was found. @returns `undefined` for what is no whole number. */
function readNumber(line: string, start: number, end: number): number | undefined {
  const digits = end < 0 ? '' : line.slice(start, end);
  return NUMBER.test(digits) ? Number(digits) : undefined;
}
