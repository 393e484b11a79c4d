import { resolve } from 'node:path';
import * as v from 'valibot';
import { ConfigException } from '../../core/model/exceptions.js';
import { show } from '../../core/model/input.js';
import { oneOf, ownObject } from '../../core/model/schema.js';
import { checkOptions } from '../../core/options/call-options.js';
import type { StorageAdapter } from '../../core/ports/storage.js';
import { type FilePlatform, OWN_FILE, SafeFiles, systemPlatform } from './journal/file-system.js';
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
  /**
   * The rights of the files that it makes, whatever the umask: at least `0o600`, at most `0o666`. A folder that it makes lets
   * those enter who may read. For others that read or clear away files on purpose: users with the right to write can also
   * add readings, which are pushed. Other users' files are never adopted, nor are files with more rights to write. A file that
   * is rewritten keeps its rights. Windows has no such rights.
   *
   * @defaultValue `0o600`, and `0o700` for the folder: this user only
   */
  readonly mode?: number | undefined;
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
  platform: FilePlatform = systemPlatform(),
): StorageAdapter {
  if (typeof directory !== 'string' || directory === '') {
    throw new ConfigException(`directory must be the path of a folder, got ${show(directory)}`);
  }
  const { durability, mode } = checkOptions(options, Options);
  const store = new JournalDirectory(
    new SafeFiles(platform, resolve(directory), mode),
    platform,
    durability === 'power',
  );
  return { durability, open: (destination, clock) => store.open(destination, clock) };
}

const Options = ownObject(
  {
    durability: oneOf('power', 'process'),
    mode: v.custom<number>(
      (input) => Number.isInteger(input) && (input as number) <= 0o666 && ((input as number) & ~0o066) === OWN_FILE,
      'the rights of a file, from 0o600 to 0o666',
    ),
  },
  { defaults: { durability: 'power', mode: OWN_FILE } },
);
