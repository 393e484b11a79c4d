import * as v from 'valibot';
import type { Value } from '../core/model/value.js';
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
export interface UploadAttempt {
  readonly upload?: Upload;
  /** Names the place at fault; never repeats what stands there. */
  readonly fault?: string;
  /** How many entries the body holds, valid or not; absent if it holds no list of them. */
  readonly entryCount?: number;
}

const VALUE = 'a string, a finite number or a boolean';
const seconds = v.pipe(v.number('a whole number'), v.safeInteger('a whole number'));

// Not a record schema: those leave out a field called "constructor" or "__proto__".
const OneField = v.pipe(
  v.custom<object>((input) => typeof input === 'object' && input !== null && !Array.isArray(input), 'an object'),
  v.transform((input) => Object.entries(input) as [string, unknown][]),
  v.length(1, 'an object with exactly one key'),
  v.transform((fields) => ({ fieldId: fields[0]?.[0], value: fields[0]?.[1] })),
  v.object({
    fieldId: v.pipe(v.string(), v.nonEmpty('a non-empty field id')),
    value: v.union([v.string(), v.pipe(v.number(), v.finite(VALUE)), v.boolean()], VALUE),
  }),
);

const UploadBody = v.object(
  {
    clientTimestamp: seconds,
    entries: v.array(v.object({ timestamp: seconds, values: v.array(OneField, 'an array') }, 'an object'), 'an array'),
  },
  'an object',
);

/** Reads the body of an upload. */
export function readUpload(body: string): UploadAttempt {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { fault: 'the body must be JSON' };
  }
  const entryCount = countEntries(json);
  const result = v.safeParse(UploadBody, json, { abortEarly: true });
  return {
    ...(entryCount !== undefined && { entryCount }),
    ...(result.success ? { upload: result.output } : { fault: faultOf(result.issues[0], 'the body') }),
  };
}

function countEntries(json: unknown): number | undefined {
  const entries = (json as { entries?: unknown } | null)?.entries;
  return Array.isArray(entries) ? entries.length : undefined;
}
