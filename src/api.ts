import * as v from 'valibot';
import { CallGuard } from './call-guard.js';
import { commitAndPush, createClient, type Ports } from './client.js';
import { define } from './core/model/define.js';
import type { Destination } from './core/model/destination.js';
import { checkEntries, checkTimestamp, type Entry, type QuarantinedEntry, toEntry } from './core/model/entry.js';
import { type AdoptEvent, checkEventName, checkListener, type Events, type PushResult } from './core/model/events.js';
import { ValueException } from './core/model/exceptions.js';
import type { FieldDefinitions, FieldIds, FieldInput, FieldInputs, FieldName } from './core/model/fields.js';
import { isArray, isPlainObject, own, show } from './core/model/input.js';
import type { ReadingOf } from './core/model/reading.js';
import { ownObject } from './core/model/schema.js';
import type { Status } from './core/model/status.js';
import { checkOptions, flag, signalOf, timeout } from './core/options/call-options.js';
import type { ApiKeySource, ApiOptions, CallOptions } from './core/options/options.js';
import { checkApiKey, resolveBaseUrl, resolveOptions } from './core/options/schema.js';
import { type ConnectionTest, testConnection } from './core/read/connection-test.js';
import type { WatchOptions } from './core/read/watch-iterator.js';
import { adoptFrom } from './core/staging/adopt-from.js';
import { inThisZone } from './platform/zone.js';

/** Options of {@link Api.commit}. */
export interface CommitOptions {
  /** Whole Unix seconds; now if absent. */
  readonly timestamp?: number | undefined;
  /**
   * Whether the entry goes before all others, and brings the next automatic push forward: not within 5 s of the end of the last
   * push, nor before the server's `Retry-After`. After a restart it is like any other entry. Default: `false`.
   */
  readonly urgent?: boolean | undefined;
}

/** Options of {@link Api.close}. */
export interface CloseOptions {
  /** Whether to push the committed entries first. Default: `false`. */
  readonly push?: boolean | undefined;
  /** The time limit of that push in seconds, retries included. Default: 10. */
  readonly timeoutSeconds?: number | undefined;
}

declare global {
  interface SymbolConstructor {
    // Declared as in newer libraries, so that the types compile with and without them.
    readonly asyncDispose: unique symbol;
  }
}

/** Does not check the timestamp: an invalid one is a ValueException. */
const CommitSchema = ownObject({ timestamp: v.custom(() => true), urgent: v.optional(flag) });
const CloseSchema = ownObject(
  { push: flag, timeoutSeconds: timeout },
  { defaults: { push: false, timeoutSeconds: 10 } },
);

/**
 * A device at the NikDev IoT server, in git's words: `addValue` stages, `commit` locks and saves, `push` uploads.
 *
 * Every committed entry is delivered at least once, provided that its storage survives and the server accepts the entry
 * eventually. After {@link Api.close} every call but `status`, `log`, `quarantined` and `close` throws an {@link ApiException}.
 *
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…' })
 * api.addValue('<Field ID>', 21.5)
 * api.commit()
 * await api.push()
 * ```
 */
export class Api<Fields extends FieldDefinitions = FieldIds> {
  /**
   * Resolves (never rejects, within 10 s) once entries left behind by earlier runs have been adopted: later pushes send them
   * first. A page takes a second or two if there are such entries. Commits need not wait for it.
   */
  readonly ready: Promise<void>;

  /** For `await using api = new Api(…)`, in runtimes that support it: calls {@link Api.close} with `push`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  /** A function: proxies of state libraries pass it on as it is, and no private member can be reached through them. */
  declare private readonly guard: () => CallGuard;

  /**
   * @throws {@link ConfigException} naming the option at fault.
   */
  constructor(options: ApiOptions<Fields>);
  /** @internal */
  constructor(options: ApiOptions<Fields>, ports: Partial<Ports>);
  constructor(options: ApiOptions<Fields>, ports: Partial<Ports> = {}) {
    const guard = new CallGuard(createClient(resolveOptions(options), ports));
    define(this, 'guard', () => guard);
    this.ready = guard.client.recovery.ready;
    if (Symbol.asyncDispose) define(this, Symbol.asyncDispose, () => this.close({ push: true }));
  }

