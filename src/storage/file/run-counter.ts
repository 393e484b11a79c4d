import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { nextRun } from '../shared/run-number.js';
import { writeWhole } from './journal/file-io.js';
import type { SafeFiles } from './journal/file-system.js';

/** More than a number of a run has digits. */
const MAX_BYTES = 32;

/** Counts the runs that staged something in a folder: which was the most recent is not left to clocks. */
export function nextRunIn(files: SafeFiles, isSynced: boolean): number {
  const { io, folder } = files;
  files.makeFolder(isSynced);
  const fd = files.openOrCreate(join(folder, 'nikdev-iot-1.runs'), false);
  try {
    const bytes = Buffer.alloc(MAX_BYTES);
    const run = nextRun(bytes.toString('latin1', 0, io.readSync(fd, bytes, 0, MAX_BYTES, 0)));
    io.ftruncateSync(fd, 0);
    writeWhole(io, fd, Buffer.from(String(run)));
    return run;
  } finally {
    io.closeSync(fd);
  }
}
