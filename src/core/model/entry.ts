import { MAX_UNIX_SECONDS } from '../time/clock.js';
import type { ClockEpoch } from '../time/clock-correction.js';
import { ValueException } from './exceptions.js';
import { show } from './input.js';
import { checkFieldId, checkValue, type Value } from './value.js';
import { decodeValues } from './values-json.js';

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
 * Why an entry is in quarantine: the server refuses its content, or requests with it failed while others passed.
 *
 * @group For storage adapters of your own
 */
export interface Refusal {
  /** The HTTP status of the response; 0 if none came. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>`, or `Bad luck: <the failure>`; cut after 300 characters. */
  readonly reason: string;
  /** Present if requests with it failed: the next run that adopts it puts it back in the queue. */
  readonly retryable?: true;
}

/** An entry whose reason, where it has one, is written otherwise. */
export function withReason(entry: StoredEntry, write: (reason: string, status: number) => string): StoredEntry {
  const { refusal } = entry;
  if (refusal === undefined) return entry;
  return { ...entry, refusal: { ...refusal, reason: write(refusal.reason, refusal.status) } };
}

/** An entry that the server does not take: set aside, so that it doesn't hold up the others. */
export interface QuarantinedEntry extends Entry, Refusal {}

/** One line of JSON. */
export const encodeRefusal = ({ status, retryable, reason }: Refusal): string =>
  JSON.stringify({ status, retryable, reason });

/** @returns `undefined` for anything but a text that {@link encodeRefusal} makes. */
export function decodeRefusal(text: string): Refusal | undefined {
  try {
    const { status, reason, retryable } = JSON.parse(text) as Partial<Refusal>;
    const refusal = { status: Number(status), reason: String(reason), ...(retryable === true && { retryable }) };
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

/**
 * @param name - What it is called in a refusal.
 * @throws {@link ValueException} unless `timestamp` is whole Unix seconds.
 */
export function checkTimestamp(timestamp: unknown, name = 'timestamp'): asserts timestamp is number {
  if (Number.isSafeInteger(timestamp) && (timestamp as number) >= 0 && (timestamp as number) < MAX_UNIX_SECONDS) return;
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

/** An entry that waits for its push, or in quarantine. */
export interface QueuedEntry extends StoredEntry {
  /** How it came into the queue: committed by this `Api` or put back by it; absent if a dead run left it. */
  readonly origin?: 'committed' | 'restored';
  /** When it was committed with the time of that moment, in this run; else absent. */
  readonly epoch?: ClockEpoch | undefined;
}

/** An entry that a dead run left, as a storage handed it over: the same object, as a copy would take as much memory again. */
export function asAdopted(stored: StoredEntry): QueuedEntry {
  return 'origin' in stored || stored.refusal !== undefined ? plainEntry(stored) : stored;
}

/** An entry as it was committed, without its refusal and what only the queue of the run that committed it knows. */
export const plainEntry = ({ writer, sequence, timestamp, values, bytes }: StoredEntry): StoredEntry => ({
  writer,
  sequence,
  timestamp,
  values,
  bytes,
});
