import { maskIds } from './foreign-text.js';

export function isObject<Type extends object = Readonly<Record<string, unknown>>>(input: unknown): input is Type {
  try {
    return typeof input === 'object' && input !== null && !Array.isArray(input);
  } catch {
    // A revoked Proxy.
    return false;
  }
}

/** Like `Array.isArray`, but `false` for a revoked Proxy, for which that throws. */
export function isArray(input: unknown): input is readonly unknown[] {
  try {
    return Array.isArray(input);
  } catch {
    return false;
  }
}

/** Whether `input` is an object literal of any realm: its prototype is `null`, or an object whose prototype is `null`. */
export function isPlainObject(input: unknown): input is Readonly<Record<string, unknown>> {
  if (!isObject(input)) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Copies an object's own properties, so that properties that a script put into `Object.prototype` never count as options.
 *
 * @returns An object without a prototype.
 */
export const own = <Type extends object>(input: Type): Type => Object.assign(Object.create(null), input);

/**
 * Formats an invalid input for a message: a primitive as its value, cut after 60 characters, everything else as its kind.
 * Digits of UUIDs are masked, as a UUID may be an API key passed as another argument.
 */
export function show(input: unknown): string {
  switch (typeof input) {
    case 'string':
      // Masked before the cut, which could leave an unrecognizable part of a key.
      return quote(maskIds(input.slice(0, 3 * MAX_SHOWN)));
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(input);
    default:
      return kindOf(input);
  }
}

const MAX_SHOWN = 60;

/** Characters that JSON does not escape, but that act on a terminal or a log. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}]/gu;

/** @returns The text as JSON, with invisible characters escaped, cut after 60 UTF-16 units. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text).replace(
    UNPRINTABLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );

/** Like {@link show}, but shows only the length of a text, which may be a secret. */
export const showLength = (input: unknown): string =>
  typeof input === 'string' ? `a string of ${input.length} characters` : show(input);

/** The type of an input in words, for inputs that must not be shown. */
export function kindOf(input: unknown): string {
  if (input === null || input === undefined) return String(input);
  if (typeof input !== 'object') return `a ${typeof input}`;
  try {
    if (Array.isArray(input)) return 'an array';
    // Of any realm.
    const [, known] = /^\[object (Date|Map|Set|Promise)\]$/.exec(Object.prototype.toString.call(input)) ?? [];
    return known === undefined ? 'an object' : `a ${known}${known === 'Promise' ? ' (a forgotten await?)' : ''}`;
  } catch {
    // A revoked Proxy, or a getter that throws.
    return 'an unreadable object';
  }
}
