/** In code points: a server that repeats a whole request must not fill storage and logs. */
const MAX_LENGTH = 300;

/** In UTF-16 units: no more of a text is looked at, so that a text of 1 MiB costs no more than a short one. */
const MAX_EXAMINED = 16_384;

/** Stands for a text that holds the API key. */
export const WITHHELD = 'a text that holds the API Key, and is not shown';

/** Terminal sequences: CSI (colours, cursor) and OSC (titles, links). */
const ESCAPE_SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what is looked for.
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g;

/** The C0 and C1 controls, Unicode's line separators (a log would begin a new line there), and halves of a surrogate pair. */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Characters that can't be seen: some change the direction of the text around them, others divide words that are searched for. */
export const INVISIBLE = /[\p{Cf}\p{DI}]/gu;

/** The digits of a key that the cut has divided can't be recognised any more. */
const TAIL_OF_A_KEY = /[\da-f][\da-f-]{7,35}$/i;

/** Replaces the API key in a text. */
export interface Redactor {
  redact(text: string): string;
}

/** Takes out of a text whatever would act on a terminal, a log or the direction of the text around it. */
export function cleanText(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, '').replace(INVISIBLE, '').replace(CONTROLS, ' ');
}

/**
 * Makes a text of a server, of a storage or of another library fit for messages, events, logs and terminals. All such texts
 * pass through here, in time that does not depend on their length.
 *
 * @param redact - Takes the API key out. It sees the clean text: else cleaning could put a divided key together.
 * @param instead - Stands for a text that holds the key.
 * @returns At most 300 code points, and `…` where the text was cut.
 */
export function foreignText(text: string, redact: (text: string) => string, instead = WITHHELD): string {
  const clean = cleanText(text.slice(0, MAX_EXAMINED));
  if (redact(clean) !== clean) return instead;
  // A code point has at most two units: long texts are not divided into all of theirs.
  const points = Array.from(clean.slice(0, 2 * MAX_LENGTH + 2));
  if (points.length <= MAX_LENGTH && text.length <= MAX_EXAMINED) return clean;
  return `${points.slice(0, MAX_LENGTH).join('').replace(TAIL_OF_A_KEY, '')}…`;
}

/** As {@link foreignText}, for a text whose keys are taken out later, of the whole message. */
export const shortText = (text: string): string => foreignText(text, String);

/**
 * A text that an error has. The error may be of another realm, where `instanceof` is false, or not be an error at all.
 *
 * @returns `undefined` where there is no such text, or looking at it throws.
 */
export function textOf(error: unknown, name: 'name' | 'code' | 'message'): string | undefined {
  try {
    const text: unknown = Object(error)[name];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Codes are words (`ECONNREFUSED`, `ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE`): anything else may hold a header's value. */
const CODE = /^(?:[A-Za-z_]{3,64}|[A-Z][A-Z\d/]*(?:_[A-Z\d/]{1,24})+)$/;

/** The code of an error, if it has one that is a word. */
export function codeWord(error: unknown): string | undefined {
  const code = textOf(error, 'code');
  return code !== undefined && CODE.test(code) ? code : undefined;
}

/** This many digits in a row of a key and of a text are no chance. */
const MIN_DIGITS = 12;
const ALL_DIGITS = 32;

/** A character as URLs have it, however often it was encoded. */
const PERCENT_ENCODED = /%(?:25)*([\da-f]{2})/gi;

/** The hex digits of a text, also full-width and percent-encoded ones, whatever stands between them. */
const digitsOf = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(PERCENT_ENCODED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .toLowerCase()
    .replace(/[^\da-f]+/g, '');

/** Whether a text holds an API key, in any case and encoding, with dashes or without. @param length - How many of its digits. */
export function holdsKey(text: string, apiKeys: readonly string[], length = ALL_DIGITS): boolean {
  const digits = digitsOf(text);
  if (digits.length < length) return false;
  return apiKeys.some((key) => {
    const all = digitsOf(key);
    for (let at = 0; at + length <= all.length; at++) if (digits.includes(all.slice(at, at + length))) return true;
    return false;
  });
}

/** A UUID, or as much of one as tells a key: with dashes or without. */
const ID = /[\da-f][\da-f-]{10,}[\da-f]/gi;

/** Masks the digits of whatever looks like a UUID: its form can still be seen, and what is wrong with it. */
export const maskIds = (text: string): string => text.replace(ID, (id) => id.replace(/[\da-f]/gi, 'x'));

/** Takes API keys out of a text: all that looks like a UUID is masked in a text that holds 12 digits in a row of a key. */
export function redact(text: string, apiKeys: readonly string[]): string {
  if (!holdsKey(text, apiKeys, MIN_DIGITS)) return text;
  const masked = maskIds(text);
  return holdsKey(masked, apiKeys, MIN_DIGITS) ? `(${WITHHELD})` : masked;
}
