import { own, show } from '../core/model/input.js';
import { usage } from './exit.js';

type FieldValue = string | number | boolean;

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** A value as it is typed: a number, `true` or `false`, else text. Quotes around it make it text: `"42"`. */
export function parseValue(text: string): FieldValue {
  if (text === 'true' || text === 'false') return text === 'true';
  if (NUMBER.test(text) && Number.isFinite(Number(text))) return Number(text);
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? unquote(text) : text;
}

/** As JSON where it is JSON, so that `\n` and `\"` work. */
function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** `name=value`. @throws A usage exception. */
export function parsePair(text: string): [name: string, value: FieldValue] {
  const at = text.indexOf('=');
  if (at <= 0) throw usage(`expected name=value, got ${show(text)}`, 'For example: temperature=21.5');
  return [text.slice(0, at), parseValue(text.slice(at + 1))];
}

/** A word of a line of `pipe`: what stands between spaces, unless they are within quotes. */
const WORD = /(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g;

/** A line of `pipe`: `name=value …`, or a JSON object. @returns `undefined` for an empty line. @throws A usage exception. */
export function parseLine(line: string): Record<string, FieldValue> | undefined {
  const text = line.trim();
  if (text === '') return undefined;
  if (text.startsWith('{')) return parseObject(text);
  return own(Object.fromEntries((text.match(WORD) ?? []).map(parsePair)));
}

function parseObject(text: string): Record<string, FieldValue> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw usage('this is not JSON');
  }
  return own(given as Record<string, FieldValue>);
}
