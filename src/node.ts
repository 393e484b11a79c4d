/**
 * The parts that need Node, Bun or Deno: storage of entries in files, and HTTP with private authorities, mutual TLS or a proxy.
 *
 * @module nikdev-iot/node
 */

export { type FileStorageOptions, fileStorage } from './storage/file/file-storage.js';
export {
  type HttpFetch,
  type HttpFetchInit,
  type HttpFetchOptions,
  httpFetch,
  type Pem,
} from './transport/http-fetch.js';
