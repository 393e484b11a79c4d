import type { Warning } from '../core/model/events.js';
import type { StorageAdapter } from '../core/ports/storage.js';
import { memoryStorage } from '../storage/memory/memory-storage.js';
import { unshadowed } from '../storage/web/records/keys.js';
import { webStorage } from '../storage/web/web-storage.js';
import { isPage } from './environment.js';

const METHODS = ['key', 'setItem', 'removeItem'] as const;

/**
 * The storage of an `Api` that was given none: `localStorage` in a page, else memory. Asks for `window` and `document`
 * before it touches `localStorage`, as Node 26 prints a warning wherever that is as much as looked at.
 */
export function defaultStorage(): { storage: StorageAdapter; warning?: Warning } {
  if (!isPage()) return { storage: memoryStorage() };
  try {
    // Throws where site data are blocked, and in a sandboxed frame; a page may also lack it altogether.
    const { localStorage } = window;
    const storage = unshadowed(localStorage);
    storage.getItem('nikdev-iot');
    if (METHODS.some((name) => typeof storage[name] !== 'function')) throw new TypeError('it is made up');
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
