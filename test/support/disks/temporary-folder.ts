import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { LENGTH } from '../../length.js';

/** A new folder, removed with the test: on a disk or in memory, by the length of the run unless `onDisk` says which. */
export function temporaryFolder({ onDisk }: { readonly onDisk: boolean } = LENGTH): string {
  const place = onDisk ? tmpdir() : (memoryDisk() ?? tmpdir());
  const folder = mkdtempSync(join(place, 'nikdev-iot-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Linux's file system in memory, if it has room: on a disk, tests spend most of their time in `fsync` and `unlink`. */
function memoryDisk(): string | undefined {
  const path = '/dev/shm';
  if (!existsSync(path)) return undefined;
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize > 2 ** 28 ? path : undefined;
}
