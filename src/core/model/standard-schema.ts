/**
 * The members of a Standard Schema (https://standardschema.dev, version 1) that are used here, so that any library's
 * schemas fit: valibot's, zod's, arktype's. The same as `StandardSchemaV1` of `@standard-schema/spec`.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What makes it a Standard Schema. */
  readonly '~standard': {
    /** Of the standard. */
    readonly version: 1;
    /** The library that made the schema, such as `'valibot'`. */
    readonly vendor: string;
    /** Validates a value; a schema that does it asynchronously is refused. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For types alone: nothing stands there when it runs. */
    readonly types?:
      | {
          /** What the schema takes. */
          readonly input: Input;
          /** What it makes of that. */
          readonly output: Output;
        }
      | undefined;
  };
}

/** What validating comes to: a value, or why there is none. */
export type SchemaResult<Output> =
  | {
      /** What the schema made of what came. */
      readonly value: Output;
      /** None. */
      readonly issues?: undefined;
    }
  | {
      /** Why what came is refused. */
      readonly issues: readonly {
        /** In the library's words. */
        readonly message: string;
      }[];
    };

type Types<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>;

/** What a schema takes. */
export type InputOf<Schema extends StandardSchema> = Types<Schema>['input'];

/** What a schema makes of it. */
export type OutputOf<Schema extends StandardSchema> = Types<Schema>['output'];

export function isStandardSchema(input: unknown): input is StandardSchema {
  // arktype's schemas are functions.
  if ((typeof input !== 'object' && typeof input !== 'function') || input === null) return false;
  const standard = (input as Partial<StandardSchema>)['~standard'] as
    | { version?: unknown; validate?: unknown }
    | undefined;
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/**
 * Validates at once.
 *
 * @returns `undefined` if the schema validates asynchronously.
 */
export function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
): SchemaResult<Output> | undefined {
  const result = schema['~standard'].validate(value);
  if (!('then' in result)) return result;
  // Nobody waits for it: its rejection would end a Node process.
  result.then(undefined, () => {});
  return undefined;
}
