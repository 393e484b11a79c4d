import { type Destination, destinationKey } from '../../../core/model/destination.js';
import type { StorageException } from '../../../core/model/exceptions.js';

/** A writer, as seen by the store that it is open in. */
export interface OpenWriter {
  readonly id: string;
  readonly destination: Destination;
  /** Whether another process adopted the entries of this writer, or of a writer that it had adopted, since the last check. */
  isFenced(writer: string): boolean;
  /** A file with its entries was lost. @param unsaved - Thrown at new entries until the lost ones are saved again. */
  onCleared(unsaved?: StorageException): void;
  /** Another process adopted the entries of these writers: of this one, or of writers that it had adopted. */
  onFenced(writers: ReadonlySet<string>, loss: { readonly isStagedLost: boolean }): void;
  /** Continues under a new id, under which nothing is saved. */
  renew(id: string): void;
}

/** The writers that are open in one store, by id. */
export class OpenWriters {
  readonly #byId = new Map<string, OpenWriter>();
  /** The number of writers by destination. */
  readonly #served = new Map<string, number>();

  get size(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): Iterator<OpenWriter> {
    return this.#byId.values();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Whether a writer has the destination with this key. */
  isServed(key: string): boolean {
    return (this.#served.get(key) ?? 0) > 0;
  }

  add(writer: OpenWriter): void {
    this.#byId.set(writer.id, writer);
    this.#count(writer, 1);
  }

  remove(writer: OpenWriter): void {
    if (this.#byId.delete(writer.id)) this.#count(writer, -1);
  }

  renew(writer: OpenWriter, id: string): void {
    this.#byId.delete(writer.id);
    writer.renew(id);
    this.#byId.set(id, writer);
  }

  #count({ destination }: OpenWriter, change: 1 | -1): void {
    const key = destinationKey(destination);
    this.#served.set(key, (this.#served.get(key) ?? 0) + change);
  }
}
