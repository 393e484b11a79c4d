import * as nodeFs from 'node:fs';
import type { StorageAdapter } from '../core/storage.js';
import { FileStore } from './file-store.js';
import type { FilePlatform } from './file-system.js';

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
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: fileStorage('/var/lib/my-device') })
 * ```
 */
export function fileStorage(
  directory: string,
  { durability = 'power' }: FileStorageOptions = {},
  platform: FilePlatform = { fs: nodeFs, pid: process.pid },
): StorageAdapter {
  const store = new FileStore(platform, directory, durability === 'power');
  return { durability, open: (binding, clock) => store.open(binding, clock) };
}
