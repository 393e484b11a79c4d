import { own, show } from '../core/model/input.js';
import { CommandException, EXIT, usage } from './exit.js';

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

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, '': 1 };
const MAX_SECONDS = 86_400;

/** `30s`, `5m`, `1.5h` or seconds. @param name - That of the option. @returns Seconds. @throws A usage exception. */
export function parseDuration(text: string, name: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const seconds = digits === '' ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw usage(`${name} must be a time of at most 24h, such as 30s or 5m, got ${show(text)}`);
}

/** @throws A usage exception unless `text` is a whole number within bounds. */
export function parseCount(text: string, name: string, { min = 1, max = Number.MAX_SAFE_INTEGER } = {}): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  // A key has more digits.
  const isPlain = /^[+-]?[\d.]{1,20}$/.test(text);
  const range = `${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ''}`;
  throw new CommandException(`${name} must be a whole number from ${range}, got ${isPlain ? text : show(text)}`, {
    exitCode: EXIT.usage,
    isPlain,
  });
}
