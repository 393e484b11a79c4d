import { isStorageException, StorageException } from '../../../core/model/exceptions.js';
import { textOf } from '../../../core/model/foreign-text.js';
import { readItem, type WebStorageLike } from './keys.js';

/** Counts the UTF-16 units, keys included, that the writers of one storage object use in `localStorage`, and enforces `maxLength`. */
export class StorageQuota {
  readonly storage: WebStorageLike;
  readonly #maxLength: number;
  /** The usage of each writer that is open here or was adopted here. */
  readonly #used = new Map<string, number>();
  #total = 0;
  #others = 0;

  /** @param maxLength - The limit for all writers of the origin, as far as their usage is known here. */
  constructor(storage: WebStorageLike, maxLength: number) {
    this.storage = storage;
    this.#maxLength = maxLength;
  }

  /** Whether a writer is open here or was adopted here. */
  has(writer: string): boolean {
    return this.#used.has(writer);
  }

  /** Begins to count the keys of a writer that has no keys yet, or no keys left. */
  add(writer: string): void {
    this.#total -= this.#used.get(writer) ?? 0;
    this.#used.set(writer, 0);
  }

  /** Begins to count the keys of an adopted writer. @param length - Their present usage. */
  adopt(writer: string, length: number): void {
    this.#grow(writer, -length);
    this.add(writer);
    this.#grow(writer, length);
  }

  /** Counts the keys of a writer as usage of others from now on. */
  release(writer: string): void {
    const length = this.#used.get(writer) ?? 0;
    this.#used.delete(writer);
    this.#total -= length;
    this.#others += length;
  }

  /**
   * Sets a key of a writer.
   *
   * @param before - The length of its present value; `undefined` if the key does not exist.
   * @throws {@link StorageException} if the quota is exceeded, or is too small for it even when empty.
   */
  set(writer: string, key: string, value: string, before?: number): void {
    // Not reported as full, as no eviction can make enough space.
    if (key.length + value.length > this.#maxLength) throw tooLarge(this.#maxLength);
    const grown = value.length - (before ?? -key.length);
    // The usage of others is an estimate; each writer enforces the limit for itself, and the browser its own.
    if (grown > 0 && this.#total + this.#others + grown > this.#maxLength) {
      throw full(`webStorage's maxLength (${this.#maxLength}) is reached`);
    }
    try {
      this.storage.setItem(key, value);
    } catch (error) {
      throw storageException(error);
    }
    this.#grow(writer, grown);
  }

  /**
   * Removes an existing key of a writer.
   *
   * @param length - The length of its value.
   * @throws {@link StorageException} if the storage refuses.
   */
  remove(writer: string, key: string, length: number): void {
    try {
      this.storage.removeItem(key);
    } catch (error) {
      throw storageException(error);
    }
    this.#grow(writer, -key.length - length);
  }

  /**
   * Removes a key of a writer, if it exists.
   *
   * @throws {@link StorageException} if the storage refuses.
   */
  removeItem(writer: string, key: string): void {
    const value = readItem(this.storage, key);
    if (value !== null) this.remove(writer, key, value.length);
  }

  /** @param length - The present usage of all other writers. */
  foundOthers(length: number): void {
    this.#others = length;
  }

  #grow(writer: string, length: number): void {
    const before = this.#used.get(writer);
    if (before === undefined) {
      // A heartbeat of a writer that is about to be adopted, or was released: `has` must stay false, so that it is scanned.
      this.#others = Math.max(0, this.#others + length);
      return;
    }
    const now = Math.max(0, before + length);
    this.#used.set(writer, now);
    this.#total += now - before;
  }
}

/** The constructor of a quota error differs by browser and frame; its name differs in older browsers. */
const QUOTA_ERROR = /quota|no_device_space/i;

function storageException(error: unknown): StorageException {
  if (isStorageException(error)) return error;
  // A wrapped storage may throw anything.
  const given = textOf(error, 'name') ?? '';
  const name = /^[A-Za-z_]{3,64}$/.test(given) ? given : 'unknown';
  return QUOTA_ERROR.test(name)
    ? full('localStorage is full (QuotaExceededError)')
    : new StorageException(`localStorage refused (${name})`, {
        advice: 'The browser may have blocked the data of this site.',
      });
}

function tooLarge(maxLength: number): StorageException {
  return new StorageException(`it is larger than webStorage's maxLength (${maxLength})`, {
    advice: 'Commit fewer or shorter values at once, or raise maxLength.',
  });
}

function full(reason: string): StorageException {
  return new StorageException(reason, {
    advice: 'Push, or remove other data of this site, then commit again.',
    isFull: true,
  });
}
