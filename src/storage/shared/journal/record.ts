import { type Destination, decodeDestination } from '../../../core/model/destination.js';
import { decodeRejection, encodeRejection, type Rejection, type StoredEntry } from '../../../core/model/entry.js';
import type { Value } from '../../../core/model/value.js';
import { decodeValues, encodeValues } from '../../../core/model/values-json.js';
import { MAX_UNIX_SECONDS } from '../../../core/time/clock.js';
import type { StagedValues } from '../run-number.js';
import { type Bytes, decodeUtf8 } from './bytes.js';
import { crc32 } from './crc32.js';
import type { Line } from './lines.js';
import { COMMA, isWireText, MINUS, NINE, SMALL_F, ZERO } from './wire-text.js';

/*
 * A journal is text, with one record per line. Each record begins and ends with a newline, so that a record half-written by a
 * crash damages no other record:
 *
 *   \n1 <CRC-32 of the rest, 8 hexadecimal digits> <kind> <writer> …\n
 *
 *   W <writer> {"deviceId":"…","baseUrl":"…"}     a writer's destination, before its first other record in this file
 *   E <writer> <sequence> <timestamp> <values>     an entry
 *   C <writer> <sequence> <timestamp> <values>     an entry made of the staged values, which it removes
 *   Q <writer> <sequence> {"status":…,"reason":"…"} an entry in quarantine, and why
 *   R <writer> <first>-<last>,<sequence>,…         removed entries
 *   S <writer> <run> <values>                      the staged values, replacing earlier ones; [] for none
 *
 * <values> is the wire text, [{"<Field ID>":<value>},…], which as JSON has no newline. The 1 is the version of the format.
 */

export interface EntryRecord {
  readonly kind: 'E' | 'C';
  readonly writer: string;
  readonly sequence: number;
  readonly timestamp: number;
  /** The index of the values' text in the bytes of the line. */
  readonly values: number;
}

export type JournalRecord =
  | EntryRecord
  | { readonly kind: 'W'; readonly writer: string; readonly destination: Destination }
  | { readonly kind: 'Q'; readonly writer: string; readonly sequence: number; readonly rejection: Rejection }
  | { readonly kind: 'R'; readonly writer: string; readonly ranges: readonly Range[] }
  | { readonly kind: 'S'; readonly writer: string; readonly staged: StagedValues };

const VERSION = '1';
/** The indexes in a line of the checksum, and of the text that it covers. */
const SUM = 2;
const HEAD = 11;
const SPACE = 32;
const SMALL_A = 97;
const SMALL_Z = 122;

export const encodeWriter = (writer: string, { deviceId, baseUrl }: Destination): string =>
  encode(`W ${writer} ${JSON.stringify({ deviceId, baseUrl })}`);

export const encodeEntry = ({ writer, sequence, timestamp, values }: StoredEntry, kind: 'E' | 'C' = 'E'): string =>
  encode(`${kind} ${writer} ${sequence} ${timestamp} ${values}`);

export const encodeQuarantined = (writer: string, sequence: number, rejection: Rejection): string =>
  encode(`Q ${writer} ${sequence} ${encodeRejection(rejection)}`);

export const encodeStaged = (writer: string, run: number, values: readonly Value[]): string =>
  encode(`S ${writer} ${run} ${encodeValues(values)}`);

type Range = readonly [first: number, last: number];

/** Makes one or more records. @param ranges - Ascending, both ends included. */
export function encodeRemoved(writer: string, ranges: readonly Range[]): string {
  let text = '';
  for (let start = 0; start < ranges.length; start += RANGES_IN_RECORD) {
    const some = ranges.slice(start, start + RANGES_IN_RECORD);
    text += encode(`R ${writer} ${some.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join()}`);
  }
  return text;
}

const RANGES_IN_RECORD = 10_000;

function encode(body: string): string {
  const sum = crc32(body);
  const digits = hex(sum >>> 24) + hex((sum >>> 16) & 0xff) + hex((sum >>> 8) & 0xff) + hex(sum & 0xff);
  return `\n${VERSION} ${digits} ${body}\n`;
}

/** A table is several times as fast as formatting. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (byte: number): string => HEX[byte] as string;

/**
 * Reads a record. A valid checksum does not prove that this release wrote it, so the values' text must be one that `encodeValues`
 * makes: it is sent unchanged, and must not add anything else to a request.
 *
 * @returns `undefined` for a line that this release would not write: torn, altered, foreign or newer.
 */
export function readRecord({ bytes, start, end }: Line): JournalRecord | undefined {
  if (!isIntact(bytes, start, end)) return undefined;
  // version(1) space checksum(8) space kind(1) space writer space body
  const writerStart = start + HEAD + 2;
  const writer = bytes[writerStart - 1] === SPACE ? readWriter(bytes, writerStart, end) : '';
  const body = writerStart + writer.length + 1;
  if (writer === '' || body > end || bytes[body - 1] !== SPACE) return undefined;
  const kind = String.fromCharCode(bytes[start + HEAD] as number);
  if (kind === 'E' || kind === 'C') return readEntry(kind, writer, bytes, body, end);
  if (kind === 'R') return readRemoved(writer, bytes, body, end);
  return readOther(kind, writer, decodeUtf8(bytes, body, end));
}

