import { show } from '../core/model/input.js';
import { CommandException, EXIT, usage } from './exit.js';

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, '': 1 };
const MAX_SECONDS = 86_400;

/**
 * `30s`, `5m`, `1.5h` or seconds.
 *
 * @param name - That of the option.
 * @param min - In seconds. Default: above 0.
 * @returns Seconds.
 * @throws A usage exception.
 */
export function parseDuration(text: string, name: string, min = 0): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const seconds = digits === '' ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (seconds > 0 && seconds >= min && seconds <= MAX_SECONDS) return seconds;
  const range = min > 0 ? `from ${min}s to 24h` : 'of at most 24h';
  throw usage(`${name} must be a time ${range}, such as 30s or 5m, got ${show(text)}`);
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
