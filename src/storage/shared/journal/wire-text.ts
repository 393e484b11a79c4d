import { decodeValues, utf8Length } from '../../../core/model/values-json.js';
import { type Bytes, decodeUtf8 } from './bytes.js';

const QUOTE = 34;
export const COMMA = 44;
export const MINUS = 45;
const POINT = 46;
export const ZERO = 48;
export const NINE = 57;
const COLON = 58;
const OPENING_BRACKET = 91;
const CLOSING_BRACKET = 93;
export const SMALL_F = 102;
const SMALL_T = 116;
const OPENING_BRACE = 123;
const CLOSING_BRACE = 125;

/** Whether each byte is unescaped ASCII in a JSON string. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 32 && byte < 127 && byte !== QUOTE && byte !== 92 ? 1 : 0,
);

/**
 * Whether bytes are a text that `encodeValues` makes of at least one value. Nearly all texts are plain ASCII with short numbers,
 * and are checked byte by byte: parsing takes ten times as long.
 */
export function isWireText(bytes: Bytes, start: number, end: number): boolean {
  if (isPlain(bytes, start, end)) return true;
  const text = decodeUtf8(bytes, start, end);
  return utf8Length(text) === end - start && (decodeValues(text)?.length ?? 0) > 0;
}

function isPlain(bytes: Bytes, start: number, end: number): boolean {
  if (bytes[start] !== OPENING_BRACKET) return false;
  let index = start;
  do {
    index = objectEnd(bytes, index + 1);
  } while (index < end && bytes[index] === COMMA);
  return bytes[index] === CLOSING_BRACKET && index + 1 === end;
}

/** The end of `{"<id>":<value>}`; infinity if it is not plain. The newline after each line ends the search. */
function objectEnd(bytes: Bytes, start: number): number {
  if (bytes[start] !== OPENING_BRACE) return Number.POSITIVE_INFINITY;
  const idEnd = textEnd(bytes, start + 1);
  if (idEnd === start + 3 || bytes[idEnd] !== COLON) return Number.POSITIVE_INFINITY;
  const end = valueEnd(bytes, idEnd + 1);
  return bytes[end] === CLOSING_BRACE ? end + 1 : Number.POSITIVE_INFINITY;
}

function valueEnd(bytes: Bytes, start: number): number {
  switch (bytes[start]) {
    case QUOTE:
      return textEnd(bytes, start);
    case SMALL_T:
      return wordEnd(bytes, start, 'true');
    case SMALL_F:
      return wordEnd(bytes, start, 'false');
    default:
      return numberEnd(bytes, start);
  }
}

function textEnd(bytes: Bytes, start: number): number {
  if (bytes[start] !== QUOTE) return Number.POSITIVE_INFINITY;
  let index = start + 1;
  while (PLAIN[bytes[index] as number] === 1) index++;
  return bytes[index] === QUOTE ? index + 1 : Number.POSITIVE_INFINITY;
}

function wordEnd(bytes: Bytes, start: number, word: string): number {
  for (let index = 0; index < word.length; index++)
    if (bytes[start + index] !== word.charCodeAt(index)) return Number.POSITIVE_INFINITY;
  return start + word.length;
}

/** Only numbers of at most 9 integer and 6 fraction digits: such a number has a single form, which JavaScript writes. */
function numberEnd(bytes: Bytes, start: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  const point = digitsEnd(bytes, first);
  const hasRightStart = point > first && point - first <= 9 && (bytes[first] !== ZERO || point === first + 1);
  if (!hasRightStart) return Number.POSITIVE_INFINITY;
  // Minus zero is written without its sign.
  if (bytes[point] !== POINT) return first > start && bytes[first] === ZERO ? Number.POSITIVE_INFINITY : point;
  const end = digitsEnd(bytes, point + 1);
  const isFraction = end > point + 1 && end - point <= 7 && bytes[end - 1] !== ZERO;
  return isFraction ? end : Number.POSITIVE_INFINITY;
}

function digitsEnd(bytes: Bytes, start: number): number {
  let index = start;
  for (let byte = bytes[index] as number; byte >= ZERO && byte <= NINE; byte = bytes[index] as number) index++;
  return index;
}
