import { show, ValueException } from './exceptions.js';
import { checkFieldId, checkValue, type Value } from './value.js';

/** A commit: the values that were staged, and when. Times in whole Unix seconds. */
export interface Entry {
  /** Unique; `<writer>-<sequence number>`. */
  readonly id: string;
  /** Whole Unix seconds, by the clock of this machine. */
  readonly timestamp: number;
  /** In the order in which the fields were first added. */
  readonly values: readonly Value[];
}

/**
 * An entry as storages keep it. The wire text of its values is made once, at commit: saving, counting and sending all
 * use that text, so that none of them depends on how long the queue is.
 *
 * @group For storage adapters of your own
 */
export interface StoredEntry {
  /** The id of the {@link Writer} that committed it. */
  readonly writer: string;
  /** Counts up from 1 for each writer; never used twice. */
  readonly sequence: number;
  /** Whole Unix seconds, by the clock of the machine that committed it. */
  readonly timestamp: number;
  /** `[{"<fieldId>":<value>},…]` */
  readonly values: string;
  /** How many bytes of UTF-8 they take: counted once. */
  readonly bytes: number;
  /** Present if it is in quarantine. */
  readonly refusal?: Refusal | undefined;
}

/**
 * Why the server would not take an entry.
 *
 * @group For storage adapters of your own
 */
export interface Refusal {
  /** The HTTP status of its answer. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>`; cut after 300 characters. */
  readonly reason: string;
}

/** An entry whose reason, where it has one, is written otherwise. */
export function withReason(entry: StoredEntry, write: (reason: string) => string): StoredEntry {
  const { refusal } = entry;
  return refusal === undefined ? entry : { ...entry, refusal: { ...refusal, reason: write(refusal.reason) } };
}

/** An entry that the server refuses: set aside, so that it doesn't hold up the others. */
export interface QuarantinedEntry extends Entry, Refusal {}

/** A reason is saved with its entry: a server that sends a page with each refusal must not fill the storage. */
export const MAX_REASON = 300;

/** The wire text of values: one object per value, one key each, in their order. */
export const encodeValues = (values: readonly Value[]): string => measureValues(values).text;

/** As {@link encodeValues}, and how many bytes of UTF-8 the text takes: told on the way, without reading it again. */
export function measureValues(values: readonly Value[]): { text: string; bytes: number } {
  let text = '';
  let beyondUnits = 0;
  for (const { fieldId, value } of values) {
    const isText = typeof value === 'string';
    const start = text === '' ? '[{"' : ',{"';
    if (SPECIAL.test(fieldId) || (isText && SPECIAL.test(value))) {
      const object = JSON.stringify({ [fieldId]: value });
      text += start.charAt(0) + object;
      beyondUnits += utf8Length(object) - object.length;
    } else {
      // What JSON.stringify makes, several times as fast for the ids and words that nearly all text is.
      text += isText ? `${start}${fieldId}":"${value}"}` : `${start}${fieldId}":${value}}`;
    }
  }
  text += ']';
  // To read one unit of it also makes engines join its pieces, which take twice the memory for as long as it is queued.
  if (text.charCodeAt(0) !== OPENING) return { text: '[]', bytes: 2 };
  return { text, bytes: text.length + beyondUnits };
}

const OPENING = 0x5b;

/** Whatever may not stand in JSON as it is, and all beyond ASCII. */
const SPECIAL = /[^ !#-[\]-~]/;

/**
 * Reads {@link encodeValues}'s text back.
 *
 * @returns `undefined` if the text is not one that `encodeValues` makes.
 */
export function decodeValues(text: string): Value[] | undefined {
  try {
    const objects: unknown = JSON.parse(text);
    if (!Array.isArray(objects)) return undefined;
    const values = objects.map((object: object): Value => {
      const [[fieldId, value] = [], ...others] = Object.entries(object);
      checkFieldId(fieldId);
      checkValue(fieldId, value);
      if (others.length > 0) throw new Error('more than one field');
      return { fieldId, value };
    });
    return encodeValues(values) === text ? values : undefined;
  } catch {
    return undefined;
  }
}

/** One line of JSON. */
export const encodeRefusal = ({ status, reason }: Refusal): string => JSON.stringify({ status, reason });

/** @returns `undefined` for anything but a text that {@link encodeRefusal} makes. */
export function decodeRefusal(text: string): Refusal | undefined {
  try {
    const { status, reason } = JSON.parse(text) as Partial<Refusal>;
    const refusal = { status: Number(status), reason: String(reason) };
    return encodeRefusal(refusal) === text ? refusal : undefined;
  } catch {
    return undefined;
  }
}

/** An entry's id: never used twice, as its writer's id is random and its sequence number counts up. */
export const entryId = ({ writer, sequence }: StoredEntry): string => `${writer}-${sequence}`;

/** The entry as users see it. */
export function toEntry(stored: StoredEntry, values = decodeValues(stored.values) ?? []): Entry {
  return { id: entryId(stored), timestamp: stored.timestamp, values };
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** The number of bytes that well-formed text takes in UTF-8. */
export function utf8Length(text: string): number {
  if (!BEYOND_ASCII.test(text)) return text.length;
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts two of the pair's four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

/** Times in milliseconds are above this for any moment since 1973; times in seconds are below it until the year 5138. */
export const FIRST_MILLISECONDS = 100_000_000_000;

/**
 * @param name - What it is called in a refusal.
 * @throws {@link ValueException} unless `timestamp` is whole Unix seconds.
 */
export function checkTimestamp(timestamp: unknown, name = 'timestamp'): asserts timestamp is number {
  if (Number.isSafeInteger(timestamp) && (timestamp as number) >= 0 && (timestamp as number) < FIRST_MILLISECONDS)
    return;
  throw new ValueException(
    `${name} must be whole Unix seconds, such as Math.floor(Date.now() / 1000), got ${show(timestamp)}`,
  );
}

/** @throws {@link ValueException} unless each is what `commit()` makes. */
export function checkEntries(entries: unknown): asserts entries is readonly Entry[] {
  if (!Array.isArray(entries)) throw new ValueException(`the entries must be an array, got ${show(entries)}`);
  for (const [index, entry] of (entries as readonly (Partial<Entry> | null)[]).entries()) {
    checkTimestamp(entry?.timestamp, `entries[${index}].timestamp`);
    if (!Array.isArray(entry?.values) || entry.values.length === 0) {
      throw new ValueException(`entries[${index}].values must be a non-empty array, got ${show(entry?.values)}`);
    }
    for (const part of entry.values as readonly (Partial<Value> | null)[]) {
      const fieldId = part?.fieldId;
      checkFieldId(fieldId);
      checkValue(fieldId, part?.value);
    }
  }
}
