import * as v from 'valibot';
import {
  checkEntries,
  checkTimestamp,
  type Entry,
  type QuarantinedEntry,
  toEntry,
  withReason,
} from './core/model/entry.js';
import { checkEventName, checkListener, type Events, type Warning } from './core/model/events.js';
import {
  ApiException,
  ConfigException,
  isApiException,
  isStorageFull,
  redactException,
  StorageException,
  ValueException,
} from './core/model/exceptions.js';
import { FieldRegistry } from './core/model/field-registry.js';
import type { FieldDefinitions, FieldIds, FieldInput, FieldInputs, FieldName } from './core/model/fields.js';
import { foreignText } from './core/model/foreign-text.js';
import { isPlainObject, own, show } from './core/model/input.js';
import type { ReadingOf } from './core/model/reading.js';
import {
  CLOSED_ADVICE,
  getClosed,
  isPushException,
  onlyInMemory,
  type PushException,
} from './core/model/request-exceptions.js';
import { ownObject } from './core/model/schema.js';
import type { Status } from './core/model/status.js';
import { encodeValues, encodeWithSize } from './core/model/values-json.js';
import { Emitter } from './core/notify/emitter.js';
import { StatusStore } from './core/notify/status-store.js';
import * as warnings from './core/notify/warnings.js';
import { checkOptions, flag, signalOf, timeout } from './core/options/call-options.js';
import type { ApiOptions, CallOptions, Config } from './core/options/options.js';
import { checkApiKey, isInsecure, resolveOptions } from './core/options/schema.js';
import { Eviction } from './core/outbox/eviction.js';
import { Outbox } from './core/outbox/outbox.js';
import { OrphanRecovery } from './core/outbox/recovery.js';
import type { Environment } from './core/ports/environment.js';
import type { Adoption, Loss, StorageAdapter, Writer } from './core/ports/storage.js';
import type { Transport } from './core/ports/transport.js';
import type { Signal } from './core/ports/web-types.js';
import type { PushResult } from './core/push/push-run.js';
import { Pushing } from './core/push/pushing.js';
import { type ConnectionTest, testConnection } from './core/read/connection-test.js';
import { Poller } from './core/read/poller.js';
import { Reader } from './core/read/reader.js';
import type { WatchOptions } from './core/read/watch-iterator.js';
import { Questions } from './core/server/questions.js';
import { Server } from './core/server/server-client.js';
import { Staging } from './core/staging/staging.js';
import { StagingPersistence } from './core/staging/staging-persistence.js';
import type { Clock } from './core/time/clock.js';
import { ClockCorrection } from './core/time/clock-correction.js';
import { defaultStorage } from './platform/default-storage.js';
import { environment as platform } from './platform/environment.js';
import { SystemClock } from './platform/system-clock.js';
import { hasWeakIds } from './storage/shared/random-id.js';
import { fetchTransport } from './transport/fetch-transport.js';

/** What stands in for a platform, so that a test or a simulation owns it. */
export interface Ports {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly environment: Environment;
}

/** What {@link Api.commit} takes. */
export interface CommitOptions {
  /** Whole Unix seconds; now if absent. */
  readonly timestamp?: number | undefined;
}

