// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import type { DescriptorIo } from './file-io.js';

/** A line of a file that is not empty. */
export interface Line {
  /** Valid until the next line is asked for. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** How much of a file is in memory at once, longer lines aside. */
const PIECE_BYTES = 256 * 1024;
/** The length of the longest record. A longer line is not a record: it comes in parts, so that zeros without end take no memory. */
export const MAX_RECORD_BYTES = 2 ** 25;
const NEWLINE = 10;

/** Reads a file in pieces: a file can be as large as a queue, and there is no memory for both. */
export function* linesOf(io: DescriptorIo, fd: number): Generator<Line> {
  const size = io.fstatSync(fd).size;
  let bytes = Buffer.allocUnsafe(Math.min(size, PIECE_BYTES));
  let position = 0;
  /** How many bytes of an unfinished line stand at the start of `bytes`. */
  let held = 0;
  while (position < size) {
    if (held === MAX_RECORD_BYTES) {
      yield { bytes, start: 0, end: held };
      held = 0;
    } else if (held === bytes.length) bytes = Buffer.concat([bytes], Math.min(2 * held, MAX_RECORD_BYTES));
    const count = io.readSync(fd, bytes, held, Math.min(bytes.length - held, size - position), position);
    if (count === 0) break;
    position += count;
    const read = bytes.subarray(0, held + count);
    const rest = yield* linesIn(read, held);
    bytes.copyWithin(0, rest, read.length);
    held = read.length - rest;
  }
  if (held > 0) yield { bytes, start: 0, end: held };
}

/** @param searched - Up to where there is no newline. @returns Where the unfinished line at the end starts. */
function* linesIn(bytes: Buffer, searched: number): Generator<Line, number> {
  let start = 0;
  let end = bytes.indexOf(NEWLINE, searched);
  while (end >= 0) {
    if (end > start) yield { bytes, start, end };
    start = end + 1;
    end = bytes.indexOf(NEWLINE, start);
  }
  return start;
}
