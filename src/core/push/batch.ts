import type { QueuedEntry, StoredEntry } from '../model/entry.js';
import { encodeEntryIds, MAX_ENTRY_IDS_LENGTH } from '../model/entry-ids.js';
import type { ClockCorrection } from '../time/clock-correction.js';

/** The entries of one request. */
export type Batch = readonly QueuedEntry[];

/** The limits of one request. */
export interface BatchLimits {
  readonly maxEntries: number;
  /** The size of the whole body, in bytes of UTF-8. */
  readonly maxBytes: number;
  /** Whether a header, of bounded length, names the entries. Default: `false`. */
  readonly isNamed?: boolean;
}

const BODY_START = '{"clientTimestamp":';
const BODY_MIDDLE = ',"entries":[';
const BODY_END = ']}';
const ENTRY_START = '{"timestamp":';
const ENTRY_MIDDLE = ',"values":';
const ENTRY_END = '}';

/** The length of the longest timestamp, so that the limit holds with any correction of the clock. */
const TIME_BYTES = 16;
const BODY_BYTES = BODY_START.length + TIME_BYTES + BODY_MIDDLE.length + BODY_END.length;
const ENTRY_BYTES = ENTRY_START.length + TIME_BYTES + ENTRY_MIDDLE.length + ENTRY_END.length + ','.length;

/** The number of leading entries that fit in one request: at least 1, as an entry above the limit gets a request of its own. */
export function batchLength(entries: readonly StoredEntry[], limits: BatchLimits): number {
  const length = bodyLength(entries, limits);
  return limits.isNamed ? encodeEntryIds(entries.slice(0, length), MAX_ENTRY_IDS_LENGTH).count : length;
}

function bodyLength(entries: readonly StoredEntry[], limits: BatchLimits): number {
  let bytes = BODY_BYTES;
  for (let index = 0; index < entries.length; index++) {
    bytes += ENTRY_BYTES + (entries[index] as StoredEntry).bytes;
    if (index > 0 && (bytes > limits.maxBytes || index >= limits.maxEntries)) return index;
  }
  return entries.length;
}

/** The maximum size of the body of an upload, in bytes of UTF-8. */
export function bodyBytes(batch: readonly StoredEntry[]): number {
  return batch.reduce((bytes, entry) => bytes + ENTRY_BYTES + entry.bytes, BODY_BYTES);
}

/** The body of an upload, with timestamps corrected to the present clock. */
export function joinBody(batch: Batch, clock: ClockCorrection): string {
  let body = BODY_START + clock.seconds + BODY_MIDDLE;
  // Entries of the same second share the text between them: two pieces an entry are joined instead of six.
  let shared: QueuedEntry | undefined;
  let between = '';
  let end = '';
  for (const entry of batch) {
    if (entry.timestamp !== shared?.timestamp || entry.epoch !== shared.epoch)
      between = `${ENTRY_END},${ENTRY_START}${clock.timeOf(entry, entry.epoch)}${ENTRY_MIDDLE}`;
    shared = entry;
    body += end === '' ? between.slice(2) : between;
    body += entry.values;
    end = ENTRY_END;
  }
  return body + end + BODY_END;
}
