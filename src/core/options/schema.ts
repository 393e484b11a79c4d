import * as v from 'valibot';
import { hasUserInfo, isInsecure, isServerUrl, normalizedUrl } from '../model/base-url.js';
import { ConfigException } from '../model/exceptions.js';
import { checkFields, type FieldDefinitions } from '../model/fields.js';
import { holdsKey, redact } from '../model/foreign-text.js';
import { isObject, isPlainObject, own, show, showLength } from '../model/input.js';
import { isUuid, oneOf, ownObject, UUID, uuid } from '../model/schema.js';
import type { Compression } from '../ports/compression.js';
import type { HostEnvironment } from '../ports/environment.js';
import type { StorageAdapter } from '../ports/storage.js';
import type { FetchLike } from '../ports/web-types.js';
import { checkOptions, count, flag, isCount, requestTimeout, secondsFrom, timeout } from './call-options.js';
import {
  type ApiKeySource,
  AUTO_PUSH,
  type AutoPushConfig,
  type Config,
  DEFAULTS,
  type Options,
  type OverflowPolicy,
  type PushOrder,
  type RefusedCredentialsPolicy,
} from './options.js';

/**
 * Whether a text holds the API key, or so much of the key that the text must not be shown. The key may be mistyped, or be
 * surrounded by other characters.
 */
function holdsSecret(text: string, apiKey: unknown): boolean {
  if (typeof apiKey !== 'string') return false;
  const [hay, needle] = [text.toLowerCase(), apiKey.trim().toLowerCase()];
  for (let start = 0; start + MIN_TELLING <= needle.length; start++) {
    if (hay.includes(needle.slice(start, start + MIN_TELLING))) return true;
  }
  return (needle !== '' && hay.includes(needle)) || redact(text, [apiKey]) !== text;
}

/** A text that shares this many characters in a row with a key does not do so by coincidence. */
const MIN_TELLING = 8;

const Pace = ownObject(
  { everySeconds: secondsFrom(0), atEntries: count },
  { list: 'autoPush has', defaults: AUTO_PUSH },
);

const serverUrl = v.custom<string>(isServerUrl, 'an http or https URL without user name, password, query and fragment');

const UrlOnly = ownObject({ baseUrl: serverUrl });

/** @throws {@link ConfigException} unless the options are a `baseUrl`. @returns It, normalized. */
export const resolveBaseUrl = (options: unknown): string => normalizedUrl(checkOptions(options, UrlOnly).baseUrl);

const limit = v.custom<number>((input) => isCount(input) || input === Infinity, 'a whole number from 1, or Infinity');

const AllOptions = ownObject(
  {
    deviceId: uuid,
    apiKey: v.custom<ApiKeySource>((input) => typeof input === 'function' || isUuid(input), UUID),
    baseUrl: serverUrl,
    requestTimeout,
    storage: v.optional(
      v.custom<StorageAdapter>(
        (input) => isObject(input) && typeof input['open'] === 'function',
        'a storage adapter, such as memoryStorage() or fileStorage(directory)',
      ),
    ),
    fetch: v.optional(v.custom<FetchLike>((input) => typeof input === 'function', 'a function like fetch')),
    environment: v.optional(
      v.custom<HostEnvironment>(
        (input) => isObject(input) && typeof input['subscribe'] === 'function',
        'an environment, such as reactNativeEnvironment({ AppState })',
      ),
    ),
    maxEntriesPerRequest: count,
    maxBytesPerRequest: count,
    maxQueuedEntries: limit,
    maxQueuedBytes: limit,
    overflow: v.custom<OverflowPolicy>(
      (input) =>
        input === 'refuse' || input === 'drop-oldest' || (isObject(input) && typeof input['choose'] === 'function'),
      '"refuse", "drop-oldest" or thin()',
    ),
    maxAge: v.custom<number>((input) => typeof input === 'number' && input > 0, 'seconds above 0, or Infinity'),
    order: oneOf<PushOrder>('oldest-first', 'live-first'),
    liveSeconds: timeout,
    stageUncommittedValues: flag,
    stageUnpushedEntries: flag,
    onRefusedCredentials: oneOf<RefusedCredentialsPolicy>('discard', 'keep'),
    autoPush: v.custom<NonNullable<Options['autoPush']>>(
      (input) => typeof input === 'boolean' || isPlainObject(input),
      'true, false or { everySeconds: 0 to 86400, atEntries: a whole number from 1 }',
    ),
    compression: v.optional(
      v.custom<Compression>((input) => isObject(input) && typeof input['open'] === 'function', 'gzip()'),
    ),
    idempotency: flag,
    flushOnHide: v.optional(flag),
    debug: v.optional(
      v.custom<NonNullable<Options['debug']>>(
        (input) => typeof input === 'boolean' || typeof input === 'function',
        'true, false or a function',
      ),
    ),
    fields: v.optional(v.custom<FieldDefinitions>(isPlainObject, 'a plain object of names and field ids')),
  } satisfies Record<keyof Options, v.GenericSchema>,
  { list: 'the options are', defaults: DEFAULTS },
);

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
  const given = own(options);
  const shown = (input: unknown): string => showSafely(input, given['apiKey']);
  const { autoPush, ...others } = checkOptions(given, AllOptions, shown);
  const baseUrl = normalizedUrl(others.baseUrl);
  const config = own({
    ...others,
    baseUrl,
    autoPush: paceOf(autoPush, shown),
    // Anyone on the network can forge a rejection there.
    ...(isInsecure(baseUrl) && { onRefusedCredentials: 'keep' as const }),
  });
  const { apiKey, fields = {} } = config;
  checkFields(fields, shown);
  if (typeof apiKey === 'string') checkApiKey(apiKey, config);
  return config;
}

function paceOf(given: NonNullable<Options['autoPush']>, shown: (input: unknown) => string): AutoPushConfig | false {
  if (typeof given === 'boolean') return given && AUTO_PUSH;
  return checkOptions(given, Pace, shown);
}

/** @throws {@link ConfigException} unless `apiKey` is a UUID that is not part of any id or URL that is shown or saved. */
export function checkApiKey(
  apiKey: unknown,
  { baseUrl, deviceId, fields = {} }: Pick<Config, 'baseUrl' | 'deviceId' | 'fields'>,
): asserts apiKey is string {
  if (!isUuid(apiKey)) throw new ConfigException(`apiKey must be ${UUID}, got ${showSafely(apiKey, apiKey)}`);
  const holds = (text: string): boolean => holdsKey(text, [apiKey]);
  if (redact(baseUrl, [apiKey]) !== baseUrl)
    throw new ConfigException('baseUrl must not hold the API Key: URLs end up in logs');
  // Device and field ids are shown and saved.
  if (holds(deviceId)) throw new ConfigException('deviceId and apiKey are the same');
  for (const [name, definition] of Object.entries(fields)) {
    if (holds(typeof definition === 'string' ? definition : definition.id))
      throw new ConfigException(`fields[${show(name)}] must not have the API Key as its id`);
  }
}

/** A secret that was passed as another option must not end up in a log. */
function showSafely(input: unknown, apiKey: unknown): string {
  const isSecret = typeof input === 'string' && (holdsSecret(input, apiKey) || hasUserInfo(input));
  return isSecret ? showLength(input) : show(input);
}
