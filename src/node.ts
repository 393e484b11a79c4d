export { type FileStorageOptions, fileStorage } from './storage/file-storage.js';
