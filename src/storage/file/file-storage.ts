import * as nodeFs from 'node:fs';
import { resolve } from 'node:path';
import { ConfigException } from '../../core/model/exceptions.js';
import { show } from '../../core/model/input.js';
import { checkCallOptions, type Rules } from '../../core/options/rules.js';
import type { StorageAdapter } from '../../core/ports/storage.js';
import { codeOf } from './journal/file-io.js';
import type { FilePlatform } from './journal/file-system.js';
import { JournalDirectory } from './journal-directory.js';

/** How a `fileStorage` saves. */
export interface FileStorageOptions {
  /**
   * What a committed entry survives: `'power'`, a power cut (the data are synced at each commit); `'process'`, the end of
   * the process by any means, but not of the machine. For high rates.
   *
   * @defaultValue `'power'`
   */
  readonly durability?: 'power' | 'process' | undefined;
}

/**
 * Keeps entries in a journal file, one append per commit. What a run left, the next or another one that uses the same
 * folder adopts and pushes. Any number of `Api`s may share one storage object, and its one file.
 *
 * @param directory - The folder; made if it is missing. Several processes may use one.
 * @throws A {@link ConfigException} if an argument can't be used.
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: fileStorage('/var/lib/my-device') })
 * ```
 */
export function fileStorage(directory: string, options?: FileStorageOptions): StorageAdapter;
/** @internal */
export function fileStorage(directory: string, options: FileStorageOptions, platform: FilePlatform): StorageAdapter;
export function fileStorage(
  directory: string,
  options: FileStorageOptions = {},
  platform: FilePlatform = { fs: nodeFs, pid: process.pid, isRunning },
): StorageAdapter {
  if (typeof directory !== 'string' || directory === '') {
    throw new ConfigException(`directory must be the path of a folder, got ${show(directory)}`);
  }
  const { durability = 'power' } = checkCallOptions(options, RULES);
  const store = new JournalDirectory(platform, resolve(directory), durability === 'power');
  return { durability, open: (binding, clock) => store.open(binding, clock) };
}

const RULES: Rules = {
  durability: { wanted: '"power" or "process"', isRight: (input) => input === 'power' || input === 'process' },
};

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
