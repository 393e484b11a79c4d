import { ConfigException } from '../../core/model/exceptions.js';
import { show } from '../../core/model/input.js';
import { ownObject } from '../../core/model/schema.js';
import { checkOptions, count } from '../../core/options/call-options.js';
import type { StorageAdapter } from '../../core/ports/storage.js';
import type { PageLike } from './lease/heartbeat-lease.js';
import type { WebPlatform } from './lease/lease.js';
import type { LocksLike } from './lease/lock-lease.js';
import type { WebStorageLike } from './records/keys.js';
import { unshadowed } from './records/keys.js';
import { StorageQuota } from './records/quota.js';
import { WebWriter } from './writer.js';

declare const navigator: { readonly locks: LocksLike };
declare const window: PageLike | undefined;
declare const document: { readonly prerendering?: boolean } | undefined;

/** Options of {@link webStorage}. */
export interface WebStorageOptions {
  /**
   * The maximum size of the keys and values of all `Api`s of the origin, in UTF-16 units. Browsers give an origin 5,242,880.
   *
   * @defaultValue `3_000_000`
   */
  readonly maxLength?: number | undefined;
}

const Options = ownObject({ maxLength: count }, { defaults: { maxLength: 3_000_000 } });

/**
 * Keeps entries in `localStorage`, one key per entry. They survive reload, a crash of the tab and a clean quit of the
 * browser, but not `kill -9` of the browser within some seconds. Another open tab, or the next tab, adopts and pushes entries
 * left behind by a tab. Web Locks show which tabs are alive; on plain http, which has no Web Locks, a tab is presumed dead after
 * three minutes without a heartbeat.
 *
 * @param storage - `localStorage`, or an object with its methods.
 * @throws {@link ConfigException} if an argument is invalid.
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: webStorage(localStorage) })
 * ```
 */
export function webStorage(storage: WebStorageLike, options?: WebStorageOptions): StorageAdapter;
/** @internal */
export function webStorage(storage: WebStorageLike, options: WebStorageOptions, platform: WebPlatform): StorageAdapter;
export function webStorage(
  storage: WebStorageLike,
  options: WebStorageOptions = {},
  platform: WebPlatform = thisPage(),
): StorageAdapter {
  const real = typeof storage === 'object' && storage !== null ? unshadowed(storage) : storage;
  if (typeof real?.setItem !== 'function') {
    throw new ConfigException(`storage must be localStorage or an object with its methods, got ${show(storage)}`);
  }
  const { maxLength } = checkOptions(options, Options);
  const quota = new StorageQuota(real, maxLength);
  return { durability: 'tab', open: (destination, clock) => new WebWriter(quota, platform, destination, clock) };
}

function thisPage(): WebPlatform {
  return {
    locks: workingLocks(),
    page: typeof window === 'undefined' ? undefined : window,
    get isPrerendering() {
      return typeof document !== 'undefined' && document?.prerendering === true;
    },
  };
}

/** Web Locks, unless they are absent or a mock. Browsers reject a request for a name that begins with "-". */
function workingLocks(): LocksLike | undefined {
  try {
    const { locks } = navigator;
    locks.request('-', {}, () => {}).catch(() => {});
    return typeof locks.query === 'function' ? locks : undefined;
  } catch {
    return undefined;
  }
}
