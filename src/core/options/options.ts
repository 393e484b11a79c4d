import type { StoredEntry } from '../model/entry.js';
import type { FieldDefinitions, FieldIds } from '../model/fields.js';
import type { Compression } from '../ports/compression.js';
import type { HostEnvironment } from '../ports/environment.js';
import type { StorageAdapter } from '../ports/storage.js';
import type { AbortSignalLike, FetchLike } from '../ports/web-types.js';

/** Options of calls that make requests. */
export interface CallOptions {
  /** An `AbortSignal` that ends this call only. Default: none. */
  readonly signal?: AbortSignalLike | undefined;
}

/** The triggers of automatic pushes. */
export interface AutoPushConfig {
  /** The longest time between a commit and its push, in seconds. */
  readonly everySeconds: number;
  /** The number of queued entries that triggers a push at once. */
  readonly atEntries: number;
}

/**
 * The effect of a commit while the queue or the storage is full: `'refuse'` throws, `'drop-oldest'` drops the oldest entries,
 * `thin()` thins the queue.
 */
export type OverflowPolicy = 'refuse' | 'drop-oldest' | OverflowChooser;

/** A policy of the option `overflow` with code of its own: see {@link thin}. */
export interface OverflowChooser {
  /**
   * Chooses the entries that leave a full queue, those in quarantine first.
   *
   * @param entries - Those in quarantine, which have a `rejection`, then the queued ones, oldest first.
   * @param isKept - Whether an entry must stay.
   */
  choose<Stored extends StoredEntry>(entries: readonly Stored[], isKept: (entry: Stored) => boolean): Stored[];
}

/** The order in which entries are sent. */
export type PushOrder = 'oldest-first' | 'live-first';

/** The treatment of the entries of this run if the server refuses the credentials. */
export type RefusedCredentialsPolicy = 'discard' | 'keep';

/** An API Key, or a function that returns one. */
export type ApiKeySource = string | (() => string | PromiseLike<string>);

