import { join } from 'node:path';
import { nextRun } from '../shared/run-number.js';
import { makeFolder } from './journal/file-io.js';
import type { FileSystem } from './journal/file-system.js';

/** Counts the runs that staged something in a folder: which was the most recent is not left to clocks. */
export function nextRunIn(fs: FileSystem, directory: string, isSynced: boolean): number {
  const path = join(directory, 'nikdev-iot-1.runs');
  makeFolder(fs, directory, isSynced);
  const fd = fs.openSync(path, 'a+');
  try {
    const run = nextRun(String(fs.readFileSync(fd)));
    fs.ftruncateSync(fd, 0);
    fs.writeSync(fd, String(run));
    return run;
  } finally {
    fs.closeSync(fd);
  }
}
