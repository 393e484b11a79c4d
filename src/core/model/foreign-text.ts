/** In code points: a server that repeats a whole request must not fill storage and logs. */
const MAX_LENGTH = 300;

/** Terminal sequences: CSI (colours, cursor) and OSC (titles, links). */
const ESCAPE_SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what is looked for.
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g;

/** The C0 and C1 controls and Unicode's line separators: a log would begin a new line there. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** They change the direction of the text around them. */
const BIDI_CONTROLS = /\p{Bidi_Control}/gu;

/** The digits of a key that the cut has divided can't be recognised any more. */
const TAIL_OF_A_KEY = /[\da-f][\da-f-]{7,}$/i;

/** Takes out of a text whatever would act on a terminal, a log or the direction of the text around it. */
export function cleanText(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, '').replace(BIDI_CONTROLS, '').replace(CONTROLS, ' ');
}

/**
 * Makes a text of a server, of a storage or of another library fit for messages, events and logs.
 *
 * @param redact - Takes the API key out. It sees the clean text: else cleaning could put a divided key together.
 * @returns At most 300 code points, and `…` where the text was cut.
 */
export function foreignText(text: string, redact: (text: string) => string): string {
  const clean = redact(cleanText(text));
  // A code point has at most two units: long texts are not divided into all of theirs.
  const points = Array.from(clean.slice(0, 2 * MAX_LENGTH + 2));
  if (points.length <= MAX_LENGTH) return clean;
  return `${points.slice(0, MAX_LENGTH).join('').replace(TAIL_OF_A_KEY, '')}…`;
}

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

/** Takes the API key out of text that a server sent: it may send back what it got. */
export function redact(text: string, apiKey: string): string {
  return text.replaceAll(new RegExp(apiKey, 'gi'), '<API Key>');
}