  /** Keeps Vue from wrapping this object in a proxy: it stays the same object. @internal */
  get __v_skip(): true {
    return true;
  }

  /**
   * Like the constructor, with the credentials as the first arguments.
   *
   * @throws {@link ConfigException} naming the option at fault.
   * @example
   * ```ts
   * const api = Api.fromCredentials('<Device ID>', '<API Key>', { autoPush: true })
   * ```
   */
  static fromCredentials<Fields extends FieldDefinitions = FieldIds>(
    deviceId: string,
    apiKey: ApiKeySource,
    options?: Omit<ApiOptions<Fields>, 'deviceId' | 'apiKey'>,
  ): Api<Fields> {
    return new Api({ ...options, deviceId, apiKey });
  }

  /**
   * Stages a value. Adding a field again overwrites its value and keeps its position.
   *
   * @param field - The name of a field; without the option `fields`, the field id.
   * @param value - Text, a finite number or a boolean; if the field has a schema, an input of the schema.
   * @throws {@link ValueException} if the field is unknown or does not accept the value; nothing is staged.
   * @example
   * ```ts
   * api.addValue('<Field ID>', 21.5)
   * ```
   */
  addValue<Name extends FieldName<Fields>>(field: Name, value: FieldInput<Fields[Name]>): void {
    const guard = this.guard();
    guard.checkOpen();
    const { staging, fields } = guard.client;
    try {
      staging.add(fields.idOf(field), fields.encode(field, value));
    } catch (error) {
      throw guard.redacted(error);
    }
  }

  /**
   * Stages several values: either all values or, if any is invalid, none.
   *
   * @param values - By field name, or id. JavaScript puts keys that look like whole numbers first.
   * @throws {@link ValueException} if a field is unknown or does not accept its value; nothing is staged.
   * @example
   * ```ts
   * api.addValues({ temperature: 21.5, door: 'closed', heating: true })
   * ```
   */
  addValues(values: FieldInputs<Fields>): void {
    this.guard().do(({ staging, fields }) => staging.addAll(fields.encodeAll(values)));
  }

  /**
   * Locks the staged values into an entry with a timestamp. When this returns, the entry is saved.
   *
   * @returns The entry; `undefined` if nothing was staged, or dead bands left out every value.
   * @throws {@link StorageException} if the entry could not be saved: the values are still staged.
   * {@link ValueException} if the timestamp is invalid; {@link ConfigException} if another option is.
   * @example
   * ```ts
   * const entry = api.commit() // { id, timestamp, values }
   * api.addValue('alarm', true)
   * api.commit({ urgent: true })
   * ```
   */
  commit(options?: CommitOptions): Entry | undefined {
    const guard = this.guard();
    guard.checkOpen();
    try {
      return guard.client.committer.commit(options === undefined ? undefined : commitOptions(options));
    } catch (error) {
      throw guard.redacted(error);
    }
  }

  /**
   * Uploads all entries committed before this call, oldest first, and entries left behind by earlier runs once
   * {@link Api.ready} has resolved. Joins a push under way; its result counts from the start of that push, so that the results of
   * joined calls overlap. A push ends once it has quarantined 20 entries. Without `autoPush` there are no automatic
   * pushes and no retries; only a page that is hidden or left may send entries (`flushOnHide`).
   *
   * If the server refuses an entry (400, 422; 413 for a single entry), the push finds the entry by bisection, and quarantines
   * it after the server has accepted another entry in the same push: see {@link Api.quarantined}. After any other failure that
   * the content may have caused, the next request carries half as much; the push ends after two such failures in a row, or
   * when a single entry fails. 401 and 403 are confirmed by an upload without entries.
   *
   * @throws {@link PushException} if not all entries were stored; its `retainedData` shows whether they are still queued.
   * {@link ConfigException} if an option is unknown or invalid.
   * @example
   * ```ts
   * try {
   *   const { pushed } = await api.push()
   * } catch (exception) {
   *   if (!isApiException(exception)) throw exception
   *   console.error(`${exception.message}\n${exception.advice}`)
   * }
   * ```
   */
  async push(options: CallOptions = {}): Promise<PushResult> {
    const signal = this.guard().do(() => signalOf(options));
    return this.guard().result(this.guard().client.uploader.push(signal));
  }

