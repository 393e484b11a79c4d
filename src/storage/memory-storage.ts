import type { StorageAdapter } from '../core/storage.js';
import type { MemoryShelf } from './memory-shelf.js';
import { MemoryWriter } from './memory-writer.js';

/**
 * Keeps entries in memory: they survive nothing but the `Api` that committed them. What a closed `Api` left is adopted by
 * the next one that is opened with the same object.
 *
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: memoryStorage() })
 * ```
 */
export function memoryStorage(): StorageAdapter {
  const shelves = new Map<string, MemoryShelf>();
  return { durability: 'none', open: (binding, clock) => new MemoryWriter(shelves, binding, clock) };
}
