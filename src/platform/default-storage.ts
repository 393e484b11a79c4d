import type { Warning } from '../core/model/events.js';
import type { StorageAdapter } from '../core/ports/storage.js';
import { memoryStorage } from '../storage/memory/memory-storage.js';
import { unshadowed } from '../storage/web/records/keys.js';
import { webStorage } from '../storage/web/web-storage.js';
import { isPage } from './environment.js';

const METHODS = ['key', 'setItem', 'removeItem'] as const;

/**
 * The default of the option `storage`: `localStorage` in a page, else memory. Checks for `window` and `document` before it reads
 * the global `localStorage`, as Node 26 prints a warning on each access to it.
 */
export function defaultStorage(): { storage: StorageAdapter; warning?: Warning } {
  if (!isPage()) return { storage: memoryStorage() };
  try {
    // Throws if site data are blocked, and in a sandboxed frame; some pages have no localStorage.
    const { localStorage } = window;
    const storage = unshadowed(localStorage);
    storage.getItem('nikdev-iot');
    if (METHODS.some((name) => typeof storage[name] !== 'function')) throw new TypeError('not a Storage');
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
