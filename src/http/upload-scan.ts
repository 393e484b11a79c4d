import { MAX_UNIX_SECONDS } from '../core/time/clock.js';

/** The head of a valid body, read without making its entries. */
export interface UploadHead {
  readonly clientTimestamp: number;
  readonly entryCount: number;
}

/** The limits of the schema that a scan has to know. */
export interface ScanLimits {
  readonly maxEntries: number;
  /** The least limit of a length: an entry of at most this length exceeds none. */
  readonly maxEntryLength: number;
}

const CHARACTER = String.raw`[^"\\\x00-\x1f]`;
/** With one digit less than the latest time of the protocol. */
const TIME = String.raw`(?:0|[1-9]\d{0,${String(MAX_UNIX_SECONDS).length - 2}})`;
/** Short enough to be finite. */
const NUMBER = String.raw`-?(?:0|[1-9]\d{0,17})(?:\.\d+)?`;
const FIELD = String.raw`\{ "${CHARACTER}+" : (?:"${CHARACTER}*"|${NUMBER}|true|false) \}`;
const ENTRY = String.raw`\{ "timestamp" : ${TIME} , "values" : \[ (?:${FIELD} (?:, ${FIELD} )*)?\] \}`;

// After each token the next character decides, so that a failed match gives back each token at most once: its time is linear.
const HEAD = sticky(String.raw` \{ "clientTimestamp" : (${TIME}) , "entries" : \[`);
const FIRST = sticky(` ${ENTRY}`);
const NEXT = sticky(` , ${ENTRY}`);
const TAIL = sticky(String.raw` \] \} $`);

/** An engine may run out of stack over an entry of several million characters. */
const MAX_LENGTH = 2_000_000;

/** Matches at `lastIndex`. A space in the pattern stands for any whitespace of JSON. */
function sticky(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll(' ', String.raw`[ \t\n\r]*`), 'y');
}

/**
 * Checks a body of the usual form without making its entries, in a fifth of the time of `JSON.parse`.
 *
 * @returns `undefined` if the body is invalid or of another form: with escapes, exponents, keys in another order or long entries.
 */
export function scanUpload(text: string, { maxEntries, maxEntryLength }: ScanLimits): UploadHead | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  HEAD.lastIndex = 0;
  const clientTimestamp = HEAD.exec(text)?.[1];
  if (clientTimestamp === undefined) return undefined;
  let position = HEAD.lastIndex;
  let entryCount = 0;
  for (let entry = FIRST; entryCount <= maxEntries; entry = NEXT) {
    entry.lastIndex = position;
    if (!entry.test(text) || entry.lastIndex - position > maxEntryLength) break;
    position = entry.lastIndex;
    entryCount += 1;
  }
  TAIL.lastIndex = position;
  const isValid = entryCount <= maxEntries && TAIL.test(text);
  return isValid ? { clientTimestamp: Number(clientTimestamp), entryCount } : undefined;
}
