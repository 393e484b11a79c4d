import type { Bytes } from './bytes.js';

/** A line that is not empty. */
export interface Line {
  /** Valid until the next line is read. */
  readonly bytes: Bytes;
  readonly start: number;
  readonly end: number;
}

/** A file that is read in pieces. */
export interface ByteSource {
  readonly size: number;
  /** Allocates a buffer, of any contents. */
  allocate(length: number): Bytes;
  /** Fills a buffer from `position` on. @returns The number of bytes read; 0 at the end. */
  read(target: Bytes, position: number): number;
}

/** The bytes of a file in memory at once, but for longer lines. */
const PIECE_BYTES = 256 * 1024;
/** A longer line is not a record: it is split, so that endless zeros take no memory. */
export const MAX_RECORD_BYTES = 2 ** 25;
export const NEWLINE = 10;

/** Reads a file in pieces: a file can be as large as the queue, and there may be no memory for both. */
export function* linesIn(source: ByteSource): Generator<Line> {
  const { size } = source;
  let bytes = source.allocate(Math.min(size, PIECE_BYTES));
  let position = 0;
  /** The length of the unfinished line at the start of `bytes`. */
  let held = 0;
  while (position < size) {
    if (held === MAX_RECORD_BYTES) {
      yield { bytes, start: 0, end: held };
      held = 0;
    } else if (held === bytes.length) bytes = grown(source, bytes);
    const count = source.read(bytes.subarray(held, Math.min(bytes.length, held + size - position)), position);
    if (count === 0) break;
    position += count;
    const read = bytes.subarray(0, held + count);
    const rest = yield* wholeLines(read, held);
    bytes.copyWithin(0, rest, read.length);
    held = read.length - rest;
  }
  if (held > 0) yield { bytes, start: 0, end: held };
}

function grown(source: ByteSource, bytes: Bytes): Bytes {
  const larger = source.allocate(Math.min(2 * bytes.length, MAX_RECORD_BYTES));
  larger.set(bytes);
  return larger;
}

/** @param searched - There is no newline before this index. @returns The start of the unfinished line at the end. */
function* wholeLines(bytes: Bytes, searched: number): Generator<Line, number> {
  let start = 0;
  let end = bytes.indexOf(NEWLINE, searched);
  while (end >= 0) {
    if (end > start) yield { bytes, start, end };
    start = end + 1;
    end = bytes.indexOf(NEWLINE, start);
  }
  return start;
}