  /**
   * {@link Api.commit}, then {@link Api.push}. If the queue or the storage is full, pushes first to make space, then commits the
   * values that are staged at that time.
   *
   * @throws The exceptions of both methods. Values that were not committed are still staged.
   * @example
   * ```ts
   * api.addValue('door', 'open')
   * await api.commitAndPush({ signal: AbortSignal.timeout(5000) })
   * ```
   */
  async commitAndPush(options: CallOptions = {}): Promise<PushResult> {
    const signal = this.guard().do(() => signalOf(options));
    return this.guard().result(commitAndPush(this.guard().client, signal));
  }

  /**
   * Removes the staged values.
   *
   * @example
   * ```ts
   * api.addValue('<Field ID>', 21.5)
   * api.reset() // nothing is staged
   * ```
   */
  reset(): void {
    this.guard().do(({ staging }) => staging.removeAll());
  }

  /**
   * Removes the committed entries, including adopted entries, but not entries in quarantine. The server may still store
   * entries that are being uploaded.
   *
   * @example
   * ```ts
   * api.resetUnpushedEntries() // nothing is queued: for a user who signs out
   * ```
   */
  resetUnpushedEntries(): void {
    this.guard().do(({ outbox, deadBands }) => {
      deadBands?.onDiscarded(this.log());
      outbox.removeAll();
    });
  }

  /**
   * Puts discarded or quarantined entries back into the queue: commits them again, with their timestamps. Entry objects that
   * this `Api` has restored before are ignored. If the queue or the storage is full, the option `overflow` applies.
   *
   * @param entries - Entries of a {@link PushException}, an event or {@link Api.quarantined}.
   * @returns The new entries.
   * @throws {@link ValueException} if an entry is invalid; {@link StorageException} if an entry can't be saved. In both cases
   * no entry is restored.
   * @example
   * ```ts
   * api.restore(api.quarantined()) // once the field was corrected at the server
   * ```
   */
  restore(entries: readonly Entry[]): Entry[] {
    return this.guard().do(({ committer, fields }) => {
      checkEntries(entries);
      for (const { values } of entries) for (const { fieldId } of values) fields.checkId(fieldId);
      return committer.restore(entries);
    });
  }

  /**
   * The entries in quarantine, each with its reason, in the order in which they were quarantined. An entry is quarantined if
   * the server refused it when sent separately, and accepted another entry in the same push; or if requests with it failed in
   * three pushes, at least 60 s apart, in each of which a later entry was accepted (`retryable`). Quarantined entries are saved
   * like queued entries. A restart puts `retryable` entries back into the queue, as the server may have been repaired.
   *
   * @example
   * ```ts
   * for (const { id, values, reason } of api.quarantined()) console.error(id, values, reason)
   * ```
   */
  quarantined(): QuarantinedEntry[] {
    return this.guard().client.outbox.quarantine.entries;
  }

  /**
   * Removes entries from the quarantine.
   *
   * @param ids - The ids of the entries; unknown ids are ignored. Default: all entries in quarantine.
   * @returns The number of removed entries.
   * @throws {@link ValueException} if `ids` is not an array of strings.
   * @example
   * ```ts
   * const dropped = api.dropQuarantined(api.quarantined().slice(0, 10).map(({ id }) => id))
   * ```
   */
  dropQuarantined(ids?: readonly string[]): number {
    return this.guard().do(({ outbox }) => {
      if (ids !== undefined) checkIds(ids);
      return outbox.removeQuarantined(ids ?? this.quarantined().map(({ id }) => id));
    });
  }

