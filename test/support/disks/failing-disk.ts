import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';

/** A real disk with a file system, which can fail, be unplugged and plugged in again. */
export interface FailingDisk {
  /** Where it is mounted: without it, a folder of the disk below. */
  readonly folder: string;
  /** From now on each access fails (EIO), as where a disk was pulled out. */
  fail(): void;
  unplug(): void;
  /** Mounts it again, under another device. */
  plugIn(): void;
}

/**
 * Describes tests that need a disk which fails: a file with ext4 in it, on a loop device. Where there can be none they are
 * skipped, with a line that says so.
 */
export function describeOnFailingDisk(name: string, define: (makeDisk: () => FailingDisk) => void): void {
  const reason = tryDisk();
  if (reason === undefined) {
    describe(name, () => define(makeDisk));
    return;
  }
  console.warn(`"${name}" is skipped, as there can be no disk that fails here: ${reason}`);
  describe.skip(name, () => define(makeDisk));
}

/** `EXT4_IOC_SHUTDOWN` without a flush of the log: Node has no ioctl. */
const SHUT_DOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))`;

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

function makeDisk(): FailingDisk {
  const { folder, fail, unplug, plugIn, remove } = openDisk();
  onTestFinished(remove);
  return { folder, fail, unplug, plugIn };
}

function openDisk() {
  const root = mkdtempSync(join(tmpdir(), 'nikdev-iot-disk-'));
  const [image, folder] = [join(root, 'image'), join(root, 'mounted')];
  const devices: string[] = [];
  const plugIn = (): void => {
    const device = run('losetup', '--find', '--show', image);
    devices.unshift(device);
    run('mount', '-t', 'ext4', device, folder);
  };
  // A run that was crashed in the test still has files open: its device ends with them.
  const unplug = (): void => void spawnSync('umount', ['--lazy', folder]);
  const remove = (): void => {
    unplug();
    for (const device of devices) spawnSync('losetup', ['--detach', device]);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    mkdirSync(folder);
    run('dd', 'if=/dev/zero', `of=${image}`, 'bs=1M', 'count=8');
    run('mkfs.ext4', '-q', image);
    plugIn();
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, fail: () => void run('python3', '-c', SHUT_DOWN, folder), unplug, plugIn, remove };
}

function tryDisk(): string | undefined {
  try {
    const disk = openDisk();
    try {
      disk.fail();
    } finally {
      disk.remove();
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
