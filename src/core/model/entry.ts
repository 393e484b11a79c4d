import { MAX_UNIX_SECONDS } from '../time/clock.js';
import type { ClockEpoch } from '../time/clock-correction.js';
import type { EntryIdentity } from './entry-ids.js';
import { ValueException } from './exceptions.js';
import { isArray, show } from './input.js';
import { checkFieldId, checkValue, type Value } from './value.js';
import { decodeValues } from './values-json.js';

/** A commit: the values that were staged, and the time of the commit. */
export interface Entry {
  /** Unique; `<writer>-<sequence number>`. */
  readonly id: string;
  /** Whole Unix seconds, by the local clock. */
  readonly timestamp: number;
  /** In the order in which the fields were first added. */
  readonly values: readonly Value[];
}

/**
 * An entry as a storage keeps it. The wire text of its values is made once, at commit; saving, counting and sending use that
 * text, so that their cost does not depend on the length of the queue.
 *
 * @group For storage adapters of your own
 */
export interface StoredEntry {
  /** The id of the {@link Writer} that committed it. */
  readonly writer: string;
  /** Starts at 1 for each writer and increases; never used twice. */
  readonly sequence: number;
  /** Whole Unix seconds, by the clock of the machine that committed it. */
  readonly timestamp: number;
  /** `[{"<fieldId>":<value>},…]` */
  readonly values: string;
  /** The size of `values` in bytes of UTF-8, counted once. */
  readonly bytes: number;
  /** Present if the entry is in quarantine. */
  readonly rejection?: Rejection | undefined;
}

/**
 * The reason why an entry is in quarantine: the server refuses its content, or requests with the entry failed while other
 * requests passed.
 *
 * @group For storage adapters of your own
 */
export interface Rejection {
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>`, or `Bad luck: <the failure>`; at most 300 characters. */
  readonly reason: string;
  /** Present if requests with the entry failed: the next run that adopts the entry puts it back in the queue. */
  readonly retryable?: true;
}

/** @returns The entry with its quarantine reason, if any, replaced by the result of `write`. */
export function withReason(entry: StoredEntry, write: (reason: string, status: number) => string): StoredEntry {
  const { rejection } = entry;
  if (rejection === undefined) return entry;
  return { ...entry, rejection: { ...rejection, reason: write(rejection.reason, rejection.status) } };
}

/** An entry in quarantine, where it does not block the entries behind it. */
export interface QuarantinedEntry extends Entry, Rejection {}

/** @returns One line of JSON, whatever `toJSON` a page has set on `Object.prototype`. */
export const encodeRejection = ({ status, retryable, reason }: Rejection): string =>
  JSON.stringify({ status, retryable, reason, toJSON: undefined });

/** @returns `undefined` unless {@link encodeRejection} makes exactly this text. */
export function decodeRejection(text: string): Rejection | undefined {
  try {
    const { status, reason, retryable } = JSON.parse(text) as Partial<Rejection>;
    const rejection = { status: Number(status), reason: String(reason), ...(retryable === true && { retryable }) };
    return encodeRejection(rejection) === text ? rejection : undefined;
  } catch {
    return undefined;
  }
}

/** @returns The id of an entry; unique, as the writer's id is random and its sequence numbers increase. */
export const entryId = ({ writer, sequence }: EntryIdentity): string => `${writer}-${sequence}`;

/** @returns The entry as the public API shows it. */
export function toEntry(stored: StoredEntry, values: readonly Value[] = decodeValues(stored.values) ?? []): Entry {
  return { id: entryId(stored), timestamp: stored.timestamp, values };
}

/**
 * @param name - Names the argument in the message of the exception.
 * @throws {@link ValueException} unless `timestamp` is whole Unix seconds.
 */
export function checkTimestamp(timestamp: unknown, name = 'timestamp'): asserts timestamp is number {
  if (Number.isSafeInteger(timestamp) && (timestamp as number) >= 0 && (timestamp as number) < MAX_UNIX_SECONDS) return;
  throw new ValueException(
    `${name} must be whole Unix seconds, such as Math.floor(Date.now() / 1000), got ${show(timestamp)}`,
  );
}

/** @throws {@link ValueException} unless `entries` is an array of entries as `commit()` makes them. */
export function checkEntries(entries: unknown): asserts entries is readonly Entry[] {
  if (!isArray(entries)) throw new ValueException(`the entries must be an array, got ${show(entries)}`);
  for (const [index, entry] of (entries as readonly (Partial<Entry> | null)[]).entries()) {
    checkTimestamp(entry?.timestamp, `entries[${index}].timestamp`);
    if (!isArray(entry?.values) || entry.values.length === 0) {
      throw new ValueException(`entries[${index}].values must be a non-empty array, got ${show(entry?.values)}`);
    }
    for (const part of entry.values as readonly (Partial<Value> | null)[]) {
      const fieldId = part?.fieldId;
      checkFieldId(fieldId);
      checkValue(fieldId, part?.value);
    }
  }
}

/** An entry that waits for its push, or is in quarantine. */
export interface QueuedEntry extends StoredEntry {
  /** Whether this `Api` committed the entry or put it back by `restore()`; absent if the entry was adopted from a dead run. */
  readonly origin?: 'committed' | 'restored';
  /** The clock epoch of the commit; absent if the caller passed a `timestamp`, or the entry is of another run. */
  readonly epoch?: ClockEpoch | undefined;
}

/** @returns An adopted entry for the queue: the same object where possible, as copies would double the memory. */
export function asAdopted(stored: StoredEntry): QueuedEntry {
  return 'origin' in stored || stored.rejection !== undefined ? plainEntry(stored) : stored;
}

/** @returns The entry as it was committed, without `rejection`, `origin` and `epoch`. */
export const plainEntry = ({ writer, sequence, timestamp, values, bytes }: StoredEntry): StoredEntry => ({
  writer,
  sequence,
  timestamp,
  values,
  bytes,
});
