import type { StoredEntry } from '../../core/model/entry.js';
import { decodeEntryIds, type EntryIdentity, encodeEntryIds } from '../../core/model/entry-ids.js';
import { encodeWithSize } from '../../core/model/values-json.js';
import { MAX_UNIX_SECONDS } from '../../core/time/clock.js';
import { readUpload, type UploadedEntry } from '../../http/upload-schema.js';
import type { StoredUpload } from '../message.js';
import { itemTexts } from './json-items.js';

/** The place of a message in the queue, by which it is known wherever it goes later. */
export interface Origin {
  /** Of the stream. */
  readonly sequence: number;
  /** When the stream stored it, in nanoseconds: a stream that was made anew repeats its sequences. */
  readonly time: bigint;
}

/** @returns `<sequence>/<time>`. */
export const placeOf = ({ sequence, time }: Origin): string => `${sequence}/${time}`;

/** An entry of a message. */
export interface ForwardedEntry extends StoredEntry {
  /** Its place in the body. */
  readonly index: number;
}

/** The entries of a message, by the clock of the gateways. */
export interface Forwarded {
  /** Whether the device named its entries. If not, the names are of the gateway, and no other message has them. */
  readonly isNamed: boolean;
  readonly entries: readonly ForwardedEntry[];
  /** The client time of the body. */
  readonly clientTimestamp: number;
}

/** @returns `undefined` if the body is not an upload, which no front accepts. */
export function entriesOf({ body, entryIds, offset }: StoredUpload, origin: Origin): Forwarded | undefined {
  const { upload } = readUpload(new TextDecoder().decode(body), entryIds);
  if (upload === undefined) return undefined;
  const shift = Math.floor(offset / 1000);
  const entries = upload.entries.map((entry, index) => {
    const { text, bytes } = encodeWithSize(entry.values);
    return { ...identityOf(entry, index, origin), timestamp: shifted(entry, shift), values: text, bytes, index };
  });
  return { isNamed: entryIds !== undefined, entries, clientTimestamp: upload.clientTimestamp };
}

function identityOf({ id }: UploadedEntry, index: number, { sequence, time }: Origin): EntryIdentity {
  if (id === undefined) return { writer: `g${sequence.toString(36)}t${time.toString(36)}`, sequence: index + 1 };
  return { writer: decodeWriter(id.writer), sequence: id.sequence };
}

/** Names of writers come percent-encoded, and are encoded again when they are sent. */
function decodeWriter(writer: string): string {
  try {
    return decodeURIComponent(writer);
  } catch {
    return writer;
  }
}

function shifted({ timestamp }: UploadedEntry, seconds: number): number {
  return Math.min(Math.max(timestamp + seconds, 0), MAX_UNIX_SECONDS - 1);
}

/**
 * Makes an upload of one entry of another: with its own name if the device gave it one. The entry keeps its text: encoded again, a
 * number such as 1e20 is longer, and the entry may exceed the size of a message.
 */
export function uploadOfOne(upload: StoredUpload, index: number): StoredUpload {
  const text = new TextDecoder().decode(upload.body);
  const { clientTimestamp } = JSON.parse(text) as { clientTimestamp: number };
  const entries = itemTexts(text, 'entries');
  const body = new TextEncoder().encode(`{"clientTimestamp":${clientTimestamp},"entries":[${entries[index]}]}`);
  const id = upload.entryIds === undefined ? undefined : decodeEntryIds(upload.entryIds, entries.length)?.[index];
  const entryIds = id && encodeEntryIds([{ ...id, writer: decodeWriter(id.writer) }]).text;
  return { ...upload, body, entryIds };
}
