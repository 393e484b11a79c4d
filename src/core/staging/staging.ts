import { checkFieldId, checkValue, type FieldValue, type Value } from '../model/value.js';
import type { Emitter } from '../notify/emitter.js';

/** Up to this many values a search from the front takes less time than an index. */
const MAX_UNINDEXED = 8;

/** The values that wait for a commit. Adding a field again overwrites its value and keeps its position. */
export class Staging {
  readonly #emitter: Emitter;
  /** In the order in which the fields were first added. */
  #values: Value[] = [];
  /** Whether others hold the array of values, which is copied before the next change. */
  #isShared = false;
  /** By field id: the index of its value. Absent up to {@link MAX_UNINDEXED} values. */
  #indexes: Map<string, number> | undefined;
  /** Whether the event for the changes since the last {@link Staging.markSaved} was emitted: once for any number of changes. */
  #isAnnounced = false;

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  get size(): number {
    return this.#values.length;
  }

  /** The values as they are now, in the order in which the fields were first added: later changes do not alter this array. */
  values(): readonly Value[] {
    this.#isShared = true;
    return this.#values;
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
    if (this.size > 0 || values.length === 0) return 0;
    for (const { fieldId, value } of values) this.add(fieldId, value);
    return values.length;
  }

  /** Removes values that are unchanged since. */
  remove(values: readonly Value[]): void {
    const removed = new Map(values.map(({ fieldId, value }) => [fieldId, value]));
    this.#replace(this.#values.filter(({ fieldId, value }) => removed.get(fieldId) !== value));
  }

  removeAll(): void {
    this.#replace([]);
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

  #replace(values: Value[]): void {
    this.#values = values;
    this.#isShared = false;
    this.#indexes = undefined;
  }

  #set(fieldId: string, value: FieldValue): void {
    if (this.#isShared) this.#values = this.#values.slice();
    this.#isShared = false;
    const values = this.#values;
    const index = this.#indexOf(fieldId);
    // JSON writes -0 as 0.
    values[index] = { fieldId, value: value === 0 ? 0 : value };
    this.#indexes?.set(fieldId, index);
  }

  /** The index of a field's value, or the next free one. */
  #indexOf(fieldId: string): number {
    const values = this.#values;
    if (values.length > MAX_UNINDEXED) {
      this.#indexes ??= new Map(values.map((value, index) => [value.fieldId, index]));
      return this.#indexes.get(fieldId) ?? values.length;
    }
    let index = 0;
    while (index < values.length && (values[index] as Value).fieldId !== fieldId) index += 1;
    return index;
  }
}
