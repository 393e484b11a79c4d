import { kindOf } from '../model/input.js';
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
 * Reads the body that `GET values/…` answers with.
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
  const { data } = expect(json, isObject, 'an object', []);
  const { servertime, values } = expect(data, isObject, 'an object', ['data']);
  const seconds = expect(servertime, isSeconds, 'a time in Unix seconds', ['data', 'servertime']);
  const readings = expect(values, isArray, 'an array', ['data', 'values']).flatMap((item, index) => {
    const fields = expect(item, isObject, 'an object', ['data', 'values', index]);
    return Object.entries(fields).map(([fieldId, reading]) => readReading(fieldId, reading, index));
  });
  return { servertime: Number(seconds), readings };
}

function readReading(fieldId: string, reading: unknown, index: number): WireReading {
  const place = ['data', 'values', index, fieldId];
  const { value, timestamp } = expect(reading, isObject, 'an object', place);
  return {
    fieldId,
    value: expect(value, isValueOrNull, 'text, a number, a boolean or null', [...place, 'value']),
    timestamp: expect(timestamp, isTimeOrNull, 'a time in Unix seconds or null', [...place, 'timestamp']),
  };
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

/** @throws {@link WireError} naming the place, unless `isRight` accepts the input. */
function expect<Type>(
  input: unknown,
  isRight: (input: unknown) => input is Type,
  wanted: string,
  place: readonly (string | number)[],
): Type {
  if (isRight(input)) return input;
  const path = place.map((key) => `[${JSON.stringify(key)}]`).join('');
  // The kind, not the value: a text may hold an API key, possibly cut in two.
  throw new WireError(`at ${path || 'its top'} it must have ${wanted}, got ${kindOf(input)}`);
}

function isObject(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function isArray(input: unknown): input is readonly unknown[] {
  return Array.isArray(input);
}

const isTime = (seconds: number): boolean => seconds >= 0 && seconds < MAX_UNIX_SECONDS;

/** The server sends times as numbers or as text: see above. */
function isSeconds(input: unknown): input is number | string {
  const isNumber = typeof input === 'number' || (typeof input === 'string' && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(input));
  return isNumber && isTime(Number(input));
}

function isTimeOrNull(input: unknown): input is number | null {
  return input === null || (typeof input === 'number' && isTime(input));
}

function isValueOrNull(input: unknown): input is FieldValue | null {
  return input === null || Number.isFinite(input) || typeof input === 'string' || typeof input === 'boolean';
}