/** Whether an unreadable line is a record of a newer format, which only a newer release may change. */
export function isNewer({ bytes, start, end }: Line): boolean {
  const version = /^(\d{1,9}) [\da-f]/.exec(decodeUtf8(bytes, start, Math.min(end, start + HEAD)))?.[1];
  return Number(version) > Number(VERSION);
}

function isIntact(bytes: Bytes, start: number, end: number): boolean {
  const hasHead =
    bytes[start] === ZERO + Number(VERSION) && bytes[start + 1] === SPACE && bytes[start + HEAD - 1] === SPACE;
  return hasHead && start + HEAD <= end && sumAt(bytes, start + SUM) === crc32(bytes.subarray(start + HEAD, end));
}

/** Reads a checksum in lower case without making a string: five times as fast. @returns -1 for any other text. */
function sumAt(bytes: Bytes, start: number): number {
  let sum = 0;
  for (let index = start; index < start + 8; index++) {
    const byte = bytes[index] as number;
    if (byte < ZERO || byte > SMALL_F || (byte > NINE && byte < SMALL_A)) return -1;
    sum = sum * 16 + byte - (byte > NINE ? SMALL_A - 10 : ZERO);
  }
  return sum;
}

let lastWriter = '';

/** Nearly always the writer of the previous record: reusing the string saves allocating and hashing it. @returns Empty if there is no writer. */
function readWriter(bytes: Bytes, start: number, end: number): string {
  let index = 0;
  while (index < lastWriter.length && bytes[start + index] === lastWriter.charCodeAt(index)) index++;
  if (index === 0 || index < lastWriter.length || bytes[start + index] !== SPACE)
    lastWriter = decodeUtf8(bytes, start, wordEnd(bytes, start, end));
  return lastWriter;
}

function readEntry(
  kind: EntryRecord['kind'],
  writer: string,
  bytes: Bytes,
  start: number,
  end: number,
): EntryRecord | undefined {
  const afterSequence = wordEnd(bytes, start, end);
  const afterTimestamp = wordEnd(bytes, afterSequence + 1, end);
  const sequence = numberIn(bytes, start, afterSequence);
  const timestamp = numberIn(bytes, afterSequence + 1, afterTimestamp);
  const isEntry = bytes[afterSequence] === SPACE && bytes[afterTimestamp] === SPACE && afterTimestamp < end;
  if (!isEntry || sequence === undefined || timestamp === undefined || timestamp >= MAX_UNIX_SECONDS) return undefined;
  return isWireText(bytes, afterTimestamp + 1, end)
    ? { kind, writer, sequence, timestamp, values: afterTimestamp + 1 }
    : undefined;
}

function readOther(kind: string, writer: string, text: string): JournalRecord | undefined {
  switch (kind) {
    case 'W': {
      const destination = decodeDestination(text);
      return destination && { kind, writer, destination };
    }
    case 'Q': {
      const [sequence, json] = numbered(text);
      const rejection = decodeRejection(json);
      return sequence === undefined || rejection === undefined ? undefined : { kind, writer, sequence, rejection };
    }
    case 'S': {
      const [run, json] = numbered(text);
      const values = decodeValues(json);
      return run === undefined || values === undefined ? undefined : { kind, writer, staged: { run, values } };
    }
    default:
      return undefined;
  }
}

/** Reads range by range: the text can be too long for one regular expression. */
function readRemoved(writer: string, bytes: Bytes, start: number, end: number): JournalRecord | undefined {
  const ranges: Range[] = [];
  for (let index = start; index <= end; ) {
    const firstEnd = wordEnd(bytes, index, end);
    const lastStart = firstEnd < end && bytes[firstEnd] === MINUS ? firstEnd + 1 : index;
    const lastEnd = wordEnd(bytes, lastStart, end);
    const [first, last] = [numberIn(bytes, index, firstEnd), numberIn(bytes, lastStart, lastEnd)];
    if (first === undefined || last === undefined || (lastEnd < end && bytes[lastEnd] !== COMMA)) return undefined;
    ranges.push([first, last]);
    index = lastEnd + 1;
  }
  return { kind: 'R', writer, ranges };
}

/** Splits a text at its first space, after a number. */
function numbered(text: string): [number: number | undefined, rest: string] {
  const [, digits, rest = ''] = /^(\d{1,15}) (.*)$/s.exec(text) ?? [];
  return [digits === undefined ? undefined : Number(digits), rest];
}

/** The end of the lower-case letters and digits at `start`. */
function wordEnd(bytes: Bytes, start: number, end: number): number {
  let index = start;
  for (; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte < ZERO || byte > SMALL_Z || (byte > NINE && byte < SMALL_A)) break;
  }
  return index;
}

/** @returns `undefined` unless there are 1 to 15 digits. */
function numberIn(bytes: Bytes, start: number, end: number): number | undefined {
  if (end <= start || end - start > 15) return undefined;
  let number = 0;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte > NINE) return undefined;
    number = number * 10 + byte - ZERO;
  }
  return number;
}
