import { ConfigException } from '../model/exceptions.js';
import { isPlainObject, own, show } from '../model/input.js';
import type { Signal } from '../ports/web-types.js';
import type { CallOptions } from './options.js';

/** What an option may be, in words too. */
export interface Rule {
  readonly wanted: string;
  readonly isRight: (input: unknown) => boolean;
  /** Whether it may not be left out. */
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

/** One of several words. */
export const oneOf = (...words: readonly string[]): Rule => ({
  wanted: words.map((word) => `"${word}"`).join(' or '),
  isRight: (input) => words.includes(input as string),
});

export function isCount(input: unknown): boolean {
  return Number.isSafeInteger(input) && (input as number) >= 1;
}

/**
 * Checks options: unknown ones first, as one may be what a missing one was meant to be.
 *
 * @param options - As {@link own} gives them.
 * @param list - What comes before the names of those that there are.
 * @param shown - Shows what came where that is no secret.
 * @throws {@link ConfigException} naming the first option at fault, with what came and what was wanted.
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
 * @returns The options as they were checked: a getter may answer something else the second time.
 * @throws {@link ConfigException} unless a call's options are an object that holds nothing but what the rules allow.
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
 * @throws {@link ConfigException} for unknown options and for a signal that is none.
 */
export function signalOf(options: CallOptions): Signal | undefined {
  return checkCallOptions(options, { signal: signalRule }).signal;
}
