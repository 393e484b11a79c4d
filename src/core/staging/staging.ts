import { checkFieldId, checkValue, type FieldValue, type Value } from '../model/value.js';
import type { Emitter } from '../notify/emitter.js';

/** The values that wait for a commit. Adding a field again overwrites its value and keeps its position. */
export class Staging {
  readonly #emitter: Emitter;
  #values = new Map<string, FieldValue>();
  /** Whether the event for the changes since the last {@link Staging.markSaved} was emitted: once for any number of changes. */
  #isAnnounced = false;

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  get size(): number {
    return this.#values.size;
  }

  /** A copy, in the order in which the fields were first added. */
  values(): Value[] {
    // Allocated at its final size: the first push would reserve sixteen slots more.
    const values = new Array<Value>(this.#values.size);
    let index = 0;
    for (const [fieldId, value] of this.#values) values[index++] = { fieldId, value };
    return values;
  }

  /** @throws {@link ValueException} if the id or the value can't be sent; nothing is changed. */
  add(fieldId: string, value: FieldValue): void {
    checkFieldId(fieldId);
    checkValue(fieldId, value);
    this.#set(fieldId, value);
    this.#announce();
  }

  /** @throws {@link ValueException} if an id or a value can't be sent; nothing is changed. */
  addAll(pairs: readonly (readonly [fieldId: string, value: FieldValue])[]): void {
    for (const [fieldId, value] of pairs) {
      checkFieldId(fieldId);
      checkValue(fieldId, value);
    }
    for (const [fieldId, value] of pairs) this.#set(fieldId, value);
    this.#announce();
  }

  /** Stages the values of an earlier run, if nothing is staged. @returns The number of values staged. */
  adopt(values: readonly Value[]): number {
    if (this.#values.size > 0 || values.length === 0) return 0;
    for (const { fieldId, value } of values) this.add(fieldId, value);
    return values.length;
  }

  /** Removes values that are unchanged since. */
  remove(values: readonly Value[]): void {
    for (const { fieldId, value } of values) if (this.#values.get(fieldId) === value) this.#values.delete(fieldId);
  }

  clear(): void {
    // Much faster than emptying the present map.
    this.#values = new Map();
    this.#announce();
  }

  /** The changes so far are saved: the next change emits an event again. */
  markSaved(): void {
    this.#isAnnounced = false;
  }

  #announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    this.#emitter.emit('staged');
  }

  #set(fieldId: string, value: FieldValue): void {
    // JSON writes -0 as 0.
    this.#values.set(fieldId, value === 0 ? 0 : value);
  }
}
