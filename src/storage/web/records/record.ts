import { decodeRejection, encodeRejection, type StoredEntry } from '../../../core/model/entry.js';
import type { Value } from '../../../core/model/value.js';
import { decodeValues, encodeValues, utf8Length } from '../../../core/model/values-json.js';
import type { StagedValues } from '../../shared/run-number.js';

/** Records of a newer version are left untouched. */
const RECORD_VERSION = 1;
/** The brace at its start must be escaped in a RegExp. */
const HEAD = `{"version":${RECORD_VERSION},`;

/** An entry's record: one line of JSON, with its version. */
export function encodeRecord({ timestamp, values, rejection }: StoredEntry): string {
  const why = rejection === undefined ? '' : `${REJECTION}${encodeRejection(rejection)},`;
  return `${HEAD}"timestamp":${timestamp},${why}"values":${values}}`;
}

/** The length of {@link encodeRecord}'s text. */
export function recordLength(entry: StoredEntry): number {
  return encodeRecord({ ...entry, values: '' }).length + entry.values.length;
}

// Only timestamps that can be committed, in canonical form. Marked as pure, so that a bundler drops it if it is not used.
const START = /* @__PURE__ */ new RegExp(`^\\${HEAD}"timestamp":(0|[1-9]\\d{0,10}),`);
const VALUES = '"values":';
const REJECTION = '"rejection":';
/** Can't occur within a rejection, where quotes are escaped. */
const REJECTION_END = '"},"values":';

/**
 * Reads a record back.
 *
 * @returns `undefined` for anything but a record that {@link encodeRecord} makes: torn, altered, foreign or newer.
 */
export function decodeRecord(writer: string, sequence: number, record: string): StoredEntry | undefined {
  const [start = '', timestamp] = START.exec(record) ?? [];
  if (timestamp === undefined || !record.endsWith('}')) return undefined;
  let place = start.length;
  let why: string | undefined;
  if (record.startsWith(`${REJECTION}{`, place)) {
    const end = record.indexOf(REJECTION_END, place) + 2;
    why = record.slice(place + REJECTION.length, end);
    place = end + 1;
  }
  if (!record.startsWith(VALUES, place)) return undefined;
  const values = record.slice(place + VALUES.length, -1);
  if (!decodeValues(values)?.length) return undefined;
  const entry = { writer, sequence, timestamp: Number(timestamp), values, bytes: utf8Length(values) };
  if (why === undefined) return entry;
  const rejection = decodeRejection(why);
  return rejection && { ...entry, rejection };
}

/** The record of the values that a run has staged. */
export function encodeStaged(run: number, values: readonly Value[]): string {
  return `${HEAD}"run":${run},"values":${encodeValues(values)}}`;
}

const STAGED = /* @__PURE__ */ new RegExp(`^\\${HEAD}"run":(0|[1-9]\\d{0,14}),"values":(.*)\\}$`, 's');

/** @returns `undefined` for anything but what {@link encodeStaged} makes. */
export function decodeStaged(record: string): StagedValues | undefined {
  const [, run, text] = STAGED.exec(record) ?? [];
  const values = text === undefined ? undefined : decodeValues(text);
  return values && { run: Number(run), values };
}