/** What {@link Api.close} takes. */
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

  readonly #config: Config;
  readonly #clock: Clock;
  readonly #clockCorrection: ClockCorrection;
  readonly #storage: StorageAdapter;
  readonly #writer: Writer;
  readonly #staging = new Staging();
  readonly #stagingPersistence: StagingPersistence;
  readonly #outbox: Outbox;
  readonly #eviction: Eviction;
  readonly #queueLength: warnings.QueueLength;
  readonly #server: Server;
  readonly #pushing: Pushing;
  readonly #fields: FieldRegistry;
  readonly #questions = new Questions();
  readonly #reader: Reader;
  readonly #poller: Poller;
  readonly #recovery: OrphanRecovery;
  readonly #environment: Environment;
  readonly #unsubscribeEnvironment: () => void;
  readonly #redact = (text: string): string => this.#server.redact(text);
  readonly #warn = (warning: Warning): void => this.#warnings.add(warning);
  readonly #onChange = (): void => this.#statusStore.invalidate();
  readonly #emitter = new Emitter((name) => this.#warn(warnings.listenerFailed(name)));
  readonly #warnings = new warnings.Warnings(this.#emitter, this.#redact);
  readonly #statusStore = new StatusStore(
    () => this.#read(),
    () => this.#warn(warnings.SUBSCRIBER_FAILED),
  );
  readonly #restored = new WeakSet<Entry>();
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /**
   * @throws {@link ConfigException} naming the option at fault.
   */
  constructor(options: ApiOptions<Fields>);
  /** @internal */
  constructor(options: ApiOptions<Fields>, ports: Partial<Ports>);
  constructor(options: ApiOptions<Fields>, ports: Partial<Ports> = {}) {
    const config = resolveOptions(options);
    const { storage, warning } = config.storage ? { storage: config.storage } : defaultStorage();
    const {
      clock = new SystemClock(),
      transport = fetchTransport(clock, config.fetch),
      environment = platform,
    } = own(ports);
    const clockCorrection = new ClockCorrection(clock);
    const { deviceId, baseUrl, stageUnpushedEntries: saves, maxQueuedEntries: maxEntries } = config;
    this.#config = config;
    this.#clock = clock;
    this.#clockCorrection = clockCorrection;
    this.#environment = environment;
    this.#storage = storage;
    this.#writer = storage.open({ deviceId: deviceId.toLowerCase(), baseUrl }, clock);
    this.#outbox = new Outbox(
      this.#writer,
      { saves, maxEntries },
      (loss, entries) => this.#onLoss(loss, entries),
      () => {
        this.#queueLength.onChange();
        this.#pushing.onQueueChange();
      },
      (entries) => this.#pushing.onRemoved(entries),
    );
    this.#queueLength = new warnings.QueueLength(this.#outbox, this.#warnings);
    this.#stagingPersistence = new StagingPersistence(
      this.#staging,
      this.#writer,
      config.stageUncommittedValues,
      this.#outbox,
    );
    this.#eviction = new Eviction(this.#outbox, this.#emitter, config.overflow);
    this.#server = new Server(transport, clock, environment, config);
    this.#fields = new FieldRegistry(config.fields, this.#server, this.#warn);
    this.#reader = new Reader(this.#server, clock, this.#questions, this.#fields);
    this.#poller = new Poller(this.#reader, clock, environment);
    const outbound = { outbox: this.#outbox, server: this.#server, clock, clockCorrection, emitter: this.#emitter };
    this.#pushing = new Pushing(outbound, config, environment, this.#onChange);
    this.#emitter.on('warning', this.#onChange);
    if (warning) this.#warnings.defer(warning, clock);
    if (hasWeakIds(clock)) this.#warnings.defer(warnings.WEAK_IDS, clock);
    if (isInsecure(baseUrl)) {
      const insecure = warnings.insecureUrl(baseUrl);
      this.#warnings.defer(insecure, clock);
      environment.warn?.(insecure.message);
    }
    this.#unsubscribeEnvironment = environment.subscribe((turn) =>
      this.#pushing.onLifecycle(turn, this.#durability === 'none'),
    );
    this.#recovery = new OrphanRecovery(this.#writer, clock, (adoption) => this.#onAdoption(adoption), this.#warn);
    this.ready = this.#recovery.ready;
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
    this.#checkOpen();
    this.#try(() => this.#staging.add(this.#fields.idOf(field), this.#fields.encode(field, value)));
    this.#onStagingChange();
  }

  /**
   * Stages several values: all or, if one can't be sent, none.
   *
   * @param values - By field name, or id. JavaScript puts keys that look like whole numbers first.
   * @throws {@link ValueException} if there is no such field or it can't take its value; nothing is staged.
   */
  addValues(values: FieldInputs<Fields>): void {
    this.#checkOpen();
    this.#try(() => this.#staging.addAll(this.#fields.encodeAll(values)));
    this.#onStagingChange();
  }

  /**
   * Locks the staged values into an entry, with the time. When this returns, the entry is saved.
   *
   * @returns The entry; `undefined` if nothing was staged.
   * @throws {@link StorageException} if the entry could not be saved: the values are still staged.
   * {@link ValueException} if the time is not one; {@link ConfigException} for other options.
   */
  commit(options?: CommitOptions): Entry | undefined {
    this.#checkOpen();
    const timestamp = options === undefined ? undefined : this.#try(() => timestampOf(options));
    this.#outbox.reconcile();
    const entry = this.#eviction.save(1, [], () => this.#try(() => this.#commitStaged(timestamp)));
    if (entry === undefined) return undefined;
    this.#emitter.emit('commit', entry);
    this.#onEnqueued();
    return entry;
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
    this.#checkOpen();
    return this.#pushing.push(this.#try(() => signalOf(options)));
  }

  /**
   * {@link Api.commit}, then {@link Api.push}. Where there is no room for the entry it pushes first, and then commits what
   * is staged by then.
   *
   * @throws What either of them throws. What is staged stays so unless it was committed.
   */
  async commitAndPush(options: CallOptions = {}): Promise<PushResult> {
    this.#checkOpen();
    const signal = this.#try(() => signalOf(options));
    try {
      this.commit();
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      return this.#pushToCommit(signal);
    }
    return this.#pushing.push(signal);
  }

  /** Forgets the staged values. */
  reset(): void {
    this.#checkOpen();
    this.#staging.clear();
    this.#onStagingChange();
  }

  /**
   * Forgets the committed entries, adopted ones too; not those in quarantine. One that is being uploaded may still be stored
   * by the server.
   */
  resetUnpushedEntries(): void {
    this.#checkOpen();
    this.#outbox.remove([...this.#outbox]);
    this.#pushing.lastFailure = undefined;
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
    this.#checkOpen();
    this.#try(() => {
      checkEntries(entries);
      for (const { values } of entries) for (const { fieldId } of values) this.#fields.checkId(fieldId);
    });
    this.#outbox.reconcile();
    const missing = [...new Set(entries)].filter((entry) => !this.#restored.has(entry));
    const again = missing.map(({ timestamp, values }) => ({ timestamp, values: encodeValues(values) }));
    const ids = missing.map(({ id }) => id);
    const restored = this.#eviction.save(again.length, ids, () => {
      this.#checkOpen();
      return this.#try(() => this.#outbox.restore(again, ids));
    });
    for (const entry of missing) this.#restored.add(entry);
    if (restored.length > 0) this.#onEnqueued();
    return restored.map((entry) => toEntry(entry));
  }

  /**
   * The entries in quarantine, each with its reason, in the order in which they were quarantined: those that the server
   * refused on their own while it accepted others, and those with which requests failed in three pushes, at least 60 s apart,
   * in which another entry was accepted after that (`retryable`). They are saved like the queue, and come back after a restart;
   * `retryable` ones come back in the queue, as the server may have been repaired.
   */
  quarantined(): QuarantinedEntry[] {
    return this.#outbox.quarantine.entries;
  }

  /**
   * Forgets entries in quarantine.
   *
   * @param ids - Theirs; all if absent. Unknown ones are passed over.
   * @returns How many were forgotten.
   * @throws {@link ValueException} if `ids` is not an array of strings.
   */
  dropQuarantined(ids?: readonly string[]): number {
    this.#checkOpen();
    if (ids !== undefined) this.#try(() => checkIds(ids));
    return this.#outbox.removeQuarantined(ids ?? this.quarantined().map(({ id }) => id));
  }

  /** Lets `autoPush` go on after refused credentials, and try at once whatever it waits for. */
  resume(): void {
    this.#checkOpen();
    this.#pushing.resume();
  }

  /**
   * Changes the API key, from the next request on; `autoPush` goes on with it.
   *
   * @throws {@link ConfigException} unless it is a UUID.
   */
  setApiKey(apiKey: string): void {
    this.#checkOpen();
    checkApiKey(apiKey, this.#config);
    this.#server.setApiKey(apiKey);
    this.#pushing.resume();
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
    this.#checkOpen();
    const asked = typeof fields === 'string' ? [fields] : fields;
    const signal = this.#try(() => signalOf(options));
    const readings = await this.#reader.get(asked, signal).catch((error: unknown) => {
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
    this.#checkOpen();
    const found = this.#try(() => this.#fields.findReadable(typeof fields === 'string' ? [fields] : fields));
    const watch: unknown = this.#try(() => this.#poller.watch(found, options));
    return watch as AsyncIterableIterator<ReadingOf<Fields, Name>[]>;
  }

  /**
   * Finds out whether the server can be reached, knows the credentials, and what they may do. Nothing is stored, and
   * nothing discarded; it takes two requests at most. Whatever goes wrong is told by the result.
   *
   * @throws {@link ApiException} if this `Api` is or gets closed.
   */
  async testConnection(): Promise<ConnectionTest> {
    this.#checkOpen();
    return testConnection(this.#server, this.#clock, this.#questions, this.#fields.anyId);
  }

  /** How things stand: a frozen snapshot, which is the same object until something changes. */
  status(): Status {
    return this.#statusStore.status;
  }

  /**
   * Listens to changes of {@link Api.status}: called once for each task that changed something. With {@link Api.status} it is
   * what `useSyncExternalStore` and the like take.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if `listener` is not a function.
   */
  subscribe(listener: () => void): () => void {
    this.#checkOpen();
    this.#try(() => checkListener(listener));
    return this.#statusStore.subscribe(listener);
  }

  /** The committed entries, oldest first. */
  log(): Entry[] {
    return Array.from(this.#outbox, (entry) => toEntry(entry));
  }

  /**
   * Listens to an event. A listener that throws harms nothing.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if there is no such event.
   */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    this.#checkOpen();
    this.#try(() => {
      checkEventName(name);
      checkListener(listener);
    });
    return this.#emitter.on(name, listener);
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
    // Who asked for no push is not told that it failed.
    if (this.#isClosed) return push ? this.#closing : this.#closing?.catch(() => {});
    this.#isClosed = true;
    this.#closing = this.#close(push, timeoutSeconds);
    return this.#closing;
  }

  async #close(push: boolean, timeoutSeconds: number): Promise<void> {
    this.#pushing.stopAutoPush();
    this.#recovery.close();
    try {
      if (push) await this.#pushing.drain(timeoutSeconds);
    } catch (error) {
      throw this.#durability === 'none' && isPushException(error) ? onlyInMemory(error) : error;
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#unsubscribeEnvironment();
    this.#pushing.stop();
    this.#poller.stop();
    this.#questions.stop(getClosed());
    this.#outbox.reconcile();
    this.#stagingPersistence.close();
    this.#outbox.retrySync();
    this.#writer.close();
    this.#statusStore.invalidate();
  }

  /** Pushes, as what leaves the queue makes room; then commits what is staged, and pushes that. */
  async #pushToCommit(signal: Signal | undefined): Promise<PushResult> {
    const before = await this.#pushing.push(signal).catch((exception: PushException) => exception);
    // What is staged would be thrown away as well.
    if (isPushException(before) && before.discarded.length > 0) throw before;
    this.commit();
    const after = await this.#pushing.push(signal);
    if (isApiException(before)) throw before;
    return { pushed: before.pushed + after.pushed, requests: before.requests + after.requests };
  }

  /** Does what may be refused: an argument that holds the API key by mistake is not shown. */
  #try<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      throw this.#redacted(error);
    }
  }

  #redacted(error: unknown): unknown {
    return redactException(error, this.#redact);
  }

  #read(): Status {
    return {
      staged: this.#staging.size,
      committed: this.#outbox.length,
      quarantined: this.#outbox.quarantine.size,
      bytes: this.#outbox.bytes,
      durability: this.#durability,
      warnings: this.#warnings.all,
      online: this.#environment.isOnline,
      ...this.#pushing.status,
    };
  }

  get #durability() {
    return this.#config.stageUnpushedEntries ? this.#storage.durability : 'none';
  }

  #commitStaged(given: number | undefined): Entry | undefined {
    // A listener of a drop may have closed it.
    this.#checkOpen();
    if (this.#staging.size === 0) return undefined;
    const values = this.#staging.values();
    const { text, bytes } = encodeWithSize(values);
    // Also where saving fails: the storage may have forgotten the staged values to make room.
    this.#onStagingChange();
    const { seconds, epoch } = this.#clockCorrection;
    const queued = this.#outbox.append(
      given ?? seconds,
      text,
      'committed',
      bytes,
      given === undefined ? epoch : undefined,
    );
    this.#staging.clear();
    return toEntry(queued, values);
  }

  #onEnqueued(): void {
    this.#pushing.onEnqueued();
    this.#queueLength.onEnqueued();
  }

  #onStagingChange(): void {
    this.#stagingPersistence.invalidate();
    this.#statusStore.invalidate();
  }

  #onAdoption({ entries, staged, warnings: found }: Adoption): void {
    const { size } = this.#outbox.quarantine;
    // Another run's server may have named the key that is this one's.
    this.#outbox.adopt(
      entries.map((entry) =>
        withReason(entry, (reason, status) => foreignText(reason, this.#redact, `Bad request: ${status}`)),
      ),
    );
    const isStaged = this.#staging.size === 0 && staged.length > 0;
    if (isStaged) {
      for (const { fieldId, value } of staged) this.#staging.add(fieldId, value);
      this.#onStagingChange();
    }
    for (const warning of found) this.#warn(warning);
    if (entries.length > 0 || isStaged) {
      const quarantined = this.#outbox.quarantine.size - size;
      this.#emitter.emit('adopt', { entries: entries.length, quarantined, staged: isStaged ? staged.length : 0 });
    }
    this.#outbox.reconcile();
    const failing = this.#outbox.retrySync();
    if (failing !== undefined) this.#warn(warnings.STORAGE_FAILED[failing]);
    if (entries.length > 0) this.#onEnqueued();
  }

  #onLoss(loss: Loss, entries: number): void {
    if (loss.kind === 'cleared') {
      this.#warn(warnings.CLEARED);
      this.#onStagingChange();
      return;
    }
    if (loss.isStagedTaken) this.#stagingPersistence.removeFenced();
    if (loss.isStagedTaken || entries > 0) this.#warn(warnings.takenOver(entries));
    this.#statusStore.invalidate();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedException();
  }
}

function checkIds(ids: readonly string[]): void {
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string'))
    throw new ValueException(`the ids must be an array of strings, got ${show(ids)}`);
}

function timestampOf(options: CommitOptions): number | undefined {
  const { timestamp, ...others } = own(options);
  // The schema only words a refusal: it is too slow for each commit.
  if (!isPlainObject(options) || Object.keys(others).length > 0) checkOptions(options, CommitSchema);
  if (timestamp !== undefined) checkTimestamp(timestamp);
  return timestamp;
}

function closedException(): ApiException {
  return new ApiException(
    'This Api is closed: only status(), log(), quarantined() and close() can be called.',
    CLOSED_ADVICE,
  );
}