  /**
   * Adopts entries of this device that were committed for another `baseUrl`, as the warning `entries-waiting` reports: they are
   * committed again, with their times, and pushed to this server. Only entries left behind by dead runs are adopted, quarantined
   * entries too, and never those of another device. In a page it takes a second or two.
   *
   * @returns The number of adopted entries.
   * @throws {@link ConfigException} if `baseUrl` is not the URL of a server; {@link StorageException} if not all entries can be
   * saved: then all stay where they are.
   * @example
   * ```ts
   * const { entries } = await api.adoptFrom({ baseUrl: 'https://old.example/api/v1/' })
   * ```
   */
  async adoptFrom(options: Pick<Destination, 'baseUrl'>): Promise<Pick<AdoptEvent, 'entries'>> {
    const baseUrl = this.guard().do(() => resolveBaseUrl(options));
    const { deviceId } = this.guard().client.config;
    return {
      entries: await this.guard().result(adoptFrom(this.guard().client, { deviceId: deviceId.toLowerCase(), baseUrl })),
    };
  }

  /**
   * Holds everything automatic, for consent or a metered link: pushes, retries, and the request of a page that goes away. A push
   * under way ends after its present request. A manual push and `close({ push: true })` still work. Not kept across a restart.
   *
   * @example
   * ```ts
   * if (Object(globalThis.navigator).connection?.saveData) api.pause()
   * ```
   */
  pause(): void {
    this.guard().do(({ hold }) => hold.begin());
  }

  /**
   * Ends {@link Api.pause}, and makes `autoPush` push at once: ends any delay, and the pause after refused credentials.
   *
   * @example
   * ```ts
   * api.pause()
   * api.resume() // pushes at once
   * ```
   */
  resume(): void {
    this.guard().do(({ hold, autoPush }) => {
      hold.end();
      autoPush?.resume();
    });
  }

  /**
   * Replaces the API key, or the function that gives it, from the next request on, and resumes `autoPush`.
   *
   * @throws {@link ConfigException} unless it is a UUID.
   * @example
   * ```ts
   * api.setApiKey('<API Key>') // the former one was revoked
   * ```
   */
  setApiKey(apiKey: string): void {
    this.guard().do(({ config, server, autoPush }) => {
      checkApiKey(apiKey, config);
      server.setApiKey(apiKey);
      autoPush?.resume();
    });
  }

  /**
   * Reads the last values of fields.
   *
   * @param fields - A field name or several; without the option `fields`, ids of fields of any device that the key may read.
   * The ids `.` and `..` can't be read.
   * @returns The readings in the order of `fields`, with times converted to the local clock. Fields that the server does not
   * know, and fields whose value their schema refuses, are absent.
   * @throws {@link GetException} if the request failed; {@link ValueException} if a field is unknown or can't be read;
   * {@link ConfigException} if an option is unknown or invalid.
   * @example
   * ```ts
   * const [temperature] = await api.get('<Field ID>')
   * console.log(temperature?.value, temperature?.timestamp)
   * ```
   */
  async get<Name extends FieldName<Fields>>(
    fields: Name | readonly Name[],
    options: CallOptions = {},
  ): Promise<ReadingOf<Fields, Name>[]> {
    const signal = this.guard().do(() => signalOf(options));
    const readings = await this.guard().result(this.guard().client.reader.get(listOf(fields), signal));
    return readings as ReadingOf<Fields, Name>[];
  }

  /**
   * Watches the last values of fields: yields all readings, like {@link Api.get}, at once, and again whenever a value or its
   * server time changes.
   *
   * Polls the server `everySeconds`, five times less often while the page is hidden; all watches of this `Api` that are due
   * share one request. While the network or the server is down it retries without end, with delays of up to 5 min, and not
   * before the server's `Retry-After`. It polls, and keeps a Node process alive, only while a call of `next()` is pending. It
   * ends by `break`, its signal or {@link Api.close}.
   *
   * @example
   * ```ts
   * for await (const readings of api.watch(['<Field ID>'], { everySeconds: 5 })) console.log(readings)
   * ```
   *
   * @param fields - As for {@link Api.get}.
   * @returns An iterator, for one loop. Its `next()` rejects with a {@link GetException} if the server refuses the credentials or
   * the fields.
   * @throws {@link ValueException} if a field is unknown or can't be read; {@link ConfigException} if an option is unknown or
   * invalid.
   */
  watch<Name extends FieldName<Fields>>(
    fields: Name | readonly Name[],
    options: WatchOptions = {},
  ): AsyncIterableIterator<ReadingOf<Fields, Name>[]> {
    const watch: unknown = this.guard().do(({ fields: registry, poller }) =>
      poller.watch(registry.findReadable(listOf(fields)), options),
    );
    return watch as AsyncIterableIterator<ReadingOf<Fields, Name>[]>;
  }

