import * as v from 'valibot';
import { ConfigException } from './exceptions.js';
import { firstOf, isUnknown, ownObject } from './schema.js';
import { type InputOf, isStandardSchema, type OutputOf, type StandardSchema } from './standard-schema.js';
import { type FieldValue, isFieldId } from './value.js';

/** A field of the option `fields`: its id, or its id and a schema of its values. */
export type FieldDefinition = string | SchemaField;

/** A field with a schema. */
export interface SchemaField {
  /** The field's id: what the server knows it by. */
  readonly id: string;
  /** A Standard Schema (valibot's, zod's, arktype's, …) that validates synchronously and makes text, numbers or booleans. */
  readonly schema?: StandardSchema<unknown, FieldValue> | undefined;
}

/** The option `fields`: names, and what they stand for. */
export type FieldDefinitions = Readonly<Record<string, FieldDefinition>>;

/** Without `fields`: every field id stands for itself. */
export type FieldIds = Readonly<Record<string, string>>;

/** What stands for a field: a name; without `fields` its id. */
export type FieldName<Fields extends FieldDefinitions> = keyof Fields & string;

/** What a field takes: what its schema takes. */
export type FieldInput<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchema }
  ? InputOf<Schema>
  : FieldValue;

/** What a field holds: what its schema makes. */
export type FieldOutput<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchema }
  ? OutputOf<Schema> & FieldValue
  : FieldValue;

/** What `addValues` takes. */
export type FieldInputs<Fields extends FieldDefinitions> = string extends keyof Fields
  ? Readonly<Record<string, FieldValue>>
  : { readonly [Name in keyof Fields]?: FieldInput<Fields[Name]> };

const WANTED = 'be a field id or { id, schema? }';

/** Its messages go on from "must". */
const Field = ownObject(
  {
    id: v.custom<string>(isFieldId, 'have a field id, well-formed and not empty'),
    schema: v.optional(v.custom(isStandardSchema, 'have a Standard Schema as its schema')),
  },
  { wanted: WANTED },
);

/**
 * Checks the option `fields`.
 *
 * @param show - Shows what came where that is no secret.
 * @throws {@link ConfigException} naming the field at fault.
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
