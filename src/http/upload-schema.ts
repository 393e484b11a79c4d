import * as v from 'valibot';
import { decodeEntryIds, ENTRY_IDS, type EntryIdentity, namesAll } from '../core/model/entry-ids.js';
import { isObject } from '../core/model/input.js';
import type { FieldValue, Value } from '../core/model/value.js';
import { MAX_UNIX_SECONDS } from '../core/time/clock.js';
import { faultOf } from './schema-issue.js';
import { scanUpload, type UploadHead } from './upload-scan.js';

/*
 * The body of an upload:
 *
 *   { "clientTimestamp": 1795349662,
 *     "entries": [ { "timestamp": 1795349600, "values": [ { "<Field ID>": 21.5 }, { "<Field ID>": "on" } ] } ] }
 */

/** A parsed upload; times in whole Unix seconds by the client's clock. */
export interface Upload {
  readonly clientTimestamp: number;
  readonly entryCount: number;
  readonly entries: readonly UploadedEntry[];
}

/** An entry of an upload. */
export interface UploadedEntry {
  readonly timestamp: number;
  readonly values: readonly Value[];
  /** Present if the request names its entries: an entry of a writer and sequence is stored once. */
  readonly id?: EntryIdentity | undefined;
}

/** The result of parsing a body: an upload or a fault. */
export type UploadAttempt = {
  /** The number of entries in the body, valid or not; absent if the body has no list of entries. */
  readonly entryCount?: number | undefined;
} & ({ readonly upload: Upload; readonly fault?: never } | { readonly upload?: never; readonly fault: UploadFault });

/** The reason why a body is refused. */
export interface UploadFault {
  /** 413 if a smaller upload may pass, else 400. */
  readonly status: 400 | 413;
  /** Names the invalid place, without its value. */
  readonly message: string;
}

const MAX_ENTRIES = 10_000;
const MAX_VALUES = 10_000;
const MAX_FIELD_ID_LENGTH = 1000;
const MAX_TEXT_LENGTH = 100_000;
const SCAN_LIMITS = { maxEntries: MAX_ENTRIES, maxEntryLength: MAX_FIELD_ID_LENGTH };

const VALUE = 'a string, a finite number or a boolean';
const TEXT = `${VALUE}, a string of at most ${MAX_TEXT_LENGTH} characters`;
const WHOLE = 'a whole number';
const TIME = `seconds from 0 to ${MAX_UNIX_SECONDS}`;
const FIELD_ID = `a non-empty field id of at most ${MAX_FIELD_ID_LENGTH} characters`;

// A time in milliseconds would be later than all other times of the field for thousands of years.
const seconds = v.pipe(v.number(WHOLE), v.integer(WHOLE), v.minValue(0, TIME), v.maxValue(MAX_UNIX_SECONDS, TIME));

// Not v.record, which ignores the keys "constructor" and "__proto__".
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

/** The rules of a body, and the words for each fault. */
export const UploadBody = v.object({ clientTimestamp: seconds, entries: v.array(Entry, 'an array') }, 'an object');

/**
 * Parses an upload. Of duplicate keys in an object the last one counts, as in `JSON.parse`.
 *
 * @param entryIds - The header `x-entry-ids`; absent if the entries have no names.
 */
export function readUpload(body: string, entryIds?: string): UploadAttempt {
  const head = scanUpload(body, SCAN_LIMITS);
  if (head)
    return checkNames(
      uploadOf(head, () => (JSON.parse(body) as ValidBody).entries.map(entryOf), entryIds),
      entryIds,
    );
  const input = parse(body);
  if (input === undefined) return { fault: { status: 400, message: 'the body must be JSON' } };
  const entryCount = countEntries(input);
  if (entryCount !== undefined && entryCount > MAX_ENTRIES) {
    return { entryCount, fault: { status: 413, message: `entries must be at most ${MAX_ENTRIES}, got ${entryCount}` } };
  }
  const { upload, message } = readValidUpload(input, entryIds) ?? describeFault(input, entryIds);
  return upload ? checkNames(upload, entryIds) : { entryCount, fault: { status: 400, message } };
}

