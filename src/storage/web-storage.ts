import { ConfigException, show } from '../core/exceptions.js';
import { checkCallOptions, count } from '../core/rules.js';
import type { StorageAdapter } from '../core/storage.js';
import type { PageLike } from './web-heartbeat.js';
import type { WebStorageLike } from './web-keys.js';
import type { WebPlatform } from './web-liveness.js';
import type { LocksLike } from './web-locks.js';
import { WebRoom } from './web-room.js';
import { WebWriter } from './web-writer.js';

declare const navigator: { readonly locks?: LocksLike } | undefined;
declare const window: PageLike | undefined;

/** How a `webStorage` saves. */
export interface WebStorageOptions {
  /**
   * How many UTF-16 units the keys and values of all `Api`s of the origin may take. The whole origin shares 5,242,880.
   *
   * @defaultValue `3_000_000`
   */
  readonly maxLength?: number | undefined;
}

const DEFAULT_MAX_LENGTH = 3_000_000;

/**
 * Keeps entries in `localStorage`, one key per entry. They survive reload, a crash of the tab and a clean quit of the
 * browser, but not `kill -9` of the browser within some seconds. What a tab left, the next or another one that is open
 * adopts and pushes: by Web Locks it knows who is alive; on plain http, where there are none, a page that crashed is dead
 * after three minutes without a sign.
 *
 * @param storage - `localStorage`, or something shaped like it.
 * @throws {@link ConfigException} if an argument can't be used.
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
  if (typeof storage?.setItem !== 'function') {
    throw new ConfigException(`storage must be localStorage or something shaped like it, got ${show(storage)}`);
  }
  const { maxLength = DEFAULT_MAX_LENGTH } = checkCallOptions(options, { maxLength: count });
  const room = new WebRoom(storage, maxLength);
  return { durability: 'tab', open: (binding, clock) => new WebWriter(room, platform, binding, clock) };
}

function thisPage(): WebPlatform {
  return {
    locks: typeof navigator === 'undefined' ? undefined : navigator.locks,
    page: typeof window === 'undefined' ? undefined : window,
  };
}
