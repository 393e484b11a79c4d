/**
 * The members of a Standard Schema (https://standardschema.dev, version 1) that are used here, so that schemas of any library
 * fit (valibot, zod, arktype). Compatible with `StandardSchemaV1` of `@standard-schema/spec`.
 *
 * @group Types of the platform and of other libraries
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The property that marks a Standard Schema. */
  readonly '~standard': {
    /** The version of the standard. */
    readonly version: 1;
    /** The library that made the schema, such as `'valibot'`. */
    readonly vendor: string;
    /** Validates a value; schemas that validate asynchronously are refused. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For type inference only; absent at run time. */
    readonly types?:
      | {
          /** The type of values that the schema accepts. */
          readonly input: Input;
          /** The type of values that the schema returns. */
          readonly output: Output;
        }
      | undefined;
  };
}

/** The result of a validation: a value or issues. */
export type SchemaResult<Output> =
  | {
      /** The validated value, as the schema returns it. */
      readonly value: Output;
      /** Absent on success. */
      readonly issues?: undefined;
    }
  | {
      /** The reasons why the value was refused. */
      readonly issues: readonly {
        /** The message of the library. */
        readonly message: string;
      }[];
    };

type Types<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>;

/** The type of values that a schema accepts. */
export type InputOf<Schema extends StandardSchema> = Types<Schema>['input'];

/** The type of values that a schema returns. */
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
 * Validates synchronously.
 *
 * @returns `undefined` if the schema validates asynchronously.
 */
export function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
): SchemaResult<Output> | undefined {
  const result = schema['~standard'].validate(value);
  if (!('then' in result)) return result;
  // Handled, as an unhandled rejection would end a Node process.
  result.then(undefined, () => {});
  return undefined;
}
