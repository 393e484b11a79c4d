import { StorageException } from '../../../core/model/exceptions.js';
import { textOf } from '../../../core/model/foreign-text.js';
import type { WebStorageLike } from './keys.js';

/** The room that one storage object's writers take in `localStorage`, in UTF-16 units with keys, and how much they may. */
export class StorageQuota {
  readonly storage: WebStorageLike;
  readonly #maxLength: number;
  /** How much the keys of each writer take that is open here, or was adopted. */
  readonly #used = new Map<string, number>();
  #total = 0;
  #others = 0;

  /** @param maxLength - How much all writers of the origin may take, as far as can be known here. */
  constructor(storage: WebStorageLike, maxLength: number) {
    this.storage = storage;
    this.#maxLength = maxLength;
  }

  /** Whether the keys of a writer are counted here: it is open here, or was adopted. */
  has(writer: string): boolean {
    return this.#used.has(writer);
  }

  /** Counts the keys of a writer from now on; there are none yet, or none any more. */
  add(writer: string): void {
    this.#total -= this.#used.get(writer) ?? 0;
    this.#used.set(writer, 0);
  }

  /** Counts the keys of a writer from now on that was another's. @param length - How much there is of them. */
  adopt(writer: string, length: number): void {
    this.#grow(writer, -length);
    this.add(writer);
    this.#grow(writer, length);
  }

  /** Counts the keys of a writer no more: they are others'. */
  release(writer: string): void {
    const length = this.#used.get(writer) ?? 0;
    this.#used.delete(writer);
    this.#total -= length;
    this.#others += length;
  }

  /**
   * Sets a key of a writer.
   *
   * @param before - The length of its value before; `undefined` if there was no such key.
   * @throws {@link StorageException} if there is no room for it, or there never can be.
   */
  set(writer: string, key: string, value: string, before?: number): void {
    // Not full: nothing that is dropped would make room for it.
    if (key.length + value.length > this.#maxLength) throw tooLarge(this.#maxLength);
    const grown = value.length - (before ?? -key.length);
    // What others take is not known exactly: they look after themselves, and the browser after us all.
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
   * Removes a key of a writer, one that is there.
   *
   * @param length - Its value's.
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
   * Removes a key of a writer that may be there.
   *
   * @throws {@link StorageException} if the storage refuses.
   */
  clear(writer: string, key: string): void {
    const value = this.storage.getItem(key);
    if (value !== null) this.remove(writer, key, value.length);
  }

  /** @param length - How much the keys of all other writers take, as of now. */
  foundOthers(length: number): void {
    this.#others = length;
  }

  #grow(writer: string, length: number): void {
    const before = this.#used.get(writer);
    if (before === undefined) {
      // A sign on what is about to be taken, or was given back: counting it here would keep it from being looked at.
      this.#others = Math.max(0, this.#others + length);
      return;
    }
    const now = Math.max(0, before + length);
    this.#used.set(writer, now);
    this.#total += now - before;
  }
}

/** The constructor of a quota error differs by browser and by frame; its name does not, but in older Firefoxes. */
const QUOTA_ERROR = /^(QuotaExceededError|NS_ERROR_DOM_QUOTA_REACHED)$/;

function storageException(error: unknown): StorageException {
  // A storage that is wrapped may throw anything.
  const given = textOf(error, 'name') ?? '';
  const name = /^[A-Za-z_]{3,64}$/.test(given) ? given : 'unknown';
  return QUOTA_ERROR.test(name)
    ? full('localStorage is full (QuotaExceededError)')
    : new StorageException(
        `localStorage refused (${name})`,
        'The browser may have withdrawn the right to store data for this site.',
      );
}

function tooLarge(maxLength: number): StorageException {
  return new StorageException(
    `this is larger than webStorage's maxLength (${maxLength})`,
    'Commit fewer or shorter values at once, or raise maxLength.',
  );
}

function full(what: string): StorageException {
  return new StorageException(what, 'Push, or remove other data of this site, then commit again.', true);
}
