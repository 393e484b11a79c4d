import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';

/** Mounts a real file system of so many KiB, for as long as the test takes. @returns Its folder: `at`, or a new one. */
export type MountDisk = (kibibytes: number, at?: string) => string;

/**
 * Describes tests that need a disk of their own, which a small tmpfs is. Where mounting isn't permitted they are skipped,
 * with a line that says so; where `CI` is set and the user is root they fail.
 */
export function describeOnSmallDisk(name: string, define: (mountDisk: MountDisk) => void): void {
  const reason = whyNotMounted();
  if (reason !== undefined && !(process.env['CI'] && process.getuid?.() === 0)) {
    console.warn(`"${name}" is skipped, as no tmpfs can be mounted here: ${reason}`);
    describe.skip(name, () => define(() => ''));
    return;
  }
  describe(name, () =>
    define((kibibytes, at) => {
      const { folder, error } = mount(kibibytes, at);
      if (error !== undefined) throw new Error(`no tmpfs could be mounted: ${error}`);
      onTestFinished(() => unmount(folder));
      return folder;
    }),
  );
}

/** Makes a disk writable, or not: that can be refused while a file is open for writing. */
export function remount(folder: string, mode: 'ro' | 'rw'): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${mode}`, folder]);
  if (status !== 0) throw new Error(String(stderr));
}

/** Takes a disk away: its folder is one of the disk below then. Files that are open stay so. */
export function takeAway(folder: string): void {
  const { status, stderr } = spawnSync('umount', ['--lazy', folder]);
  if (status !== 0) throw new Error(String(stderr));
}

function whyNotMounted(): string | undefined {
  const { folder, error } = mount(64);
  if (error === undefined) unmount(folder);
  return error;
}

function mount(
  kibibytes: number,
  folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-disk-')),
): { folder: string; error: string | undefined } {
  const { status, stderr, error } = spawnSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `mode=700,size=${kibibytes}k`,
    'tmpfs',
    folder,
  ]);
  if (status === 0) return { folder, error: undefined };
  rmSync(folder, { recursive: true });
  return { folder, error: error?.message ?? String(stderr).trim() };
}

function unmount(folder: string): void {
  // Also while a run that was crashed in the test still has a file open.
  spawnSync('umount', ['--lazy', folder]);
  rmSync(folder, { recursive: true });
}
