import { checkFieldId, checkValue, type Value } from './value.js';

/** @returns The wire text: an array of objects with one key, one object per value, in order. */
export const encodeValues = (values: readonly Value[]): string => encodeWithSize(values).text;

/** Like {@link encodeValues}, with the size of the text in bytes of UTF-8, counted without reading the text again. */
export function encodeWithSize(values: readonly Value[]): { text: string; bytes: number } {
  let text = '[';
  let beyondUnits = 0;
  for (let index = 0; index < values.length; index++) {
    const { fieldId, value } = values[index] as Value;
    const isText = typeof value === 'string';
    const prefix = prefixes.get(fieldId) ?? prefixOf(fieldId);
    if (prefix === '' || (isText && SPECIAL.test(value))) {
      // Each part separately: JSON.stringify looks up `toJSON` of objects, which a page may have set on Object.prototype.
      const object = `{${JSON.stringify(fieldId)}:${JSON.stringify(value)}}`;
      text += (index > 0 ? '},' : '') + object.slice(0, -1);
      beyondUnits += utf8Length(object) - object.length;
    } else {
      // The same text as JSON.stringify makes, several times as fast for plain ASCII, which nearly all ids and texts are.
      text += index > 0 ? prefix : prefix.slice(2);
      text += isText ? `"${value}"` : value;
    }
  }
  text += values.length > 0 ? '}]' : ']';
  // Reading a character, which adds 0, makes engines flatten the concatenated string, which otherwise takes twice the memory.
  return { text, bytes: text.length + beyondUnits + text.charCodeAt(0) - OPENING };
}

const OPENING = 0x5b;

/** By field id: the text between the value before it and its own; empty if JSON must escape the id. A device has few fields. */
const prefixes = /* @__PURE__ */ new Map<string, string>();
const MAX_PREFIXES = 1000;

function prefixOf(fieldId: string): string {
  const prefix = SPECIAL.test(fieldId) ? '' : `},{"${fieldId}":`;
  if (prefixes.size >= MAX_PREFIXES) prefixes.clear();
  prefixes.set(fieldId, prefix);
  return prefix;
}

/** Characters that JSON must escape, and all characters outside of ASCII. */
const SPECIAL = /[^ !#-[\]-~]/;

/** @returns `undefined` unless {@link encodeValues} makes exactly this text. */
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

const BEYOND_ASCII = /[^\0-\x7f]/;

/** @returns The size of well-formed text in bytes of UTF-8. */
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
