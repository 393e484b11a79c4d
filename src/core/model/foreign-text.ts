import { define } from './define.js';

/** In code points: a server that echoes a whole request must not fill the storage and logs. */
const MAX_LENGTH = 300;

/** In UTF-16 units: the rest of a longer text is ignored, so that a text of 1 MiB costs no more than a short one. */
const MAX_EXAMINED = 16_384;

/** Replaces a text that holds the API key. */
export const WITHHELD = 'a text that holds the API Key, and is not shown';

/** Terminal sequences: CSI (colours, cursor) and OSC (titles, links). */
const ESCAPE_SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression has to match control characters.
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g;

/** The C0 and C1 controls, Unicode's line separators (a log would begin a new line there), and lone surrogates. */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Invisible characters: some change the direction of the text around them, others split words and so hide them from a search. */
const INVISIBLE = /[\p{Cf}\p{DI}]/gu;

/** The first digits of a UUID at the end of a text: a key that was cut in two can't be recognized any more. */
const TAIL_OF_A_KEY = /[\da-f][\da-f-]{7,35}$/i;

/** Replaces the API key in a text. */
export interface Redactor {
  redact(text: string): string;
}

/** Removes characters that would act on a terminal, a log or the direction of the surrounding text. */
export function cleanText(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, '').replace(INVISIBLE, '').replace(CONTROLS, ' ');
}

/**
 * Makes a text from a server, a storage or another library safe for messages, events, logs and terminals. Every such text
 * passes through this function, whose run time does not depend on the length of the text.
 *
 * @param redact - Removes the API key. Applied to the clean text, as cleaning could join the parts of a split key.
 * @param instead - Replaces a text that holds the API key.
 * @returns At most 300 code points, and `…` where the text was cut.
 */
export function foreignText(text: string, redact: (text: string) => string, instead = WITHHELD): string {
  const clean = cleanText(text.slice(0, MAX_EXAMINED));
  if (redact(clean) !== clean) return instead;
  // A code point has at most two units, so a long text need not be split completely.
  const points = Array.from(clean.slice(0, 2 * MAX_LENGTH + 2));
  if (points.length <= MAX_LENGTH && text.length <= MAX_EXAMINED) return clean;
  return `${points.slice(0, MAX_LENGTH).join('').replace(TAIL_OF_A_KEY, '')}…`;
}

/** Like {@link foreignText}, for a part of a message that is redacted later. */
export const shortText = (text: string): string => foreignText(text, String);

/**
 * Reads a text property of an error, which may come from another realm, where `instanceof` is false, or not be an `Error`.
 *
 * @returns `undefined` if the property is not a string, or reading it throws.
 */
export function textOf(error: unknown, name: 'name' | 'code' | 'message'): string | undefined {
  try {
    const text: unknown = Object(error)[name];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** @returns The class and message of an error, `TypeError: …`, or the thrown value as text. Not redacted. */
export function describeError(error: unknown): string {
  if (Object(error) !== error) return typeof error === 'string' ? JSON.stringify(error) : String(error);
  const message = textOf(error, 'message');
  return `${textOf(error, 'name') ?? 'an object'}${message === undefined ? '' : `: ${message}`}`;
}

/**
 * @param redact - Removes the API key.
 * @returns An error with the class name and message of another, whose further properties and stack may hold the API key.
 */
export function causeOf(error: unknown, redact: (text: string) => string): Error {
  const cause = new Error(foreignText(textOf(error, 'message') ?? describeError(error), redact));
  const name = foreignText(textOf(error, 'name') ?? cause.name, redact);
  return define(cause, 'name', name);
}

/** Codes are words (`ECONNREFUSED`, `ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE`): anything else may hold a header's value. */
const CODE = /^(?:[A-Za-z_]{3,64}|[A-Z][A-Z\d/]*(?:_[A-Z\d/]{1,24})+)$/;

/** The code of an error, if the code is a word. */
export function codeWord(error: unknown): string | undefined {
  const code = textOf(error, 'code');
  return code !== undefined && CODE.test(code) ? code : undefined;
}

/** A text that shares this many consecutive digits with a key does not do so by coincidence. */
const MIN_DIGITS = 12;
const ALL_DIGITS = 32;

/** A percent-encoded character, encoded once or several times. */
const PERCENT_ENCODED = /%(?:25)*([\da-f]{2})/gi;

/** @returns The hex digits of a text, full-width and percent-encoded digits included; all other characters are removed. */
const digitsOf = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(PERCENT_ENCODED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .toLowerCase()
    .replace(/[^\da-f]+/g, '');

/**
 * Whether a text holds one of the API keys, in any case and encoding, with or without dashes.
 *
 * @param length - The number of consecutive digits of a key that count as the key. Default: all 32.
 */
export function holdsKey(text: string, apiKeys: readonly string[], length = ALL_DIGITS): boolean {
  const digits = digitsOf(text);
  if (digits.length < length) return false;
  return apiKeys.some((key) => {
    const all = digitsOf(key);
    for (let at = 0; at + length <= all.length; at++) if (digits.includes(all.slice(at, at + length))) return true;
    return false;
  });
}

/** A UUID or at least 12 characters of a UUID, with or without dashes. */
const ID = /[\da-f][\da-f-]{10,}[\da-f]/gi;

/** Replaces the digits of everything that looks like a UUID by `x`, so that its form, and errors in the form, remain visible. */
export const maskIds = (text: string): string => text.replace(ID, (id) => id.replace(/[\da-f]/gi, 'x'));

/** Removes API keys: if a text holds 12 consecutive digits of a key, everything in the text that looks like a UUID is masked. */
export function redact(text: string, apiKeys: readonly string[]): string {
  if (!holdsKey(text, apiKeys, MIN_DIGITS)) return text;
  const masked = maskIds(text);
  return holdsKey(masked, apiKeys, MIN_DIGITS) ? `(${WITHHELD})` : masked;
}
