import { ConfigException, show } from './exceptions.js';
import type { Fetch } from './fetch.js';
import { checkFields, type FieldDefinitions, type FieldIds } from './fields.js';
import type { OverflowPolicy } from './overflow.js';
import { isPlainObject } from './plain-object.js';
import type { RefusedCredentialsPolicy } from './pusher.js';
import { holdsSecret } from './redact.js';
import { boolean, checkOptions, count, isCount, oneOf, type Rule, type Rules, timeout } from './rules.js';
import type { AutoPush } from './scheduler.js';
import type { StorageAdapter } from './storage.js';

/** What `new Api(…)` takes. Unknown options are refused by name; `undefined` is as if absent. */
export interface ApiOptions<Fields extends FieldDefinitions = FieldIds> {
  /** The Device ID, a UUID. */
  readonly deviceId: string;
  /** The API Key, a UUID. In a page it is public: use one that may do only what the page must. */
  readonly apiKey: string;
  /**
   * Where the server is: http or https, without user name, query or fragment; a missing final `/` is supplied.
   *
   * @defaultValue `'https://iot.nik-dev.se/api/v1/'`
   */
  readonly baseUrl?: string | undefined;
  /**
   * The deadline of each request, its answer's body included, in seconds (more than 0, at most 86,400).
   *
   * @defaultValue `10`
   */
  readonly requestTimeout?: number | undefined;
  /**
   * Where entries wait for their push: `memoryStorage()`, `webStorage(localStorage)`, `fileStorage(directory)` of
   * `nikdev-iot/node`, or an adapter of your own.
   *
   * @defaultValue `webStorage(localStorage)` in a page that has it, else `memoryStorage()`
   */
  readonly storage?: StorageAdapter | undefined;
  /**
   * Stands in for the platform's `fetch`, such as an emulator's: `fetch: emulator.fetch`.
   *
   * @defaultValue the platform's `fetch`
   */
  readonly fetch?: Fetch | undefined;
  /**
   * How many entries one request carries at most, from 1.
   *
   * @defaultValue `1000`
   */
  readonly maxEntriesPerRequest?: number | undefined;
  /**
   * How many bytes of UTF-8 one request's body has at most, from 1; a larger entry travels alone.
   *
   * @defaultValue `524288` (512 KiB)
   */
  readonly maxBytesPerRequest?: number | undefined;
  /**
   * Whether staged values are saved (best effort), to be staged again after a restart.
   *
   * @defaultValue `true`
   */
  readonly stageUncommittedValues?: boolean | undefined;
  /**
   * Whether committed entries are saved, to be pushed after a restart.
   *
   * @defaultValue `true`
   */
  readonly stageUnpushedEntries?: boolean | undefined;
  /**
   * How many entries may be queued when one is committed, from 1; those that earlier runs left and those in quarantine
   * count too.
   *
   * @defaultValue `Infinity`
   */
  readonly maxQueuedEntries?: number | undefined;
  /**
   * What becomes of a commit where `maxQueuedEntries` is reached or the storage is full: `'refuse'` throws a
   * {@link StorageException}, and the values stay staged; `'drop-oldest'` drops what is in quarantine, then the oldest
   * entries that are not being uploaded, in a `drop` event.
   *
   * @defaultValue `'refuse'`
   */
  readonly overflow?: OverflowPolicy | undefined;
  /**
   * What becomes of the entries that this run committed when the server refuses the credentials (401, 403): `'discard'`
   * throws them away, in the exception and in a `discard` event; `'keep'` keeps them queued.
   *
   * @defaultValue `'discard'`
   */
  readonly onRefusedCredentials?: RefusedCredentialsPolicy | undefined;
  /**
   * Whether this `Api` pushes by itself: within `everySeconds` (0 to 86,400; 10 if left out) after a commit, or as soon as
   * `atEntries` (100 if left out) are queued; when the network comes back or the page is shown again; and again after a
   * failure, with growing pauses. What such a push fails with goes to the `error` event.
   *
   * @defaultValue `false`
   * @example `autoPush: { everySeconds: 60 }`
   */
  readonly autoPush?:
    | boolean
    | {
        /** How long after a commit at most, in seconds, 0 to 86,400. Default: 10. */
        readonly everySeconds?: number | undefined;
        /** As soon as how many entries are queued, from 1. Default: 100. */
        readonly atEntries?: number | undefined;
      }
    | undefined;
  /**
   * Whether a page that goes away sends what waits, 60 KiB at most, with a request that outlives it.
   *
   * @defaultValue `true` where what is committed does not survive the page: in memory
   */
  readonly flushOnHide?: boolean | undefined;
  /**
   * Names for field ids, which then stand for them in all calls; with a schema (of valibot, zod, arktype, or any other
   * Standard Schema) also what a field may hold:
   *
   * `fields: { temperature: '<Field ID>', door: { id: '<Field ID>', schema: v.boolean() } }`
   *
   * A value is staged as its schema returns it, so a schema may change values (trim, round); it must validate
   * synchronously, and take what it returns: a value of the server's that it refuses is left out by `get` and `watch`,
   * with a `warning`. Entries have ids and no names, as another run may call the fields otherwise.
   *
   * @defaultValue none: field ids stand for themselves
   */
  readonly fields?: Fields | undefined;
}

