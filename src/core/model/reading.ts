import type { FieldDefinitions, FieldName, FieldOutput } from './fields.js';
import type { FieldValue } from './value.js';

/** The last value of a field. */
export interface Reading {
  /** The Field ID, as the server knows it. */
  readonly fieldId: string;
  /** The field's name; absent without the option `fields`. */
  readonly field?: string;
  /** `null` if the field has no value yet. */
  readonly value: FieldValue | null;
  /** Unix seconds, converted to the local clock, accurate to about a second; `null` if the field has no value yet. */
  readonly timestamp: number | null;
}

/** The last value of a named field. */
export interface NamedReading<Name extends string, Value extends FieldValue> extends Reading {
  /** The field's name. */
  readonly field: Name;
  /** Typed by the output of the field's schema; `null` if the field has no value yet. */
  readonly value: Value | null;
}

/** The type of a reading of the fields `Name`: a union with one member for each field. */
export type ReadingOf<Fields extends FieldDefinitions, Name extends FieldName<Fields>> = string extends keyof Fields
  ? Reading
  : Name extends unknown
    ? NamedReading<Name, FieldOutput<Fields[Name]>>
    : never;
