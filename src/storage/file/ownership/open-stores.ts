const KEY = Symbol.for('nikdev-iot.open-stores');

/**
 * The ids of the stores that are open in this thread: one set for all copies of this package in it, such as its ESM and its
 * CommonJS build. Another thread has a set of its own.
 */
export function openStoresOfThread(): Set<string> {
  const known: unknown = Reflect.get(globalThis, KEY);
  if (known !== undefined) return known as Set<string>;
  const stores = new Set<string>();
  // Where the global object is frozen, each store knows of itself only: the others are judged by their heartbeats.
  Reflect.defineProperty(globalThis, KEY, { value: stores });
  return stores;
}