/** What `autoPush: true` stands for. */
const AUTO_PUSH: AutoPush = { everySeconds: 10, atEntries: 100 };

/** The one table of defaults; `storage` and `fetch` have theirs in the platform. */
const DEFAULTS = {
  baseUrl: 'https://iot.nik-dev.se/api/v1/',
  requestTimeout: 10,
  maxEntriesPerRequest: 1000,
  maxBytesPerRequest: 524_288,
  maxQueuedEntries: Infinity,
  overflow: 'refuse',
  stageUncommittedValues: true,
  stageUnpushedEntries: true,
  onRefusedCredentials: 'discard',
  autoPush: false,
} as const;

type Options = ApiOptions<FieldDefinitions>;

/** Options, complete and checked: only what has no default may be absent. */
export type Config = Omit<Options, keyof typeof DEFAULTS> & {
  readonly [Name in Exclude<keyof typeof DEFAULTS, 'autoPush'>]: NonNullable<Options[Name]>;
} & { readonly autoPush: AutoPush | false };

// The one member of the platform's URL that is used; every runtime has it.
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
 * Checks options and completes them.
 *
 * @throws {@link ConfigException} naming the first option at fault, with what came and what was wanted.
 */
export function resolveOptions(options: unknown): Config {
  if (!isObject(options)) {
    const got = typeof options === 'string' ? 'a string (Api.fromCredentials takes id and key)' : show(options);
    throw new ConfigException(`the options must be an object, got ${got}`);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  checkOptions(given, RULES, 'the options are', (input) => showSafely(input, given['apiKey']));
  const { autoPush, ...others } = { ...DEFAULTS, ...given } as unknown as Options & Omit<Config, 'autoPush'>;
  const config = {
    ...others,
    baseUrl: new URL(others.baseUrl).href.replace(/\/*$/, '/'),
    autoPush: paceOf(autoPush, given['apiKey']),
  };
  const { apiKey, fields = {} } = config;
  checkApiKey(apiKey, config);
  checkFields(fields, (input) => showSafely(input, apiKey));
  return config;
}

function paceOf(given: Options['autoPush'], apiKey: unknown): AutoPush | false {
  if (!given) return false;
  if (given === true) return AUTO_PUSH;
  const pace = { ...given };
  checkOptions(pace, PACE_RULES, 'autoPush has', (input) => showSafely(input, apiKey));
  const { everySeconds = AUTO_PUSH.everySeconds, atEntries = AUTO_PUSH.atEntries } = pace;
  return { everySeconds, atEntries };
}

/** @throws {@link ConfigException} unless `apiKey` is a UUID that nothing that is shown or saved holds. */
export function checkApiKey(
  apiKey: unknown,
  { baseUrl, deviceId }: { readonly baseUrl: string; readonly deviceId: string },
): asserts apiKey is string {
  if (!uuid.isRight(apiKey)) {
    throw new ConfigException(`apiKey must be ${uuid.wanted}, got ${showSafely(apiKey, apiKey)}`);
  }
  const key = (apiKey as string).toLowerCase();
  if (baseUrl.toLowerCase().includes(key)) {
    throw new ConfigException('baseUrl must not hold the API Key: URLs end up in logs');
  }
  // Device ids are shown and saved; the key never is.
  if (deviceId.toLowerCase() === key) throw new ConfigException('deviceId and apiKey are the same');
}

/** Whether requests to `baseUrl` cross a network in the clear, the API key with them. */
export function isInsecure(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === 'http:' && !/^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
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

/** Whoever swaps two options, or pastes a secret where it doesn't belong, must not find it in a log. */
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
