import { checkFieldId, checkValue, type FieldValue, type Value } from '../model/value.js';

/** The values that wait for a commit. A field added again keeps its place and takes the last value. */
export class Staging {
  #values = new Map<string, FieldValue>();

  get size(): number {
    return this.#values.size;
  }

  /** A copy, in the order in which the fields were first added. */
  values(): Value[] {
    // Of its final size at once: the first push would make room for sixteen more.
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
  }

  /** @throws {@link ValueException} if an id or a value can't be sent; nothing is changed. */
  addAll(pairs: readonly (readonly [fieldId: string, value: FieldValue])[]): void {
    for (const [fieldId, value] of pairs) {
      checkFieldId(fieldId);
      checkValue(fieldId, value);
    }
    for (const [fieldId, value] of pairs) this.#set(fieldId, value);
  }

  /** Forgets values, where they are still what they were. */
  remove(values: readonly Value[]): void {
    for (const { fieldId, value } of values) if (this.#values.get(fieldId) === value) this.#values.delete(fieldId);
  }

  clear(): void {
    // Far quicker than emptying the one there is.
    this.#values = new Map();
  }

  #set(fieldId: string, value: FieldValue): void {
    // The wire has one zero: JSON writes -0 as 0.
    this.#values.set(fieldId, value === 0 ? 0 : value);
  }
}
