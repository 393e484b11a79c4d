import type { Warning } from '../../core/model/events.js';
import { ConfigException, StorageException } from '../../core/model/exceptions.js';
import { show } from '../../core/model/input.js';
import type { Adoption, AdoptOptions, StorageAdapter, Writer } from '../../core/ports/storage.js';
import { KEYS, type WebStorageLike } from '../web/records/keys.js';
import { StorageQuota } from '../web/records/quota.js';
import { WebWriter } from '../web/writer.js';
import { type LivingStorages, livingStorages, programLocks } from './program-locks.js';

/** The members of an instance of `react-native-mmkv` that are used, of all its versions. */
export interface MmkvLike {
  /** The name of the instance. Default: `mmkv.default`. */
  readonly id?: string;
  /** Sets the value of a key. */
  set(key: string, value: string): void;
  /** The value of a key; `undefined` if there is none. */
  getString(key: string): string | undefined;
  /** All keys. */
  getAllKeys(): readonly string[];
  /** Removes a key, since version 4. */
  remove?(key: string): unknown;
  /** Removes a key, up to version 3. */
  delete?(key: string): unknown;
}

/**
 * Keeps entries in a key-value store of `react-native-mmkv`, one key per entry. An entry is saved when `commit()` returns, and
 * survives the end of the app by any means. An app is one process, so entries of an earlier run are adopted at once.
 *
 * @param mmkv - The store. Any number of `Api`s may share one storage object; other data may be in the store too.
 * @throws A `ConfigException` if `mmkv` is not such a store.
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: mmkvStorage(createMMKV()) })
 * ```
 */
export function mmkvStorage(mmkv: MmkvLike): StorageAdapter {
  const { set, getString, getAllKeys, remove, delete: erase, id = 'mmkv.default' } = Object(mmkv) as MmkvLike;
  if ([set, getString, getAllKeys, remove ?? erase].some((method) => typeof method !== 'function'))
    throw new ConfigException(`mmkv must be an instance of react-native-mmkv, got ${show(mmkv)}`);
  const quota = new StorageQuota(asWebStorage(mmkv), Number.MAX_SAFE_INTEGER);
  const living = livingStorages(id);
  const platform = { locks: programLocks(id), isOneProgram: true };
  const storage: StorageAdapter = {
    durability: 'process',
    open: (destination, clock) =>
      new MmkvWriter(new WebWriter(quota, platform, destination, clock), living, storage, openedTwice(id)),
  };
  return storage;
}

/** A writer that counts as one of its storage for as long as it is open. */
class MmkvWriter implements Writer {
  readonly #writer: Writer;
  readonly #close: () => void;
  readonly #isSecond: boolean;
  readonly #warning: Warning;

  constructor(writer: Writer, living: LivingStorages, storage: object, warning: Warning) {
    this.#writer = writer;
    this.#isSecond = living.hasOther(storage);
    this.#close = living.add(storage);
    this.#warning = warning;
  }

  get id(): string {
    return this.#writer.id;
  }

  check: Writer['check'] = () => this.#writer.check();
  save: Writer['save'] = (...given) => this.#writer.save(...given);
  saveAgain: Writer['saveAgain'] = (...given) => this.#writer.saveAgain(...given);
  remove: Writer['remove'] = (...given) => this.#writer.remove(...given);
  quarantine: Writer['quarantine'] = (...given) => this.#writer.quarantine(...given);
  saveStaged: Writer['saveStaged'] = (...given) => this.#writer.saveStaged(...given);

  async adopt(options: AdoptOptions): Promise<Adoption> {
    const adoption = await this.#writer.adopt(options);
    if (!options.isFirst || !this.#isSecond) return adoption;
    return { ...adoption, warnings: [...adoption.warnings, this.#warning] };
  }

  close(): void {
    this.#writer.close();
    this.#close();
  }
}

const openedTwice = (id: string): Warning => ({
  code: 'storage-opened-twice',
  message: `mmkvStorage was called again for ${JSON.stringify(id)} while an Api with an earlier one is open. Nothing is lost, and neither takes the other's entries; make one storage object, and close what is no longer used.`,
});

function asWebStorage(mmkv: MmkvLike): WebStorageLike & { readonly [KEYS]: () => readonly string[] } {
  return {
    get length() {
      return 0;
    },
    [KEYS]: () => mmkv.getAllKeys(),
    key: () => null,
    getItem: (key) => mmkv.getString(key) ?? null,
    setItem: (key, value) => saved(() => mmkv.set(key, value)),
    removeItem: (key) => saved(() => (mmkv.remove ? mmkv.remove(key) : mmkv.delete?.(key))),
  };
}

function saved(write: () => unknown): void {
  try {
    write();
  } catch {
    throw new StorageException('react-native-mmkv refused to write', {
      advice: 'The device may have no space left. Push, or remove other data of this app, then commit again.',
    });
  }
}
