import * as v from 'valibot';
import { isObject, kindOf } from '../model/input.js';
import { ownParts } from '../model/schema.js';
import type { FieldValue } from '../model/value.js';
import { MAX_UNIX_SECONDS } from '../time/clock.js';

/*
 * The format of server responses:
 *
 *   an error         { "message": "<text>" }, or anything else
 *   the last values  { "data": { "servertime": 1700000000 | "1700000000",
 *                                "values": [ { "<Field ID>": { "value": 21.5,  "timestamp": 1699999990 } },
 *                                            { "<Field ID>": { "value": null, "timestamp": null } } ] } }
 */

/** The last value of one field, with its time by the server's clock. */
export interface WireReading {
  readonly fieldId: string;
  readonly value: FieldValue | null;
  /** Unix seconds; `null` if the field has no value yet. */
  readonly timestamp: number | null;
}

/** The body has another format; `message` names the invalid place. */
export class WireError extends Error {}

/**
 * Parses the body of a response to `GET values/…`.
 *
 * @throws {@link WireError} naming the invalid place.
 */
export function readValues(body: string): { servertime: number; readings: WireReading[] } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new WireError(`it is ${body.trim() === '' ? 'empty' : 'not JSON'}`);
  }
  const { servertime, values } = take(Body, json, []).data;
  const readings = values.flatMap((fields, index) =>
    // Not v.record, which ignores the keys "constructor" and "__proto__".
    Object.entries(fields).map(([fieldId, reading]) => ({
      fieldId,
      ...take(Reading, reading, ['data', 'values', index, fieldId]),
    })),
  );
  return { servertime: Number(servertime), readings };
}

/** @returns The `message` of an error response; `undefined` if there is none. */
export function messageOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body);
    const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined;
    return typeof message === 'string' && message !== '' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {@link WireError} naming the place, if the input does not match. */
function take<Output>(
  schema: v.GenericSchema<unknown, Output>,
  input: unknown,
  place: readonly (string | number)[],
): Output {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = [...place, ...(issue.path ?? []).map(({ key }) => key)]
    .map((key) => `[${JSON.stringify(key)}]`)
    .join('');
  // The kind, not the value, which may hold a secret.
  throw new WireError(`at ${path || 'its top'} it must have ${issue.message}, got ${kindOf(issue.input)}`);
}

const isTime = (seconds: number): boolean => seconds >= 0 && seconds < MAX_UNIX_SECONDS;

const TIME = 'a time in Unix seconds';

const Body = ownParts({
  data: ownParts({
    // The server sends both forms: see above.
    servertime: v.custom<number | string>(
      (input) =>
        (typeof input === 'number' || (typeof input === 'string' && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(input))) &&
        isTime(Number(input)),
      TIME,
    ),
    values: v.array(v.custom<object>(isObject, 'an object'), 'an array'),
  }),
});

const Reading = ownParts({
  value: v.custom<FieldValue | null>(
    (input) => input === null || Number.isFinite(input) || typeof input === 'string' || typeof input === 'boolean',
    'text, a number, a boolean or null',
  ),
  timestamp: v.custom<number | null>(
    (input) => input === null || (typeof input === 'number' && isTime(input)),
    `${TIME} or null`,
  ),
});
