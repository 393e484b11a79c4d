// Not the global, which is a getter: see file-io.ts.
import { Buffer } from 'node:buffer';
import { type Line, linesIn } from '../../shared/journal/lines.js';
import type { DescriptorIo } from './file-io.js';

/** Reads the lines of a file in pieces. */
export const linesOf = (io: Pick<DescriptorIo, 'fstatSync' | 'readSync'>, fd: number): Generator<Line> =>
  linesIn({
    size: io.fstatSync(fd).size,
    allocate: Buffer.allocUnsafe,
    read: (target, position) => io.readSync(fd, target, 0, target.length, position),
  });
