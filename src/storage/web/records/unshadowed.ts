import type { WebStorageLike } from './keys.js';

/**
 * `localStorage`, of any window, without the page's own properties: `localStorage.key = 'x'` puts a text in the place of a
 * method in Chromium. So the methods of its prototype are called, each looked up anew, as a page may wrap them.
 *
 * @returns `storage` itself where it is anything else but a browser's.
 */
export function unshadowed(storage: WebStorageLike): WebStorageLike {
  const methods: WebStorageLike = Object.getPrototypeOf(storage);
  try {
    if (Object.prototype.toString.call(storage) !== '[object Storage]') return storage;
    // Throws for one that only looks like a browser's.
    methods.getItem.call(storage, '');
  } catch {
    return storage;
  }
  return {
    get length() {
      return Reflect.get(methods, 'length', storage);
    },
    key: (index) => methods.key.call(storage, index),
    getItem: (key) => methods.getItem.call(storage, key),
    setItem: (key, value) => methods.setItem.call(storage, key, value),
    removeItem: (key) => methods.removeItem.call(storage, key),
  };
}