  /**
   * Tests whether the server can be reached, accepts the credentials, and grants the permissions to read and to upload. Makes at
   * most two requests, with `idempotency` three; stores and discards nothing. The result reports every failure.
   *
   * @throws {@link ApiException} only if this `Api` is closed, before the call or during it. {@link GetException} if the signal
   * aborts. {@link ConfigException} if `signal` is not one.
   * @example
   * ```ts
   * const { reachable, canRead, canWrite, advice } = await api.testConnection()
   * if (!canWrite) console.error(advice)
   * ```
   */
  async testConnection(options: CallOptions = {}): Promise<ConnectionTest> {
    const signal = this.guard().do(() => signalOf(options));
    return testConnection(this.guard().client, signal);
  }

  /**
   * The current status: a frozen snapshot, the same object until something changes.
   *
   * @example
   * ```ts
   * const { committed, oldestAgeSeconds, lastException } = api.status()
   * if ((oldestAgeSeconds ?? 0) > 300) console.error(`${committed} entries wait: ${lastException?.message}`)
   * ```
   */
  status(): Status {
    return this.guard().client.status.status;
  }

  /**
   * Calls `listener` after {@link Api.status} changed, at most once a task. Both methods together form a store, as
   * `useSyncExternalStore` and similar functions expect it.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if `listener` is not a function.
   * @example
   * ```ts
   * const stop = api.subscribe(() => console.log(`${api.status().committed} queued`))
   * ```
   */
  subscribe(listener: () => void): () => void {
    return this.guard().do(({ status }) => {
      checkListener(listener);
      return status.subscribe(inThisZone<void>(listener) as () => unknown);
    });
  }

  /**
   * The committed entries, oldest first.
   *
   * @example
   * ```ts
   * for (const { timestamp, values } of api.log()) console.log(timestamp, values)
   * ```
   */
  log(): Entry[] {
    return Array.from(this.guard().client.outbox, (entry) => toEntry(entry));
  }

  /**
   * Listens to an event. A listener that throws affects nothing else; it causes the warning `listener-failed`.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if the event is unknown, or `listener` is not a function.
   * @example
   * ```ts
   * const off = api.on('discard', ({ entries, reason }) => console.warn(`${entries.length} entries left: ${reason}`))
   * ```
   */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    return this.guard().do(({ emitter }) => {
      checkEventName(name);
      checkListener(listener);
      return emitter.on(name, inThisZone(listener));
    });
  }

  /**
   * Closes this `Api`: aborts requests under way; queued entries stay saved, and the next run adopts them. With `push`, first
   * pushes, and retries after transient failures, until everything is stored or the time is up. Idempotent.
   *
   * @throws {@link PushException} with `push`, if not everything was stored; the `Api` is closed nevertheless.
   * {@link ConfigException} if an option is unknown or invalid; the `Api` stays open.
   * @example
   * ```ts
   * await api.close({ push: true, timeoutSeconds: 5 }).catch(({ message }) => console.error(message))
   * ```
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const guard = this.guard();
    return guard.close(guard.try(() => checkOptions(options, CloseSchema)));
  }
}

const listOf = <Name>(fields: Name | readonly Name[]): readonly Name[] =>
  typeof fields === 'string' ? [fields] : (fields as readonly Name[]);

function checkIds(ids: readonly string[]): void {
  if (!isArray(ids) || ids.some((id) => typeof id !== 'string'))
    throw new ValueException(`the ids must be an array of strings, got ${show(ids)}`);
}

function commitOptions(options: CommitOptions): CommitOptions {
  // The schema runs only to word the exception: it is too slow for each commit.
  if (!isPlainObject(options)) return checkOptions(options, CommitSchema) as CommitOptions;
  const given = own<CommitOptions>(options);
  const { timestamp, urgent, ...rest } = given;
  if (Object.keys(rest).length > 0 || typeof (urgent ?? true) !== 'boolean') checkOptions(options, CommitSchema);
  if (timestamp !== undefined) checkTimestamp(timestamp);
  return given;
}
