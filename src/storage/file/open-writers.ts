import { type Binding, bindingKey } from '../../core/model/destination.js';
import type { StorageException } from '../../core/model/exceptions.js';

/** What a store knows of a writer that is open. */
export interface OpenWriter {
  id: string;
  readonly binding: Binding;
  /** Whether the journal holds staged values of it. */
  hasStaged: boolean;
  /** Whether a file of its was deleted or cut: told at the next check. */
  isCleared: boolean;
  /** Why some of what it saved stands in no file: as long as that is so, nothing newer is saved. */
  unsaved: StorageException | undefined;
  /** What others took of it: told at the next check. */
  fenced: { readonly writers: ReadonlySet<string>; readonly isStagedTaken: boolean } | undefined;
}

/** The writers that are open in one store, by id. */
export class OpenWriters {
  readonly #byId = new Map<string, OpenWriter>();
  /** How many each binding has. */
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

  /** Whether one has the binding of this key. */
  isServed(key: string): boolean {
    return (this.#served.get(key) ?? 0) > 0;
  }

  add(id: string, binding: Binding): OpenWriter {
    const openWriter: OpenWriter = {
      id,
      binding,
      hasStaged: false,
      isCleared: false,
      unsaved: undefined,
      fenced: undefined,
    };
    this.#byId.set(id, openWriter);
    this.#count(binding, 1);
    return openWriter;
  }

  remove({ id, binding }: OpenWriter): void {
    if (this.#byId.delete(id)) this.#count(binding, -1);
  }

  /** Gives a writer a new id, under which nothing is saved yet. */
  renew(openWriter: OpenWriter, id: string): void {
    this.#byId.delete(openWriter.id);
    openWriter.id = id;
    openWriter.hasStaged = false;
    this.#byId.set(id, openWriter);
  }

  #count(binding: Binding, change: 1 | -1): void {
    const key = bindingKey(binding);
    this.#served.set(key, (this.#served.get(key) ?? 0) + change);
  }
}
