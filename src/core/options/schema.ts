import { ConfigException } from '../model/exceptions.js';
import { checkFields } from '../model/fields.js';
import { holdsKey, redact } from '../model/foreign-text.js';
import { isPlainObject, own, show } from '../model/input.js';
import {
  AUTO_PUSH,
  type AutoPushConfig,
  type Config,
  DEFAULTS,
  type Options,
  type OverflowPolicy,
  type RefusedCredentialsPolicy,
} from './options.js';
import { boolean, checkOptions, count, isCount, oneOf, type Rule, type Rules, timeout } from './rules.js';

/**
 * Whether a text holds the API key, or so much of the key that the text must not be shown. The key may be mistyped, or be
 * surrounded by other characters.
 */
export function holdsSecret(text: string, apiKey: unknown): boolean {
  if (typeof apiKey !== 'string') return false;
  const [hay, needle] = [text.toLowerCase(), apiKey.trim().toLowerCase()];
  for (let start = 0; start + MIN_TELLING <= needle.length; start++) {
    if (hay.includes(needle.slice(start, start + MIN_TELLING))) return true;
  }
  return (needle !== '' && hay.includes(needle)) || redact(text, [apiKey]) !== text;
}

/** A text that shares this many characters in a row with a key does not do so by coincidence. */
const MIN_TELLING = 8;

// Only these members of the platform's URL are used.
declare const URL: new (
  url: string,
) => Readonly<Record<'protocol' | 'username' | 'password' | 'hostname' | 'href', string>>;

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

const uuid: Rule = {
  wanted: 'a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)',
  isRight: (input) => typeof input === 'string' && UUID.test(input),
  isRequired: true,
};

const PACE_RULES: Rules = {
  everySeconds: {
    wanted: 'seconds, from 0 to 86400',
    isRight: (input) => typeof input === 'number' && input >= 0 && input <= 86_400,
  },
  atEntries: count,
};

const RULES: Readonly<Record<keyof Options, Rule>> = {
  deviceId: uuid,
  apiKey: uuid,
  baseUrl: {
    wanted: 'an http or https URL without user name, password, query and fragment',
    isRight: isServerUrl,
  },
  requestTimeout: timeout,
  storage: {
    wanted: 'a storage adapter, such as memoryStorage() or fileStorage(directory)',
    isRight: (input) => isObject(input) && typeof input['open'] === 'function',
  },
  fetch: { wanted: 'a function like fetch', isRight: (input) => typeof input === 'function' },
  maxEntriesPerRequest: count,
  maxBytesPerRequest: count,
  maxQueuedEntries: {
    wanted: 'a whole number from 1, or Infinity',
    isRight: (input) => isCount(input) || input === Number.POSITIVE_INFINITY,
  },
  overflow: /* @__PURE__ */ oneOf('refuse', 'drop-oldest' satisfies OverflowPolicy),
  stageUncommittedValues: boolean,
  stageUnpushedEntries: boolean,
  onRefusedCredentials: /* @__PURE__ */ oneOf('discard', 'keep' satisfies RefusedCredentialsPolicy),
  autoPush: {
    wanted: 'true, false or { everySeconds: 0 to 86400, atEntries: a whole number from 1 }',
    isRight: (input) => typeof input === 'boolean' || isPlainObject(input),
  },
  flushOnHide: boolean,
  fields: { wanted: 'a plain object of names and field ids', isRight: isPlainObject },
};

/**
 * Checks options and fills in defaults.
 *
 * @throws {@link ConfigException} naming the first invalid option, the expected value and the value that was passed.
 */
export function resolveOptions(options: unknown): Config {
  if (!isObject(options)) {
    const got = typeof options === 'string' ? 'a string (Api.fromCredentials takes id and key)' : show(options);
    throw new ConfigException(`the options must be an object, got ${got}`);
  }
  const given = own(Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
  checkOptions(given, RULES, 'the options are', (input) => showSafely(input, given['apiKey']));
  const { autoPush, ...others } = { ...DEFAULTS, ...given } as unknown as Options & Omit<Config, 'autoPush'>;
  const baseUrl = withFinalSlash(new URL(others.baseUrl).href);
  const config = own({
    ...others,
    baseUrl,
    autoPush: paceOf(autoPush, given['apiKey']),
    // Over plain http anyone on the network can forge a refusal.
    ...(isInsecure(baseUrl) && { onRefusedCredentials: 'keep' as const }),
  });
  const { apiKey, fields = {} } = config;
  checkFields(fields, (input) => showSafely(input, apiKey));
  checkApiKey(apiKey, config);
  return config;
}

/** A loop, as a regular expression would take quadratic time. */
function withFinalSlash(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return `${url.slice(0, end)}/`;
}

function paceOf(given: Options['autoPush'], apiKey: unknown): AutoPushConfig | false {
  if (!given) return false;
  if (given === true) return AUTO_PUSH;
  const pace = own(given);
  checkOptions(pace, PACE_RULES, 'autoPush has', (input) => showSafely(input, apiKey));
  const { everySeconds = AUTO_PUSH.everySeconds, atEntries = AUTO_PUSH.atEntries } = pace;
  return { everySeconds, atEntries };
}

/** @throws {@link ConfigException} unless `apiKey` is a UUID that is not part of any id or URL that is shown or saved. */
export function checkApiKey(
  apiKey: unknown,
  { baseUrl, deviceId, fields = {} }: Pick<Config, 'baseUrl' | 'deviceId' | 'fields'>,
): asserts apiKey is string {
  if (!uuid.isRight(apiKey)) {
    throw new ConfigException(`apiKey must be ${uuid.wanted}, got ${showSafely(apiKey, apiKey)}`);
  }
  const holds = (text: string): boolean => holdsKey(text, [apiKey as string]);
  if (holds(baseUrl)) throw new ConfigException('baseUrl must not hold the API Key: URLs end up in logs');
  // Device and field ids are shown and saved.
  if (holds(deviceId)) throw new ConfigException('deviceId and apiKey are the same');
  for (const [name, definition] of Object.entries(fields)) {
    if (holds(typeof definition === 'string' ? definition : definition.id))
      throw new ConfigException(`fields[${show(name)}] must not have the API Key as its id`);
  }
}

/** Hostnames as `URL` normalizes them: 127.0.0.1 mapped to IPv6 is `::ffff:7f00:1`. */
const LOOPBACK = /^(?:(?:.+\.)?localhost\.?|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/** Whether requests to `baseUrl`, and the API key in them, cross a network unencrypted. */
export function isInsecure(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === 'http:' && !LOOPBACK.test(hostname);
}

function isObject(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null;
}

function isServerUrl(input: unknown): boolean {
  try {
    const { protocol, username, password, href } = new URL(input as string);
    const isPlain = username === '' && password === '' && !/[?#]/.test(href);
    return typeof input === 'string' && (protocol === 'http:' || protocol === 'https:') && isPlain;
  } catch {
    return false;
  }
}

/** A secret that was passed as another option must not end up in a log. */
function showSafely(input: unknown, apiKey: unknown): string {
  const isSecret = typeof input === 'string' && (holdsSecret(input, apiKey) || hasUserInfo(input));
  return isSecret ? `a string of ${input.length} characters` : show(input);
}

function hasUserInfo(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    return username !== '' || password !== '';
  } catch {
    return text.includes('@');
  }
}