function checkNames(upload: Upload, entryIds: string | undefined): UploadAttempt {
  const { entryCount } = upload;
  const isNamed = entryIds === undefined || namesAll(entryIds, entryCount);
  return isNamed ? { entryCount, upload } : { entryCount, fault: { status: 400, message: BAD_IDS } };
}

type Described =
  | { readonly upload: Upload; readonly message?: never }
  | { readonly upload?: never; readonly message: string };

function describeFault(input: unknown, entryIds: string | undefined): Described {
  const result = v.safeParse(UploadBody, input, { abortEarly: true });
  if (!result.success) return { message: faultOf(result.issues, 'the body') };
  const { clientTimestamp, entries } = result.output;
  return { upload: uploadOf({ clientTimestamp, entryCount: entries.length }, () => entries, entryIds) };
}

/**
 * Reads a valid body by the rules of the schema, which takes 30 times as long.
 *
 * @returns `undefined` if the body may be invalid.
 */
export function readValidUpload(input: unknown, entryIds?: string): Described | undefined {
  if (!isBody(input)) return undefined;
  const { clientTimestamp, entries } = input;
  return { upload: uploadOf({ clientTimestamp, entryCount: entries.length }, () => entries.map(entryOf), entryIds) };
}

/** Its entries are made when they are read: a store that keeps the text does not need them. */
function uploadOf(head: UploadHead, read: () => readonly UploadedEntry[], entryIds: string | undefined): Upload {
  let entries: readonly UploadedEntry[] | undefined;
  return {
    ...head,
    get entries() {
      entries ??= withIds(read(), entryIds);
      return entries;
    },
  };
}

function withIds(entries: readonly UploadedEntry[], entryIds: string | undefined): readonly UploadedEntry[] {
  const ids = entryIds === undefined ? undefined : decodeEntryIds(entryIds, entries.length);
  return ids ? entries.map((entry, index) => ({ ...entry, id: ids[index] })) : entries;
}

interface ValidBody {
  readonly clientTimestamp: number;
  readonly entries: readonly ValidEntry[];
}

interface ValidEntry {
  readonly timestamp: number;
  readonly values: readonly Readonly<Record<string, FieldValue>>[];
}

const isBody = (input: unknown): input is ValidBody =>
  isObject(input) && isTime(input['clientTimestamp']) && isListOf(input['entries'], isEntry);

const isEntry = (input: unknown): boolean =>
  isObject(input) && isTime(input['timestamp']) && isListOf(input['values'], isOneField, MAX_VALUES);

/** Properties that an object inherits count, too: then the schema decides. */
function isOneField(input: unknown): boolean {
  if (!isObject(input)) return false;
  let count = 0;
  for (const fieldId in input) {
    count += 1;
    if (count > 1 || fieldId === '' || fieldId.length > MAX_FIELD_ID_LENGTH || !isValue(input[fieldId])) return false;
  }
  return count === 1;
}

function isListOf(input: unknown, isItem: (item: unknown) => boolean, max = Infinity): boolean {
  if (!Array.isArray(input) || input.length > max) return false;
  for (const item of input) if (!isItem(item)) return false;
  return true;
}

const entryOf = ({ timestamp, values }: ValidEntry): UploadedEntry => ({ timestamp, values: values.map(fieldOf) });

function fieldOf(field: Readonly<Record<string, FieldValue>>): Value {
  const [[fieldId, value]] = Object.entries(field) as [[string, FieldValue]];
  return { fieldId, value };
}

const isTime = (input: unknown): input is number =>
  Number.isInteger(input) && (input as number) >= 0 && (input as number) <= MAX_UNIX_SECONDS;

const isValue = (input: unknown): input is FieldValue =>
  typeof input === 'string' ? input.length <= MAX_TEXT_LENGTH : typeof input === 'boolean' || Number.isFinite(input);

const BAD_IDS = `${ENTRY_IDS} must name each entry of the body, as <writer>/<first>-<last>,<sequence>;<writer>/…`;

/** @returns `undefined`, which is never the value of a JSON text, if the text is not JSON. */
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
