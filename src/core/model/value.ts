import { ValueException } from './exceptions.js';
import { quote, show } from './input.js';

/** What a field can hold: text, a finite number or a boolean. */
export type FieldValue = string | number | boolean;

/** One field's value, as it was added. */
export interface Value {
  /** What the server knows the field by. */
  readonly fieldId: string;
  /** As it was added, or as the field's schema made it. */
  readonly value: FieldValue;
}

// With the u flag this matches only a surrogate that is not one half of a pair.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether an input is non-empty text that UTF-8 can carry. */
export const isFieldId = (input: unknown): input is string =>
  typeof input === 'string' && input !== '' && !LONE_SURROGATE.test(input);

/** @throws {@link ValueException} unless `fieldId` is non-empty text that UTF-8 can carry. */
export function checkFieldId(fieldId: unknown): asserts fieldId is string {
  if (typeof fieldId !== 'string' || fieldId === '') {
    throw new ValueException(`fieldId must be a non-empty string, got ${show(fieldId)}`);
  }
  if (LONE_SURROGATE.test(fieldId)) {
    throw new ValueException(`fieldId must be well-formed text, got a lone surrogate in ${show(fieldId)}`);
  }
}

/** @throws {@link ValueException} unless `value` is something the wire can carry unchanged. */
export function checkValue(fieldId: string, value: unknown): asserts value is FieldValue {
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return;
  if (typeof value !== 'string') {
    throw new ValueException(
      `the value of ${quote(fieldId)} must be a string, a finite number or a boolean, got ${show(value)}`,
    );
  }
  if (LONE_SURROGATE.test(value)) {
    throw new ValueException(`the value of ${quote(fieldId)} must be well-formed text, got a lone surrogate`);
  }
}
