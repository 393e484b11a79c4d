import * as v from 'valibot';
import { isObject } from '../core/model/input.js';
import type { Value } from '../core/model/value.js';
import { MAX_UNIX_SECONDS } from '../core/time/clock.js';
import { faultOf } from './schema-issue.js';

/*
 * What arrives:
 *
 *   { "clientTimestamp": 1795349662,
 *     "entries": [ { "timestamp": 1795349600, "values": [ { "<Field ID>": 21.5 }, { "<Field ID>": "on" } ] } ] }
 */

/** An upload, read; times in whole Unix seconds by the client's clock. */
export interface Upload {
  readonly clientTimestamp: number;
  readonly entries: readonly { readonly timestamp: number; readonly values: readonly Value[] }[];
}

/** A request's body as an upload, or why it is none. */
export type UploadAttempt = {
  /** How many entries the body holds, valid or not; absent if it holds no list of them. */
  readonly entryCount?: number | undefined;
} & ({ readonly upload: Upload; readonly fault?: never } | { readonly upload?: never; readonly fault: UploadFault });

/** Why a body is refused. */
export interface UploadFault {
  /** 413 where half as much may pass, else 400. */
  readonly status: 400 | 413;
  /** Names the place at fault; never repeats what stands there. */
  readonly message: string;
}

const MAX_ENTRIES = 10_000;
const MAX_VALUES = 10_000;
const MAX_FIELD_ID_LENGTH = 1000;
const MAX_TEXT_LENGTH = 100_000;

const VALUE = 'a string, a finite number or a boolean';
const TEXT = `${VALUE}, a string of at most ${MAX_TEXT_LENGTH} characters`;
const WHOLE = 'a whole number';
const TIME = `seconds from 0 to ${MAX_UNIX_SECONDS}`;
const FIELD_ID = `a non-empty field id of at most ${MAX_FIELD_ID_LENGTH} characters`;

// A time in milliseconds would hide every later value of its field for thousands of years.
const seconds = v.pipe(v.number(WHOLE), v.integer(WHOLE), v.minValue(0, TIME), v.maxValue(MAX_UNIX_SECONDS, TIME));

// Not a record schema: those leave out a field called "constructor" or "__proto__".
const OneField = v.pipe(
  v.custom<object>(isObject, 'an object'),
  v.transform((input) => Object.entries(input) as [string, unknown][]),
  v.length(1, 'an object with exactly one key'),
  v.transform((fields) => ({ fieldId: fields[0]?.[0], value: fields[0]?.[1] })),
  v.object({
    fieldId: v.pipe(v.string(), v.nonEmpty(FIELD_ID), v.maxLength(MAX_FIELD_ID_LENGTH, FIELD_ID)),
    value: v.pipe(
      v.union([v.string(), v.pipe(v.number(), v.finite(VALUE)), v.boolean()], VALUE),
      v.check((value) => typeof value !== 'string' || value.length <= MAX_TEXT_LENGTH, TEXT),
    ),
  }),
);

const Entry = v.object(
  {
    timestamp: seconds,
    values: v.pipe(v.array(OneField, 'an array'), v.maxLength(MAX_VALUES, `at most ${MAX_VALUES} values`)),
  },
  'an object',
);

const UploadBody = v.object({ clientTimestamp: seconds, entries: v.array(Entry, 'an array') }, 'an object');

/** Reads the body of an upload. Of a key that stands twice in an object, the last counts, as everywhere in JavaScript. */
export function readUpload(body: string): UploadAttempt {
  const input = parse(body);
  if (input === undefined) return { fault: { status: 400, message: 'the body must be JSON' } };
  const entryCount = countEntries(input);
  if (entryCount !== undefined && entryCount > MAX_ENTRIES) {
    return { entryCount, fault: { status: 413, message: `entries must be at most ${MAX_ENTRIES}, got ${entryCount}` } };
  }
  const result = v.safeParse(UploadBody, input, { abortEarly: true });
  if (result.success) return { entryCount, upload: result.output };
  return { entryCount, fault: { status: 400, message: faultOf(result.issues, 'the body') } };
}

/** @returns `undefined`, which no JSON stands for, if the text is not JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function countEntries(input: unknown): number | undefined {
  const entries = (input as { entries?: unknown } | null)?.entries;
  return Array.isArray(entries) ? entries.length : undefined;
}
