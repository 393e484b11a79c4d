import { ConfigException } from '../model/exceptions.js';
import { isPlainObject, own, show } from '../model/input.js';
import type { Signal } from '../ports/web-types.js';
import type { CallOptions } from './options.js';

/** The rule for the values of an option, with a description for messages. */
export interface Rule {
  readonly wanted: string;
  readonly isRight: (input: unknown) => boolean;
  /** Whether the option is required. */
  readonly isRequired?: true;
}

/** In the order in which options are checked. */
export type Rules = Readonly<Record<string, Rule>>;

export const boolean: Rule = { wanted: 'true or false', isRight: (input) => typeof input === 'boolean' };

export const count: Rule = { wanted: 'a whole number from 1', isRight: isCount };

export const timeout: Rule = {
  wanted: 'seconds, from above 0 to 86400',
  isRight: (input) => typeof input === 'number' && input > 0 && input <= 86_400,
};

/** A rule for an option with a fixed set of string values. */
export const oneOf = (...words: readonly string[]): Rule => ({
  wanted: words.map((word) => `"${word}"`).join(' or '),
  isRight: (input) => words.includes(input as string),
});

export function isCount(input: unknown): boolean {
  return Number.isSafeInteger(input) && (input as number) >= 1;
}

/**
 * Checks options: unknown names first, as an unknown name may be the misspelled name of a missing option.
 *
 * @param options - Copied by {@link own}.
 * @param list - Introduces the list of option names in the message.
 * @param shown - Formats a value for a message, without secrets.
 * @throws {@link ConfigException} naming the first invalid option, the expected value and the value that was passed.
 */
export function checkOptions(
  options: Readonly<Record<string, unknown>>,
  rules: Rules,
  list = 'there is',
  shown: (input: unknown) => string = show,
): void {
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(rules, option)) continue;
    throw new ConfigException(`${shown(option)} is not an option; ${list} ${Object.keys(rules).join(', ')}`);
  }
  for (const [option, { wanted, isRight, isRequired }] of Object.entries(rules)) {
    const input = options[option];
    if (isRight(input) || (input === undefined && !isRequired)) continue;
    throw new ConfigException(`${option} must be ${wanted}, got ${shown(input)}`);
  }
}

/**
 * @returns A copy of the checked values, as a getter may return another value the second time.
 * @throws {@link ConfigException} unless `options` is a plain object with only known options and valid values.
 */
export function checkCallOptions<Options extends object>(options: Options, rules: Rules): Options {
  if (!isPlainObject(options)) throw new ConfigException(`the options must be an object, got ${show(options)}`);
  const given = own(options);
  checkOptions(given as Record<string, unknown>, rules);
  return given;
}

export const signalRule: Rule = {
  wanted: 'an AbortSignal',
  isRight(input) {
    const { aborted, addEventListener, removeEventListener } = Object(input) as Partial<Signal>;
    const canTell = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
    return typeof aborted === 'boolean' && canTell;
  },
};

/**
 * @returns The signal.
 * @throws {@link ConfigException} for an unknown option or an invalid signal.
 */
export function signalOf(options: CallOptions): Signal | undefined {
  return checkCallOptions(options, { signal: signalRule }).signal;
}
