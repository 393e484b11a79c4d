import * as v from 'valibot';
import { ConfigException } from '../model/exceptions.js';
import { isObject, show } from '../model/input.js';
import { firstOf, isUnknown, ownObject } from '../model/schema.js';
import type { AbortSignalLike } from '../ports/web-types.js';
import type { CallOptions } from './options.js';

export const flag = v.custom<boolean>((input) => typeof input === 'boolean', 'true or false');

export const count = v.custom<number>(isCount, 'a whole number from 1');

export const timeout = seconds((input) => input > 0, 'from above 0', 86_400);

/** The deadline of a request, in seconds. */
export const requestTimeout = seconds((input) => input > 0, 'from above 0', 600);

export const signal = v.custom<AbortSignalLike>((input) => {
  if (!isObject<Partial<AbortSignalLike>>(input)) return false;
  const { aborted, addEventListener, removeEventListener } = input;
  const canNotify = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  return typeof aborted === 'boolean' && canNotify;
}, 'an AbortSignal');

/** @param min - In seconds. */
/* @__NO_SIDE_EFFECTS__ */
export function secondsFrom(min: number) {
  return seconds((input) => input >= min, `from ${min}`, 86_400);
}

/** A number above `max` may be milliseconds. */
/* @__NO_SIDE_EFFECTS__ */
function seconds(isEnough: (input: number) => boolean, from: string, max: number) {
  return v.custom<number>(
    (input) => typeof input === 'number' && isEnough(input) && input <= max,
    ({ input }) => {
      const isLarge = typeof input === 'number' && input > max && input < Infinity;
      return `seconds, ${from} to ${max}${isLarge ? ` (${input} ms are ${input / 1000} s)` : ''}`;
    },
  );
}

export function isCount(input: unknown): boolean {
  return Number.isSafeInteger(input) && (input as number) >= 1;
}

/**
 * @param shown - Formats a value for the message; replaces values that may be secret.
 * @returns A copy of the checked options, as a getter may return another value the second time.
 * @throws {@link ConfigException} naming the first invalid option, the expected value and the value that was passed.
 */
export function checkOptions<Output>(
  options: unknown,
  schema: v.GenericSchema<unknown, Output>,
  shown: (input: unknown) => string = show,
): Output {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const issue = firstOf(result.issues);
  const { input, path, message } = issue;
  if (isUnknown(issue)) throw new ConfigException(`${shown(input)} is not an option; ${message}`);
  const name = path?.[0].key ?? 'the options';
  throw new ConfigException(`${name} must be ${message}, got ${shown(input)}`);
}

const SIGNAL_ONLY = ownObject({ signal: v.optional(signal) });

/**
 * @returns The signal.
 * @throws {@link ConfigException} if an option is unknown, or the signal is not an `AbortSignal`.
 */
export function signalOf(options: CallOptions): AbortSignalLike | undefined {
  return checkOptions(options, SIGNAL_ONLY).signal;
}
