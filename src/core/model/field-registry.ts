import { ValueException } from './exceptions.js';
import type { FieldDefinitions } from './fields.js';
import { foreignText, type Redactor } from './foreign-text.js';
import { isArray, isPlainObject, own, show } from './input.js';
import { type StandardSchema, validate } from './standard-schema.js';
import { checkFieldId, checkValue, type FieldValue } from './value.js';

/** A field: its id, and its name and schema if the option `fields` has them. */
export interface Field {
  readonly fieldId: string;
  readonly name?: string;
  readonly schema?: StandardSchema<unknown, FieldValue> | undefined;
}

/** Recognizes the API key, without revealing it. */
export interface Secrets extends Redactor {
  /** Whether a text holds the whole key, in any encoding. */
  holdsKey(text: string): boolean;
  /** Whether a text equals the API key: fast enough to be called for each value. */
  isKey(text: unknown): boolean;
}

/** The fields by name, with the values that each field accepts. */
export class FieldRegistry {
  readonly #fields: ReadonlyMap<string, Field> | undefined;
  readonly #secrets: Secrets;

  /**
   * @param definitions - Checked by {@link checkFields}; `undefined` if callers pass field ids instead of names.
   * @param secrets - Checks and redacts names, ids and messages of schemas, any of which may hold the API key.
   */
  constructor(definitions: FieldDefinitions | undefined, secrets: Secrets) {
    this.#secrets = secrets;
    if (definitions === undefined) return;
    this.#fields = new Map(
      Object.entries(definitions).map(([name, definition]) => {
        const { id, schema } = own(typeof definition === 'string' ? { id: definition } : definition);
        return [name, { fieldId: id, name, schema }];
      }),
    );
  }

  /** The id of the first readable field; `undefined` if the option `fields` has no readable field. */
  get anyId(): string | undefined {
    return [...(this.#fields?.values() ?? [])].find((field) => this.#whyUnreadable(field) === undefined)?.fieldId;
  }

  /** @throws {@link ValueException} unless `names` is an array of readable fields. */
  findReadable(names: readonly string[]): Field[] {
    if (!isArray(names)) throw new ValueException(`the fields must be a string or an array, got ${show(names)}`);
    return names.map((name) => {
      const field = this.find(name);
      const why = this.#whyUnreadable(field);
      if (why !== undefined) this.#refuse(`the field id ${show(field.fieldId)} can't be read: ${why}`);
      return field;
    });
  }

  /** @throws {@link ValueException} if there is no field of this name. */
  find(name: string): Field {
    if (this.#fields === undefined) {
      checkFieldId(name);
      return { fieldId: name };
    }
    const field = this.#fields.get(name);
    if (field !== undefined) return field;
    const names = foreignText([...this.#fields.keys()].join(', '), (text) => this.#secrets.redact(text));
    this.#refuse(`${show(name)} is not a field; the fields are ${names}`);
  }

  /** @throws {@link ValueException} if there is no field of this name. */
  idOf(name: string): string {
    // Without `fields`, staging checks the id: every value passes through it.
    if (this.#fields !== undefined) return this.find(name).fieldId;
    this.checkId(name);
    return name;
  }

  /** @throws {@link ValueException} if the field id equals the API key. */
  checkId(fieldId: string): void {
    if (this.#secrets.isKey(fieldId)) this.#refuse('fieldId must not be the API Key');
  }

  /** @returns The value to stage. @throws {@link ValueException} if the field's schema, or the wire format, refuses `value`. */
  encode(name: string, value: unknown): FieldValue {
    if (this.#fields === undefined) return value as FieldValue;
    const { schema } = this.find(name);
    let encoded = value;
    if (schema !== undefined) {
      const result = validate(schema, value);
      if (result === undefined) {
        this.#refuse(`the schema of ${show(name)} is asynchronous: staging can't wait for it`);
      } else if (result.issues) {
        const said = result.issues.map(({ message }) => message).join('; ');
        const why = foreignText(said, (text) => this.#secrets.redact(text));
        this.#refuse(`the value of ${show(name)} is refused by its schema: ${why}`);
      } else {
        encoded = result.value;
      }
    }
    checkValue(name, encoded);
    return encoded;
  }

  /** @returns All field ids and values to stage. @throws {@link ValueException} as {@link FieldRegistry.encode} does. */
  encodeAll(values: unknown): (readonly [fieldId: string, value: FieldValue])[] {
    if (!isPlainObject(values)) {
      throw new ValueException(`the values must be a plain object of fields and values, got ${show(values)}`);
    }
    // Read once: a getter may return another value the second time.
    return Object.entries(values).map(([name, value]) => [this.idOf(name), this.encode(name, value)]);
  }

  /** Whether the schema of a field accepts a value of the server. */
  accepts({ schema }: Field, value: FieldValue | null): boolean {
    if (schema === undefined || value === null) return true;
    try {
      const result = validate(schema, value);
      return result !== undefined && !result.issues;
    } catch {
      // A schema that throws accepts nothing.
      return false;
    }
  }

  #whyUnreadable({ fieldId }: Field): string | undefined {
    if (fieldId === '.' || fieldId === '..') return 'in a URL it means a folder, however it is encoded';
    return this.#secrets.holdsKey(fieldId) ? 'it holds the API Key, and URLs end up in logs' : undefined;
  }

  #refuse(message: string): never {
    throw new ValueException(this.#secrets.redact(message));
  }
}
