import type { FieldDefinitions, FieldIds } from '../model/fields.js';
import type { StorageAdapter } from '../ports/storage.js';
import type { Fetch, Signal } from '../ports/web-types.js';

/** What a call that makes requests takes. */
export interface CallOptions {
  /** An `AbortSignal` that ends this call alone. */
  readonly signal?: Signal | undefined;
}

/** When an `Api` pushes by itself. */
export interface AutoPushConfig {
  /** How long a commit waits at most for others to go with it, in seconds. */
  readonly everySeconds: number;
  /** How many queued entries are pushed without waiting. */
  readonly atEntries: number;
}

/** What becomes of a commit for which there is no room: it is refused, or the oldest entries are dropped for it. */
export type OverflowPolicy = 'refuse' | 'drop-oldest';

/** What becomes of this run's entries where the server refuses the credentials. */
export type RefusedCredentialsPolicy = 'discard' | 'keep';

/** What `new Api(…)` takes. Unknown options are refused by name; `undefined` is as if absent. */
export interface ApiOptions<Fields extends FieldDefinitions = FieldIds> {
  /** The Device ID, a UUID. */
  readonly deviceId: string;
  /** The API Key, a UUID. In a page it is public: use one that may do only what the page must. */
  readonly apiKey: string;
  /**
   * Where the server is: http or https, without user name, query or fragment; a missing final `/` is supplied. Plain http to
   * another machine shows the key to the network, and is warned of.
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
   * Used in place of the platform's `fetch`: another library's, or an emulator's (`fetch: emulator.fetch`). It is called with a
   * URL and options: `fetch: (url, init) => undici.fetch(url, { ...init, dispatcher })`.
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
   * count too. Without a bound the warning `queue-long` comes at 100,000 entries or 64 MB.
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
   * What becomes of the entries that this run committed when the server refuses the credentials (401, 403), and again those
   * of an upload without entries: `'discard'` throws them away, in the exception and in a `discard` event; `'keep'` keeps them queued.
   * Over plain http to another machine, where anyone can forge a refusal, they are always kept.
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
export const AUTO_PUSH: AutoPushConfig = { everySeconds: 10, atEntries: 100 };

/** The one table of defaults; `storage` and `fetch` have theirs in the platform. */
export const DEFAULTS = {
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

export type Options = ApiOptions<FieldDefinitions>;

/** Options, complete and checked: only what has no default may be absent. */
export type Config = Omit<Options, keyof typeof DEFAULTS> & {
  readonly [Name in Exclude<keyof typeof DEFAULTS, 'autoPush'>]: NonNullable<Options[Name]>;
} & { readonly autoPush: AutoPushConfig | false };
