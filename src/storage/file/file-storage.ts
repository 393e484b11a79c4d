import { resolve } from 'node:path';
import * as v from 'valibot';
import { ConfigException } from '../../core/model/exceptions.js';
import { show } from '../../core/model/input.js';
import { oneOf, ownObject } from '../../core/model/schema.js';
import { checkOptions } from '../../core/options/call-options.js';
import type { StorageAdapter } from '../../core/ports/storage.js';
import { type FilePlatform, OWN_FILE, systemPlatform } from './journal/file-system.js';
import { SafeFiles } from './journal/safe-files.js';
import { JournalDirectory } from './journal-directory.js';

/** Options of {@link fileStorage}. */
export interface FileStorageOptions {
  /**
   * The events that a committed entry survives: `'power'`, a power cut (each commit syncs the file); `'process'`, any end of the
   * process, but not of the machine: for high rates.
   *
   * @defaultValue `'power'`
   */
  readonly durability?: 'power' | 'process' | undefined;
  /**
   * The permissions of new files, at any umask: at least `0o600`, at most `0o666`. Users who may read the files may enter a
   * new folder. Users who may write can delete readings, and add readings that are pushed. Files that belong to other users, or
   * that more users may write to, are never adopted. A compacted file keeps its permissions. Ignored on Windows.
   *
   * @defaultValue `0o600`, and `0o700` for the folder: only this user
   */
  readonly mode?: number | undefined;
}

/**
 * Saves entries in a journal file, with one append per commit. Entries left behind by a run are adopted and pushed by any other
 * run in the same folder. Any number of `Api`s may share one storage object, and its file.
 *
 * @param directory - The folder, created if it is missing; several processes may share it.
 * @throws A {@link ConfigException} if an argument is invalid.
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
  platform: FilePlatform = systemPlatform(),
): StorageAdapter {
  if (typeof directory !== 'string' || directory === '') {
    throw new ConfigException(`directory must be the path of a folder, got ${show(directory)}`);
  }
  const { durability, mode } = checkOptions(options, Options);
  const files = new SafeFiles(platform, resolve(directory), { mode, isSynced: durability === 'power' });
  const store = new JournalDirectory(files, platform);
  return { durability, open: (destination, clock) => store.open(destination, clock) };
}

const Options = ownObject(
  {
    durability: oneOf('power', 'process'),
    mode: v.custom<number>(
      (input) => Number.isInteger(input) && (input as number) <= 0o666 && ((input as number) & ~0o066) === OWN_FILE,
      'the permissions of a file, from 0o600 to 0o666',
    ),
  },
  { defaults: { durability: 'power', mode: OWN_FILE } },
);
