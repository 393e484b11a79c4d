import * as v from 'valibot';
import { type Client, closeClient, commitAndPush, createClient, type Ports } from './client.js';
import { checkEntries, checkTimestamp, type Entry, type QuarantinedEntry, toEntry } from './core/model/entry.js';
import { checkEventName, checkListener, type Events, type PushResult } from './core/model/events.js';
import { redactException, ValueException } from './core/model/exceptions.js';
import type { FieldDefinitions, FieldIds, FieldInput, FieldInputs, FieldName } from './core/model/fields.js';
import { isPlainObject, own, show } from './core/model/input.js';
import type { ReadingOf } from './core/model/reading.js';
import { closedException } from './core/model/request-exceptions.js';
import { ownObject } from './core/model/schema.js';
import type { Status } from './core/model/status.js';
import { checkOptions, flag, signalOf, timeout } from './core/options/call-options.js';
import type { ApiOptions, CallOptions } from './core/options/options.js';
import { checkApiKey, resolveOptions } from './core/options/schema.js';
import { type ConnectionTest, testConnection } from './core/read/connection-test.js';
import type { WatchOptions } from './core/read/watch-iterator.js';

/** Options of {@link Api.commit}. */
export interface CommitOptions {
  /** Whole Unix seconds; now if absent. */
  readonly timestamp?: number | undefined;
}

/** Options of {@link Api.close}. */
export interface CloseOptions {
  /** Whether to push before what is committed. Default: `false`. */
  readonly push?: boolean | undefined;
  /** How long that may take, in seconds, tries after bad luck included. Default: 10. */
  readonly timeoutSeconds?: number | undefined;
}

declare global {
  interface SymbolConstructor {
    // As newer libraries have it: consumers with and without them can use the types.
    readonly asyncDispose: unique symbol;
  }
}

/** Without a check of the time: what is no time is a ValueException. */
const CommitSchema = ownObject({ timestamp: v.custom(() => true) });
const CloseSchema = ownObject(
  { push: flag, timeoutSeconds: timeout },
  { defaults: { push: false, timeoutSeconds: 10 } },
);

