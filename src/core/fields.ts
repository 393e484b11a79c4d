import type { Warning } from './events.js';
import { ConfigException, show, ValueException } from './exceptions.js';
import { isPlainObject } from './plain-object.js';
import { type InputOf, isStandardSchema, type OutputOf, type StandardSchema, validate } from './standard-schema.js';
import { checkFieldId, checkValue, type FieldValue } from './value.js';

/** A field of the option `fields`: its id, or its id and a schema of its values. */
export type FieldDefinition = string | SchemaField;

/** A field with a schema. */
export interface SchemaField {
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

/** A field's last value. */
export interface Reading {
  readonly fieldId: string;
  /** The name that was asked for; absent without `fields`. */
  readonly field?: string;
  /** `null` if the field has no value yet. */
  readonly value: FieldValue | null;
  /** Unix seconds, moved to the local clock; `null` if the field has no value yet. */
  readonly timestamp: number | null;
}

/** The last value of a field that has a name. */
export interface NamedReading<Name extends string, Value extends FieldValue> extends Reading {
  readonly field: Name;
  readonly value: Value | null;
}

/** What reading fields gives: one type for each of them. */
export type ReadingOf<Fields extends FieldDefinitions, Name extends FieldName<Fields>> = string extends keyof Fields
  ? Reading
  : Name extends unknown
    ? NamedReading<Name, FieldOutput<Fields[Name]>>
    : never;

/** A field as it is written and read. */
export interface Field {
  readonly fieldId: string;
  readonly name?: string;
  readonly schema?: StandardSchema<unknown, FieldValue> | undefined;
}

/** Knows the fields by their names, and what they may hold. */
export class FieldNames {
  readonly #fields: ReadonlyMap<string, Field> | undefined;
  readonly #redact: (text: string) => string;
  readonly #warn: (warning: Warning) => void;

  /**
   * @param definitions - As {@link checkFields} has them; `undefined` where ids stand for themselves.
   * @param redact - Takes the API key out of a message: a name or what a schema says could hold it.
   * @param warn - Is told of values that are left out.
   */
  constructor(
    definitions: FieldDefinitions | undefined,
    redact: (text: string) => string,
    warn: (warning: Warning) => void,
  ) {
    this.#redact = redact;
    this.#warn = warn;
    if (definitions === undefined) return;
    this.#fields = new Map(
      Object.entries(definitions).map(([name, definition]) => {
        const { id, schema } = typeof definition === 'string' ? { id: definition } : definition;
        return [name, { fieldId: id, name, schema }];
      }),
    );
  }

  /** Some field that can be asked for; `undefined` where none is known. */
  get anyId(): string | undefined {
    return [...(this.#fields?.values() ?? [])].find(isReadable)?.fieldId;
  }

  /** @throws {@link ValueException} if there is no such field. */
  find(name: string): Field {
    if (this.#fields === undefined) {
      checkFieldId(name);
      return { fieldId: name };
    }
    const field = this.#fields.get(name);
    if (field !== undefined) return field;
    this.#refuse(`${this.#show(name)} is not a field; the fields are ${[...this.#fields.keys()].join(', ')}`);
  }

  /** @throws {@link ValueException} if the name or the value can't be sent. @returns What is to be staged. */
  encode(name: string, value: unknown): readonly [fieldId: string, value: FieldValue] {
    // Staging checks them, and is what every value goes through.
    if (this.#fields === undefined) return [name, value as FieldValue];
    const { fieldId, schema } = this.find(name);
    let encoded = value;
    if (schema !== undefined) {
      const result = validate(schema, value);
      if (result === undefined) {
        this.#refuse(`the schema of ${this.#show(name)} is asynchronous: staging can't wait for it`);
      } else if (result.issues) {
        const why = this.#redact(result.issues.map(({ message }) => message).join('; '));
        this.#refuse(`the value of ${this.#show(name)} is refused by its schema: ${why.slice(0, MOST_SHOWN)}`);
      } else {
        encoded = result.value;
      }
    }
    checkValue(this.#redact(name), encoded);
    return [fieldId, encoded];
  }

  /** As {@link FieldNames.encode}, of all or none. */
  encodeAll(values: unknown): (readonly [fieldId: string, value: FieldValue])[] {
    if (!isPlainObject(values)) {
      throw new ValueException(`the values must be a plain object of fields and values, got ${show(values)}`);
    }
    // Read once: a getter may answer something else the second time.
    return Object.entries(values).map(([name, value]) => this.encode(name, value));
  }

  /** Whether a value that the server holds is one that its field's schema takes; where it isn't, a warning tells. */
  accepts({ name, schema }: Field, value: FieldValue | null): boolean {
    if (schema === undefined || value === null) return true;
    try {
      const result = validate(schema, value);
      if (result !== undefined && !result.issues) return true;
    } catch {
      // A schema that fails takes nothing.
    }
    this.#warn({
      code: 'value-refused',
      message: `The server holds a value of the field ${this.#show(name)} that its schema refuses: get and watch leave it out.`,
    });
    return false;
  }

  /** Without the key, which must not be cut before it is taken out. */
  #show(input: unknown): string {
    return show(typeof input === 'string' ? this.#redact(input) : input);
  }

  #refuse(message: string): never {
    throw new ValueException(this.#redact(message));
  }
}

/** Some libraries say the whole value that they refuse, however long. */
const MOST_SHOWN = 300;

/** Whether a field can be asked for: in a URL `.` and `..` mean folders, however they are encoded. */
export function isReadable({ fieldId }: Field): boolean {
  return fieldId !== '.' && fieldId !== '..';
}

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
    const parts = typeof definition === 'string' ? { id: definition } : definition;
    if (!isPlainObject(parts)) throw new ConfigException(`${place} must be ${WANTED}, got ${show(definition)}`);
    const { id, schema, ...others } = parts;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw new ConfigException(`${place} must be ${WANTED}, got ${show(unknown)} in it`);
    try {
      checkFieldId(id);
    } catch {
      throw new ConfigException(`${place} must have a field id, well-formed and not empty, got ${show(id)}`);
    }
    if (schema !== undefined && !isStandardSchema(schema)) {
      throw new ConfigException(`${place} must have a Standard Schema as its schema, got ${show(schema)}`);
    }
    const twin = names.get(id);
    if (twin !== undefined) throw new ConfigException(`${place} has the same id as fields[${show(twin)}]`);
    names.set(id, name);
  }
}

const WANTED = 'a field id or { id, schema? }';
