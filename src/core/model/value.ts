import { ValueException } from './exceptions.js';
import { quote, show } from './input.js';

/** A value of a field: well-formed text, a finite number or a boolean. */
export type FieldValue = string | number | boolean;

/** A value of one field. */
export interface Value {
  /** The Field ID, as the server knows it. */
  readonly fieldId: string;
  /** The value as it was added, or as the field's schema returned it. */
  readonly value: FieldValue;
}

// With the u flag this matches only surrogates that are not part of a pair.
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

/** @throws {@link ValueException} unless JSON in UTF-8 can carry `value` unchanged. */
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
