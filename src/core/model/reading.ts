import type { FieldDefinitions, FieldName, FieldOutput } from './fields.js';
import type { FieldValue } from './value.js';

/** A field's last value. */
export interface Reading {
  /** What the server knows the field by. */
  readonly fieldId: string;
  /** The name that was asked for; absent without `fields`. */
  readonly field?: string;
  /** `null` if the field has no value yet. */
  readonly value: FieldValue | null;
  /** Unix seconds, moved to the local clock, right to about a second; `null` if the field has no value yet. */
  readonly timestamp: number | null;
}

/** The last value of a field that has a name. */
export interface NamedReading<Name extends string, Value extends FieldValue> extends Reading {
  /** The name that was asked for. */
  readonly field: Name;
  /** As the field's schema has it; `null` if the field has no value yet. */
  readonly value: Value | null;
}

/** What reading fields gives: one type for each of them. */
export type ReadingOf<Fields extends FieldDefinitions, Name extends FieldName<Fields>> = string extends keyof Fields
  ? Reading
  : Name extends unknown
    ? NamedReading<Name, FieldOutput<Fields[Name]>>
    : never;
