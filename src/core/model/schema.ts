import * as v from 'valibot';
import { isObject, isPlainObject, own } from './input.js';

export const UUID = 'a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)';

export const uuid = v.custom<string>(isUuid, UUID);

export function isUuid(input: unknown): input is string {
  return typeof input === 'string' && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(input);
}

/** The schema of an enumeration of words. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const Word extends string>(...words: readonly Word[]) {
  return v.custom<Word>(
    (input) => words.includes(input as Word),
    () => words.map((word) => `"${word}"`).join(' or '),
  );
}

/** Options of {@link ownObject}. */
interface ObjectOptions {
  /** The name of the object in messages. Default: `an object`. */
  readonly wanted?: string;
  /** The beginning of the message about an unknown property; the names of all properties follow. Default: `there is`. */
  readonly list?: string;
  /** Values of absent properties. Default: none. */
  readonly defaults?: object;
}

/**
 * The schema of a plain object with only these properties. Only own properties count; each is read once; `undefined` counts as
 * absent.
 *
 * @param properties - In the order in which they are checked.
 */
/* @__NO_SIDE_EFFECTS__ */
export function ownObject<Properties extends v.ObjectEntries>(
  properties: Properties,
  { wanted = 'an object', list = 'there is', defaults = {} }: ObjectOptions = {},
) {
  const isPresent = ([, value]: [string, unknown]) => value !== undefined;
  const message = `${list} ${Object.keys(properties).join(', ')}`;
  return ownBy(properties, { isKept: isPresent, outer: v.custom<object>(isPlainObject, wanted), defaults, message });
}

/** The schema of an object with at least these properties; all other properties are left out. Only own properties count. */
/* @__NO_SIDE_EFFECTS__ */
export function ownParts<Properties extends v.ObjectEntries>(properties: Properties) {
  const isPart = ([name]: [string, unknown]) => Object.hasOwn(properties, name);
  return ownBy(properties, { isKept: isPart, outer: v.custom<object>(isObject, 'an object') });
}

interface OwnOptions {
  readonly isKept: (property: [string, unknown]) => boolean;
  readonly outer: v.GenericSchema<unknown, object>;
  readonly defaults?: object;
  /** About an unknown property. */
  readonly message?: string;
}

/* @__NO_SIDE_EFFECTS__ */
function ownBy<Properties extends v.ObjectEntries>(
  properties: Properties,
  { isKept, outer, defaults, message }: OwnOptions,
) {
  // Absent properties are set to undefined, as valibot would read them from Object.prototype.
  const absent = Object.fromEntries(Object.keys(properties).map((name) => [name, undefined]));
  return v.pipe(
    outer,
    v.transform((input) =>
      own({ ...absent, ...defaults, ...Object.fromEntries(Object.entries(input).filter(isKept)) }),
    ),
    v.strictObject(own(properties), message),
  );
}

/** The issue to report: an unknown property first, as it may be a misspelled required property. */
export function firstOf(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): v.BaseIssue<unknown> {
  return issues.find(isUnknown) ?? issues[0];
}

/** Whether the issue is an unknown property; the input of the issue is its name. */
export const isUnknown = ({ expected }: v.BaseIssue<unknown>): boolean => expected === 'never';
