/**
 * What needs Node, Bun or Deno: entries that wait in files.
 *
 * @module nikdev-iot/node
 */

export { type FileStorageOptions, fileStorage } from './storage/file/file-storage.js';
