import { ConfigException } from '../../core/model/exceptions.js';
import { show } from '../../core/model/input.js';
import { oneOf, ownObject } from '../../core/model/schema.js';
import { checkOptions } from '../../core/options/call-options.js';
import type { StorageAdapter } from '../../core/ports/storage.js';
import type { StorageManagerLike } from './access-handles.js';
import { nameOf } from './opfs-errors.js';
import { NO_HANDLES, OpfsFolder, type OriginFiles } from './opfs-folder.js';
import { OpfsStore } from './opfs-store.js';
import { storageInMemory } from './storage-in-memory.js';

declare const navigator: { readonly storage?: StorageManagerLike } | undefined;

/** Options of {@link opfsStorage}. */
export interface OpfsStorageOptions {
  /**
   * The events that a committed entry survives: `'process'`, any end of the worker, page and browser; `'power'`, a power cut too,
   * as far as the browser and the disk allow: each commit waits until the file is synced, which takes milliseconds.
   *
   * @defaultValue `'process'`
   */
  readonly durability?: 'power' | 'process' | undefined;
}

const NAME = /^[\w-]{1,64}$/;
const Options = ownObject({ durability: oneOf('power', 'process') }, { defaults: { durability: 'process' } });

/**
 * Saves entries in the origin private file system (OPFS) of a page, from a dedicated worker: an entry is in a file when `commit()`
 * returns. Any number of workers may use one name; entries left behind by a worker that has ended are adopted and pushed by any
 * other, when it is opened and twice a minute. Any number of `Api`s may share one storage object.
 *
 * Only a dedicated worker can write files synchronously. Anywhere else, and where the browser refuses, entries are kept in memory:
 * `durability` is `'none'` then, and a warning of the `Api` names the remedy.
 *
 * @param name - The name of a folder: 1 to 64 letters, digits, `_` and `-`.
 * @returns A promise that resolves once two files are open; it rejects only if an argument is invalid.
 * @throws A `ConfigException` if an argument is invalid.
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: await opfsStorage('readings') })
 * ```
 */
export async function opfsStorage(name: string, options?: OpfsStorageOptions): Promise<StorageAdapter>;
/** @internal */
export async function opfsStorage(
  name: string,
  options: OpfsStorageOptions,
  manager: StorageManagerLike,
): Promise<StorageAdapter>;
export async function opfsStorage(
  name: string,
  options: OpfsStorageOptions = {},
  manager: StorageManagerLike | undefined = typeof navigator === 'undefined' ? undefined : navigator?.storage,
): Promise<StorageAdapter> {
  if (typeof name !== 'string' || !NAME.test(name))
    throw new ConfigException(`name must be 1 to 64 letters, digits, "_" and "-", got ${show(name)}`);
  const { durability } = checkOptions(options, Options);
  if (!hasFiles(manager)) return storageInMemory(NO_FILES);
  const folder = new OpfsFolder(manager, name, { isSynced: durability === 'power' });
  try {
    const store = new OpfsStore(folder, await folder.create());
    return { durability, open: (destination, clock) => store.open(destination, clock) };
  } catch (error) {
    const reason = nameOf(error);
    return storageInMemory(reason === NO_HANDLES ? NO_WORKER : refused(reason));
  }
}

const hasFiles = (manager: StorageManagerLike | undefined): manager is OriginFiles =>
  typeof manager?.getDirectory === 'function';

const LOST = 'Entries wait in memory and are lost with this page or worker.';

const NO_FILES = `opfsStorage found no origin private file system: pages on plain http, some browsers (WebKitGTK), and programs other than browsers have none. ${LOST} Serve the page over https, use another storage, or push after each commit (commitAndPush()).`;

const NO_WORKER = `Only a dedicated worker of a current browser can save readings by opfsStorage; a page and a shared or service worker can't. ${LOST} Call it in a worker that a page starts with new Worker(…), and post the values to that.`;

const refused = (reason: string): string =>
  `The browser refused opfsStorage its files (${reason}), as in a private window, with site data blocked, or with no space left. ${LOST} Push after each commit (commitAndPush()), or allow the site's data.`;
