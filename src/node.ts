export type { StorageAdapter } from './core/storage.js';
