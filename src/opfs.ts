/**
 * The part for dedicated workers in browsers: storage of entries in the origin private file system (OPFS).
 *
 * @module nikdev-iot/opfs
 */

export { type OpfsStorageOptions, opfsStorage } from './storage/opfs/opfs-storage.js';