/** The options of `new Api(…)`. An unknown option throws a `ConfigException`; `undefined` counts as absent. */
export interface ApiOptions<Fields extends FieldDefinitions = FieldIds> {
  /** The Device ID, a UUID. */
  readonly deviceId: string;
  /**
   * The API Key, a UUID, or a function that returns it. In a page it is public: use a key with only the permissions it needs.
   *
   * A function is called before the first request, and once more when the server answers 401 or 403. Concurrent requests share
   * one call, and its time counts towards `requestTimeout`. If it throws, rejects, or returns something other than a UUID, the request fails as
   * without a network. A page that goes away uses the last key.
   */
  readonly apiKey: ApiKeySource;
  /**
   * The URL of the server: http or https, without user name, password, query and fragment; a missing final `/` is added. Plain
   * http to another machine exposes the API key to the network, and causes the warning `insecure-url`.
   *
   * @defaultValue `'https://iot.nik-dev.se/api/v1/'`
   */
  readonly baseUrl?: string | undefined;
  /**
   * The deadline of each request, the body of its response included, in seconds (more than 0, at most 600).
   *
   * @defaultValue `10`
   */
  readonly requestTimeout?: number | undefined;
  /**
   * The storage in which entries wait for their push: `memoryStorage()`, `webStorage(localStorage)`, `fileStorage(directory)` of
   * `nikdev-iot/node`, or your own adapter.
   *
   * @defaultValue `webStorage(localStorage)` in a page that has it, else `memoryStorage()`
   */
  readonly storage?: StorageAdapter | undefined;
  /**
   * A replacement for the platform's `fetch`, from another library or from the emulator (`fetch: emulator.fetch`). It is called
   * with a URL and options: `fetch: (url, init) => undici.fetch(url, { ...init, dispatcher })`.
   *
   * @defaultValue the platform's `fetch`
   */
  readonly fetch?: FetchLike | undefined;
  /**
   * Reports the network and the lifecycle of an app in place of the platform: `reactNativeEnvironment({ AppState, NetInfo })` of
   * `nikdev-iot/react-native`.
   *
   * @defaultValue the page or process
   */
  readonly environment?: HostEnvironment | undefined;
  /**
   * The maximum number of entries in one request, from 1.
   *
   * @defaultValue `1000`
   */
  readonly maxEntriesPerRequest?: number | undefined;
  /**
   * The maximum size of a request body in bytes of UTF-8, from 1; a larger entry is sent in a request of its own.
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
   * The maximum number of queued entries, from 1. Entries left behind by earlier runs and entries in quarantine count too.
   * Without a limit, the warning `queue-long` is emitted at 100,000 entries or 64 MB.
   *
   * @defaultValue `Infinity`
   */
  readonly maxQueuedEntries?: number | undefined;
  /**
   * The maximum size of the queued values in bytes of UTF-8, as they are saved, from 1; otherwise as `maxQueuedEntries`.
   *
   * @defaultValue `Infinity`
   */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * The effect of a commit when `maxQueuedEntries` or `maxQueuedBytes` is reached or the storage is full: `'refuse'` throws a
   * {@link StorageException}, and the values stay staged; `'drop-oldest'` drops entries in quarantine, then the oldest entries
   * that are not being uploaded, and passes them to a `discard` event; `thin()` does so with a quarter of the queue, which
   * then still covers all of its time.
   *
   * @defaultValue `'refuse'`
   */
  readonly overflow?: OverflowPolicy | undefined;
  /**
   * The age in seconds, above 0, beyond which an entry leaves the queue through a `discard` event, by its time (one given to
   * `commit` too). Checked before each request and, at the head of the queue, at each commit. Entries that are being uploaded or
   * in quarantine stay, and no entry expires while the clock shows a time before the release of this SDK.
   *
   * @defaultValue `Infinity`
   */
  readonly maxAge?: number | undefined;
  /**
   * The order in which entries are sent: `'oldest-first'`, or `'live-first'`: requests with live entries and requests with the
   * backlog alternately, live entries first, each lane oldest first. Live entries are those that this run committed less than
   * `liveSeconds` ago, when the request is formed; entries of earlier runs and restored ones are backlog. A push also carries
   * live entries that were committed after its call. The promise to deliver in the order of commits then holds only among
   * entries that were in the same lane when they were sent.
   *
   * @defaultValue `'oldest-first'`
   */
  readonly order?: PushOrder | undefined;
  /**
   * How long an entry is live with `order: 'live-first'`, in seconds (more than 0, at most 86,400).
   *
   * @defaultValue `60`
   */
  readonly liveSeconds?: number | undefined;
  /**
   * The treatment of the entries that this run committed when the server refuses the credentials (401, 403), and refuses them
   * again for an upload without entries: `'discard'` removes the entries and passes them to the exception and to a `discard`
   * event; `'keep'` leaves them in the queue. Over plain http to another machine, where anyone can forge a rejection, entries are
   * always kept.
   *
   * @defaultValue `'discard'`
   */
  readonly onRefusedCredentials?: RefusedCredentialsPolicy | undefined;
  /**
   * Whether this `Api` pushes automatically: within `everySeconds` (0 to 86,400, default 10) after a commit, or as soon as
   * `atEntries` (default 100) are queued; when the network comes back or the page is shown again; and after a failure, with
   * increasing delays. Exceptions of automatic pushes are passed to the `error` event.
   *
   * @defaultValue `false`
   * @example `autoPush: { everySeconds: 60 }`
   */
  readonly autoPush?:
    | boolean
    | {
        /** The longest time between a commit and its push, in seconds, 0 to 86,400. Default: 10. */
        readonly everySeconds?: number | undefined;
        /** The number of queued entries that triggers a push at once, from 1. Default: 100. */
        readonly atEntries?: number | undefined;
      }
    | undefined;
  /**
   * The compression of request bodies above 1 KiB: `gzip()`. The limits of a request count the plain body.
   *
   * @defaultValue none: bodies are sent plainly
   */
  readonly compression?: Compression | undefined;
  /**
   * Whether each upload names its entries in the header `x-entry-ids`, so that a server that honours the header stores an entry
   * once, however often its response is lost: the emulator and the gateway do. In a page the server must allow the header (CORS);
   * `testConnection()` finds out.
   *
   * @defaultValue `false`
   */
  readonly idempotency?: boolean | undefined;
  /**
   * Whether a page that is hidden or left sends queued entries, at most 60 KiB, in requests that outlive the page.
   *
   * @defaultValue `true` if committed entries do not survive the page, as in memory; else `false`
   */
  readonly flushOnHide?: boolean | undefined;
  /**
   * Whether the events of this `Api` are written as log lines, one each, commits and requests included: `true` writes them to
   * stderr in Node, Bun and Deno, and to `console.debug` in a page; a function is called with each line. No line holds the API
   * key or values. See {@link logTo} for levels and loggers.
   *
   * @defaultValue `true` with `NIKDEV_IOT_DEBUG=1` in the environment of the process, or a value of `nikdev-iot:debug` in the
   * `localStorage` of the page; else `false`
   */
  readonly debug?: boolean | ((line: string) => void) | undefined;
  /**
   * Names of fields, which replace the field ids in all calls. A field may have a schema (valibot, zod, arktype, or any other
   * Standard Schema), which validates its values:
   *
   * `fields: { temperature: '<Field ID>', door: { id: '<Field ID>', schema: v.boolean() } }`
   *
   * A value is staged as its schema returns it, so a schema may change values (trim, round). A schema must validate
   * synchronously, and accept the values that it returns: `get` and `watch` leave out a value of the server that the schema
   * refuses, with a `warning`. Entries hold field ids, not names, as another run may use other names.
   *
   * @defaultValue none: calls take field ids
   */
  readonly fields?: Fields | undefined;
}

/** The value of `autoPush: true`. */
export const AUTO_PUSH: AutoPushConfig = { everySeconds: 10, atEntries: 100 };

/** All defaults, but those of `storage` and `fetch`, which depend on the platform. */
export const DEFAULTS = {
  baseUrl: 'https://iot.nik-dev.se/api/v1/',
  requestTimeout: 10,
  maxEntriesPerRequest: 1000,
  maxBytesPerRequest: 524_288,
  maxQueuedEntries: Infinity,
  maxQueuedBytes: Infinity,
  overflow: 'refuse',
  maxAge: Infinity,
  order: 'oldest-first',
  liveSeconds: 60,
  stageUncommittedValues: true,
  stageUnpushedEntries: true,
  onRefusedCredentials: 'discard',
  autoPush: false,
  idempotency: false,
} as const;

export type Options = ApiOptions<FieldDefinitions>;

/** Validated options with defaults filled in; only options without a default may be absent. */
export type Config = Omit<Options, keyof typeof DEFAULTS> & {
  readonly [Name in Exclude<keyof typeof DEFAULTS, 'autoPush'>]: NonNullable<Options[Name]>;
} & { readonly autoPush: AutoPushConfig | false };
