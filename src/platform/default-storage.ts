import type { Warning } from '../core/model/events.js';
import type { StorageAdapter } from '../core/ports/storage.js';
import { memoryStorage } from '../storage/memory/memory-storage.js';
import { unshadowed, type WebStorageLike } from '../storage/web/records/keys.js';
import { webStorage } from '../storage/web/web-storage.js';
import { isPage } from './environment.js';

const PROBE = 'nikdev-iot';
const METHODS = ['key', 'setItem', 'removeItem'] as const;

/**
 * The default of the option `storage`: `localStorage` in a page, else memory. Checks for `window` and `document` before it reads
 * the global `localStorage`, as Node 26 prints a warning on each access to it.
 */
export function defaultStorage(): { storage: StorageAdapter; warning?: Warning } {
  if (!isPage()) return { storage: memoryStorage(), ...(isSharedOrServiceWorker() && { warning: IN_WORKER }) };
  try {
    // Throws if site data are blocked, and in a sandboxed frame; some pages have no localStorage.
    const { localStorage } = window;
    const storage = unshadowed(localStorage);
    if (METHODS.some((name) => typeof storage[name] !== 'function') || !isKept(storage))
      throw new TypeError('not a Storage');
    return { storage: webStorage(localStorage) };
  } catch {
    return {
      storage: memoryStorage(),
      warning: {
        code: 'storage-unavailable',
        message:
          "This page may not use localStorage: entries wait in memory and are lost when it closes. Allow the site's data to keep them.",
      },
    };
  }
}

/** Whether a value can be read back, which mocks may fail. A full storage keeps no value, but has the entries of earlier runs. */
function isKept(storage: WebStorageLike): boolean {
  storage.getItem(PROBE);
  try {
    storage.setItem(PROBE, PROBE);
  } catch {
    return true;
  }
  const saved = storage.getItem(PROBE);
  storage.removeItem(PROBE);
  return saved === PROBE;
}

/**
 * Whether the global object is that of a shared or service worker, by the members that only those have: workerd has the class of a
 * service worker, and is not one.
 */
const isSharedOrServiceWorker = (): boolean => 'registration' in globalThis || 'onconnect' in globalThis;

const IN_WORKER: Warning = {
  code: 'storage-unavailable',
  message:
    'A shared or service worker has no storage that commit() could wait for: entries wait in memory and are lost when the browser ends it, after seconds. Push after each commit (commitAndPush()), or post the values to a page.',
};