/**
 * A device at the NikDev IoT server, in git's words: `addValue` stages, `commit` locks and saves, `push` uploads.
 *
 * Every commit that returned is delivered at least once, as long as its storage survives and the server accepts it some
 * day. After {@link Api.close} every call but `status`, `log`, `quarantined` and `close` throws an {@link ApiException}.
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
   * Resolves, in bounded time and never rejecting, when what earlier runs left in the storage has been looked for and
   * taken over: a push after it sends that first. A commit before it is saved at once. In a page it takes a second or two
   * where there is something to take over.
   */
  readonly ready: Promise<void>;

  /** `await using api = new Api(…)`, where the runtime has it: {@link Api.close} with `push`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  readonly #client: Client;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /**
   * @throws {@link ConfigException} naming the option at fault.
   */
  constructor(options: ApiOptions<Fields>);
  /** @internal */
  constructor(options: ApiOptions<Fields>, ports: Partial<Ports>);
  constructor(options: ApiOptions<Fields>, ports: Partial<Ports> = {}) {
    this.#client = createClient(resolveOptions(options), ports);
    this.ready = this.#client.recovery.ready;
    if (Symbol.asyncDispose)
      Object.defineProperty(this, Symbol.asyncDispose, { value: () => this.close({ push: true }) });
  }

  /** Vue leaves an object that has this as it is: private members can't be reached through a proxy. @internal */
  get __v_skip(): true {
    return true;
  }

  /**
   * As the constructor, with the credentials first.
   *
   * @throws {@link ConfigException} naming the option at fault.
   */
  static fromCredentials<Fields extends FieldDefinitions = FieldIds>(
    deviceId: string,
    apiKey: string,
    options?: Omit<ApiOptions<Fields>, 'deviceId' | 'apiKey'>,
  ): Api<Fields> {
    return new Api({ ...options, deviceId, apiKey });
  }

  /**
   * Stages a value. The same field again overwrites it, in its place.
   *
   * @param field - The name of a field; without the option `fields` its id.
   * @param value - Text, a finite number or a boolean; what the field's schema takes, where it has one.
   * @throws {@link ValueException} if there is no such field or it can't take the value; nothing is staged.
   */
  addValue<Name extends FieldName<Fields>>(field: Name, value: FieldInput<Fields[Name]>): void {
    this.#do(({ staging, fields }) => staging.add(fields.idOf(field), fields.encode(field, value)));
  }

  /**
   * Stages several values: all or, if one can't be sent, none.
   *
   * @param values - By field name, or id. JavaScript puts keys that look like whole numbers first.
   * @throws {@link ValueException} if there is no such field or it can't take its value; nothing is staged.
   */
  addValues(values: FieldInputs<Fields>): void {
    this.#do(({ staging, fields }) => staging.addAll(fields.encodeAll(values)));
  }

  /**
   * Locks the staged values into an entry, with the time. When this returns, the entry is saved.
   *
   * @returns The entry; `undefined` if nothing was staged.
   * @throws {@link StorageException} if the entry could not be saved: the values are still staged.
   * {@link ValueException} if the time is not one; {@link ConfigException} for other options.
   */
  commit(options?: CommitOptions): Entry | undefined {
    return this.#do(({ committer }) => committer.commit(options === undefined ? undefined : timestampOf(options)));
  }

  /**
   * Uploads everything committed before this call, oldest first; what earlier runs left too, once {@link Api.ready} has
   * resolved. Without `autoPush` nothing is pushed, or pushed again, by itself, but what a page sends as it goes away. Joins
   * a push under way, and then rejects with what that one rejects with.
   *
   * An entry that the server refuses (400, 422; 413 for a single one) is found by halves, and quarantined once another was
   * accepted in the same push: see {@link Api.quarantined}. After any other failure that may be about the content the next
   * request carries half as much; a push ends after the second such failure in a row, or after one of a single entry. 401 and
   * 403 are confirmed by an upload without entries.
   *
   * @throws {@link PushException} if not everything was stored; its `retainedData` tells whether it is still queued.
   * {@link ConfigException} if `signal` is not one.
   */
  async push(options: CallOptions = {}): Promise<PushResult> {
    const signal = this.#do(() => signalOf(options));
    return this.#client.uploader.push(signal);
  }

  /**
   * {@link Api.commit}, then {@link Api.push}. Where there is no room for the entry it pushes first, and then commits what
   * is staged by then.
   *
   * @throws What either of them throws. What is staged stays so unless it was committed.
   */
  async commitAndPush(options: CallOptions = {}): Promise<PushResult> {
    const signal = this.#do(() => signalOf(options));
    return commitAndPush(this.#client, signal);
  }

  /** Forgets the staged values. */
  reset(): void {
    this.#do(({ staging }) => staging.clear());
  }

  /**
   * Forgets the committed entries, adopted ones too; not those in quarantine. One that is being uploaded may still be stored
   * by the server.
   */
  resetUnpushedEntries(): void {
    this.#do(({ outbox }) => outbox.clear());
  }

  /**
   * Puts entries back that were thrown away or set aside: commits them again, with their times. Entry objects that this
   * `Api` put back before are passed over. Where there is no room the option `overflow` says what becomes of them.
   *
   * @param entries - From a {@link PushException}, an event or {@link Api.quarantined}.
   * @returns The new entries.
   * @throws {@link ValueException} if one is not an entry; {@link StorageException} if one can't be saved. Then none is
   * put back.
   */
  restore(entries: readonly Entry[]): Entry[] {
    return this.#do(({ committer, fields }) => {
      checkEntries(entries);
      for (const { values } of entries) for (const { fieldId } of values) fields.checkId(fieldId);
      return committer.restore(entries);
    });
  }

  /**
   * The entries in quarantine, each with its reason, in the order in which they were quarantined: those that the server
   * refused on their own while it accepted others, and those with which requests failed in three pushes, at least 60 s apart,
   * in which another entry was accepted after that (`retryable`). They are saved like the queue, and come back after a restart;
   * `retryable` ones come back in the queue, as the server may have been repaired.
   */
  quarantined(): QuarantinedEntry[] {
    return this.#client.outbox.quarantine.entries;
  }

  /**
   * Forgets entries in quarantine.
   *
   * @param ids - Theirs; all if absent. Unknown ones are passed over.
   * @returns How many were forgotten.
   * @throws {@link ValueException} if `ids` is not an array of strings.
   */
  dropQuarantined(ids?: readonly string[]): number {
    return this.#do(({ outbox }) => {
      if (ids !== undefined) checkIds(ids);
      return outbox.removeQuarantined(ids ?? this.quarantined().map(({ id }) => id));
    });
  }

  /** Lets `autoPush` go on after refused credentials, and try at once whatever it waits for. */
  resume(): void {
    this.#do(({ autoPush }) => autoPush?.resume());
  }

  /**
   * Changes the API key, from the next request on; `autoPush` goes on with it.
   *
   * @throws {@link ConfigException} unless it is a UUID.
   */
  setApiKey(apiKey: string): void {
    this.#do(({ config, server, autoPush }) => {
      checkApiKey(apiKey, config);
      server.setApiKey(apiKey);
      autoPush?.resume();
    });
  }

  /**
   * Reads the last values of fields.
   *
   * @param fields - One field or several, by name; without the option `fields` by id, of any device that the key may
   * read. `.` and `..` can't be asked for.
   * @returns In the order asked for, times moved to the local clock. A field that the server doesn't know is absent, and
   * one that holds what its schema refuses.
   * @throws {@link GetException} if the server could not be read; {@link ValueException} for a field that can't be asked
   * for; {@link ConfigException} if `signal` is not one.
   */
  async get<Name extends FieldName<Fields>>(
    fields: Name | readonly Name[],
    options: CallOptions = {},
  ): Promise<ReadingOf<Fields, Name>[]> {
    const signal = this.#do(() => signalOf(options));
    const asked = typeof fields === 'string' ? [fields] : fields;
    const readings = await this.#client.reader.get(asked, signal).catch((error: unknown) => {
      throw this.#redacted(error);
    });
    return readings as ReadingOf<Fields, Name>[];
  }

  /**
   * Watches the last values of fields: yields them at once, and again whenever one changed (its value or its time by the
   * server's clock), all of them each time, as {@link Api.get} gives them.
   *
   * It asks the server `everySeconds`, with one request for all watches of this `Api` that are due; five times less often
   * while the page is hidden. By bad luck (no network, no server) it tries again for as long as it takes, after 1 s to
   * 5 min and no sooner than the server's `Retry-After`. It asks, and keeps a Node process alive, only while somebody
   * waits for the next readings; it ends with `break`, its signal or {@link Api.close}.
   *
   * @example
   * ```ts
   * for await (const readings of api.watch(['<Field ID>'], { everySeconds: 5 })) console.log(readings)
   * ```
   *
   * @param fields - As for {@link Api.get}.
   * @returns Readings that can be iterated over once. Their iteration throws a {@link GetException} where the server
   * refuses to be read: its credentials, or what was asked for.
   * @throws {@link ValueException} for a field that can't be asked for; {@link ConfigException} for an option that can't
   * be used.
   */
  watch<Name extends FieldName<Fields>>(
    fields: Name | readonly Name[],
    options: WatchOptions = {},
  ): AsyncIterableIterator<ReadingOf<Fields, Name>[]> {
    const watch: unknown = this.#do(({ fields: registry, poller }) =>
      poller.watch(registry.findReadable(typeof fields === 'string' ? [fields] : fields), options),
    );
    return watch as AsyncIterableIterator<ReadingOf<Fields, Name>[]>;
  }

  /**
   * Finds out whether the server can be reached, knows the credentials, and what they may do. Nothing is stored, and
   * nothing discarded; it takes two requests at most. Whatever goes wrong is told by the result.
   *
   * @throws {@link ApiException} if this `Api` is or gets closed.
   */
  async testConnection(): Promise<ConnectionTest> {
    return testConnection(this.#do((client) => client));
  }

  /** How things stand: a frozen snapshot, which is the same object until something changes. */
  status(): Status {
    return this.#client.status.status;
  }

  /**
   * Listens to changes of {@link Api.status}: called once for each task that changed something. With {@link Api.status} it is
   * what `useSyncExternalStore` and the like take.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if `listener` is not a function.
   */
  subscribe(listener: () => void): () => void {
    return this.#do(({ status }) => {
      checkListener(listener);
      return status.subscribe(listener);
    });
  }

  /** The committed entries, oldest first. */
  log(): Entry[] {
    return Array.from(this.#client.outbox, (entry) => toEntry(entry));
  }

  /**
   * Listens to an event. A listener that throws harms nothing.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if there is no such event.
   */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    return this.#do(({ emitter }) => {
      checkEventName(name);
      checkListener(listener);
      return emitter.on(name, listener);
    });
  }

  /**
   * Ends this `Api`: what is under way is aborted, what is queued stays saved, for the next run to adopt. With `push` it is
   * pushed before, again after bad luck, until everything is stored or the time is over. Calling it again is harmless.
   *
   * @throws {@link PushException} if not everything was stored, with `push` and the first time; it is closed all the same.
   * {@link ConfigException} for other options; then it stays open.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { push, timeoutSeconds } = this.#try(() => checkOptions(options, CloseSchema));
    // A caller that asked for no push is not notified of its failure.
    if (this.#isClosed) return push ? this.#closing : this.#closing?.catch(() => {});
    this.#isClosed = true;
    this.#closing = closeClient(this.#client, { push, timeoutSeconds });
    return this.#closing;
  }

  /** Runs a call, unless this `Api` is closed. */
  #do<Result>(run: (client: Client) => Result): Result {
    if (this.#isClosed) throw closedException();
    return this.#try(run);
  }

  /** The message of a rejection does not show an argument that holds the API key by mistake. */
  #try<Result>(run: (client: Client) => Result): Result {
    try {
      return run(this.#client);
    } catch (error) {
      throw this.#redacted(error);
    }
  }

  #redacted(error: unknown): unknown {
    return redactException(error, this.#client.server);
  }
}

function checkIds(ids: readonly string[]): void {
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string'))
    throw new ValueException(`the ids must be an array of strings, got ${show(ids)}`);
}

function timestampOf(options: CommitOptions): number | undefined {
  const { timestamp, ...others } = own(options);
  // The schema only words a rejection: it is too slow for each commit.
  if (!isPlainObject(options) || Object.keys(others).length > 0) checkOptions(options, CommitSchema);
  if (timestamp !== undefined) checkTimestamp(timestamp);
  return timestamp;
}
