import type { Warning } from './events.js';
import { ValueException } from './exceptions.js';
import type { FieldDefinitions } from './fields.js';
import { foreignText } from './foreign-text.js';
import { isPlainObject, show } from './input.js';
import { type StandardSchema, validate } from './standard-schema.js';
import { checkFieldId, checkValue, type FieldValue } from './value.js';

/** A field as it is written and read. */
export interface Field {
  readonly fieldId: string;
  readonly name?: string;
  readonly schema?: StandardSchema<unknown, FieldValue> | undefined;
}

/** Knows the fields by their names, and what they may hold. */
export class FieldRegistry {
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
    return [...(this.#fields?.values() ?? [])].find((field) => this.#whyUnreadable(field) === undefined)?.fieldId;
  }

  /** @throws {@link ValueException} unless all are fields that can be asked for. */
  findReadable(names: readonly string[]): Field[] {
    if (!Array.isArray(names)) throw new ValueException(`the fields must be a string or an array, got ${show(names)}`);
    return names.map((name) => {
      const field = this.find(name);
      const why = this.#whyUnreadable(field);
      if (why !== undefined) this.#refuse(`the field id ${this.#show(field.fieldId)} can't be read: ${why}`);
      return field;
    });
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

  /** @throws {@link ValueException} if there is no such field. */
  idOf(name: string): string {
    // Staging checks ids and values, and is what all go through.
    return this.#fields === undefined ? name : this.find(name).fieldId;
  }

  /** @returns What is to be staged. @throws {@link ValueException} if the field can't take the value. */
  encode(name: string, value: unknown): FieldValue {
    if (this.#fields === undefined) return value as FieldValue;
    const { schema } = this.find(name);
    let encoded = value;
    if (schema !== undefined) {
      const result = validate(schema, value);
      if (result === undefined) {
        this.#refuse(`the schema of ${this.#show(name)} is asynchronous: staging can't wait for it`);
      } else if (result.issues) {
        const why = foreignText(result.issues.map(({ message }) => message).join('; '), this.#redact);
        this.#refuse(`the value of ${this.#show(name)} is refused by its schema: ${why}`);
      } else {
        encoded = result.value;
      }
    }
    checkValue(this.#redact(name), encoded);
    return encoded;
  }

  /** @returns What is to be staged of all. @throws {@link ValueException} if a field can't take its value. */
  encodeAll(values: unknown): (readonly [fieldId: string, value: FieldValue])[] {
    if (!isPlainObject(values)) {
      throw new ValueException(`the values must be a plain object of fields and values, got ${show(values)}`);
    }
    // Read once: a getter may answer something else the second time.
    return Object.entries(values).map(([name, value]) => [this.idOf(name), this.encode(name, value)]);
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

  #whyUnreadable({ fieldId }: Field): string | undefined {
    if (fieldId === '.' || fieldId === '..') return 'in a URL it means a folder, however it is encoded';
    return this.#redact(fieldId) === fieldId ? undefined : 'it holds the API Key, and URLs end up in logs';
  }

  /** Without the key, which must not be cut before it is taken out. */
  #show(input: unknown): string {
    return show(typeof input === 'string' ? this.#redact(input) : input);
  }

  #refuse(message: string): never {
    throw new ValueException(this.#redact(message));
  }
}
