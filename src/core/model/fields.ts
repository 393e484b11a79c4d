import * as v from 'valibot';
import { ConfigException } from './exceptions.js';
import { firstOf, isUnknown, ownObject } from './schema.js';
import { type InputOf, isStandardSchema, type OutputOf, type StandardSchema } from './standard-schema.js';
import { type FieldValue, isFieldId } from './value.js';

/** A field of the option `fields`: its id, or an object with its id, and a schema or a dead band of its values. */
export type FieldDefinition = string | SchemaField;

/** A field with a schema or a dead band. */
export interface SchemaField {
  /** The Field ID, as the server knows it. */
  readonly id: string;
  /**
   * A Standard Schema (valibot's, zod's, arktype's, …) that validates synchronously and returns strings,
   * finite numbers or booleans.
   */
  readonly schema?: StandardSchema<unknown, FieldValue> | undefined;
  /**
   * The dead band, from 0: a commit leaves out a value that differs by no more than this from the last value of the field that
   * this run committed. 0 leaves out only equal values, of any type. The first value of a run is always committed, and so is the
   * next one after an entry of the field was discarded. Default: none, each value is committed.
   */
  readonly deadband?: number | undefined;
  /** With `deadband`: a value is committed anyway if the last one was committed so many seconds ago. Default: none. */
  readonly atLeastEverySeconds?: number | undefined;
}

/** The option `fields`: field definitions by name. */
export type FieldDefinitions = Readonly<Record<string, FieldDefinition>>;

/** The type of the fields of an `Api` without the option `fields`: any field id is accepted. */
export type FieldIds = Readonly<Record<string, string>>;

/** The argument that names a field: a name of the option `fields`; without this option, a field id. */
export type FieldName<Fields extends FieldDefinitions> = keyof Fields & string;

/** The type of values that a field accepts: the input type of its schema. */
export type FieldInput<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchema }
  ? InputOf<Schema>
  : FieldValue;

/** The type of values that a field holds: the output type of its schema. */
export type FieldOutput<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchema }
  ? OutputOf<Schema> & FieldValue
  : FieldValue;

/** The argument of `addValues`: values by field name; without the option `fields`, by field id. */
export type FieldInputs<Fields extends FieldDefinitions> = string extends keyof Fields
  ? Readonly<Record<string, FieldValue>>
  : { readonly [Name in keyof Fields]?: FieldInput<Fields[Name]> };

const WANTED = 'be a field id or { id, schema?, deadband?, atLeastEverySeconds? }';

/** The messages continue the word "must". */
const Field = ownObject(
  {
    id: v.custom<string>(isFieldId, 'have a field id, well-formed and not empty'),
    schema: v.optional(v.custom(isStandardSchema, 'have a Standard Schema as its schema')),
    deadband: v.optional(
      v.custom<number>((input) => Number.isFinite(input) && (input as number) >= 0, 'have a deadband from 0'),
    ),
    atLeastEverySeconds: v.optional(
      v.custom<number>((input) => typeof input === 'number' && input > 0, 'have an atLeastEverySeconds above 0'),
    ),
  },
  { wanted: WANTED },
);

/**
 * Checks the option `fields`.
 *
 * @param show - Formats a value for a message, without secrets.
 * @throws {@link ConfigException} naming the first invalid field.
 */
export function checkFields(definitions: FieldDefinitions, show: (input: unknown) => string): void {
  const names = new Map<string, string>();
  for (const [name, definition] of Object.entries<unknown>(definitions)) {
    const place = `fields[${show(name)}]`;
    const result = v.safeParse(Field, typeof definition === 'string' ? { id: definition } : definition);
    if (!result.success) {
      const issue = firstOf(result.issues);
      const [wanted, where] = isUnknown(issue) ? [WANTED, ' in it'] : [issue.message, ''];
      throw new ConfigException(`${place} must ${wanted}, got ${show(issue.input)}${where}`);
    }
    const { id } = result.output;
    const twin = names.get(id);
    if (twin !== undefined) throw new ConfigException(`${place} has the same id as fields[${show(twin)}]`);
    names.set(id, name);
  }
}
