import * as v from 'valibot';
import type { FieldValue } from './value.js';

/*
 * What the server sends:
 *
 *   an error         { "message": "<text>" }, or anything else
 *   the last values  { "data": { "servertime": 1700000000 | "1700000000",
 *                                "values": [ { "<Field ID>": { "value": 21.5,  "timestamp": 1699999990 } },
 *                                            { "<Field ID>": { "value": null, "timestamp": null } } ] } }
 */

/** One field's last value as the server has it; its time is by the server's clock. */
export interface WireReading {
  readonly fieldId: string;
  readonly value: FieldValue | null;
  /** Unix seconds; `null` if the field has no value yet. */
  readonly timestamp: number | null;
}

const seconds = v.union(
  [v.pipe(v.number(), v.finite()), v.pipe(v.string(), v.regex(/^\s*[+-]?\d+(\.\d+)?\s*$/), v.transform(Number))],
  'a number of seconds',
);

// Not a record schema: those leave out a field called "constructor" or "__proto__".
const object = v.custom<Readonly<Record<string, unknown>>>(
  (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
  'an object',
);

const ValuesBody = v.object(
  {
    data: v.object({ servertime: seconds, values: v.array(object, 'an array') }, 'an object'),
  },
  'an object',
);

const ReadingBody = v.object(
  {
    value: v.nullable(
      v.union([v.string(), v.pipe(v.number(), v.finite()), v.boolean()], 'text, a number, a boolean or null'),
    ),
    timestamp: v.nullable(v.pipe(v.number('a number or null'), v.finite('a number or null'))),
  },
  'an object',
);

/** A body that breaks the schema; `message` names the place at fault. */
export class WireError extends Error {}

/**
 * Reads the body that `GET values/…` answers with.
 *
 * @throws {@link WireError} naming the place at fault.
 */
export function readValues(body: string): { servertime: number; readings: WireReading[] } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new WireError(`it is ${body.trim() === '' ? 'empty' : 'not JSON'}`);
  }
  const { servertime, values } = parse(ValuesBody, json, []).data;
  const readings = values.flatMap((fields, index) =>
    Object.entries(fields).map(([fieldId, reading]) => ({
      fieldId,
      ...parse(ReadingBody, reading, ['data', 'values', index, fieldId]),
    })),
  );
  return { servertime, readings };
}

/** The server's own words about an error, where it has any. */
export function messageOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body);
    const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined;
    return typeof message === 'string' && message !== '' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Kinds, not values: a text may hold what must not be shown, and be cut within it. */
function kindOf(input: unknown): string {
  if (input === null || input === undefined) return String(input);
  if (typeof input === 'object') return Array.isArray(input) ? 'an array' : 'an object';
  return `a ${typeof input}`;
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  root: readonly (string | number)[],
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = [...root, ...(issue.path ?? []).map((item) => item.key as string | number)];
  const path = place.map((key) => (typeof key === 'number' ? `[${key}]` : `[${JSON.stringify(key)}]`)).join('');
  throw new WireError(`at ${path === '' ? 'its top' : path} it must have ${issue.message}, got ${kindOf(issue.input)}`);
}
