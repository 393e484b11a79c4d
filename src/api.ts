import type { Clock } from './core/clock.js';
import {
  type ApiOptions,
  type Config,
  checkApiKey,
  checkCallOptions,
  isInsecure,
  resolveOptions,
} from './core/config.js';
import { checkEntries, checkTimestamp, type Entry, encodeValues, pairs, toEntry } from './core/entry.js';
import { Emitter, EVENT_NAMES, type Events, isEventName, type Warning } from './core/events.js';
import { ApiException, ConfigException, GetException, PushException, show } from './core/exceptions.js';
import { Overflow } from './core/overflow.js';
import { PushQueue } from './core/push-queue.js';
import { Pusher, type PushResult } from './core/pusher.js';
import { Reader, type Reading } from './core/reader.js';
import { Server } from './core/server.js';
import { type CallOptions, signalOf } from './core/signal.js';
import { Staging } from './core/staging.js';
import type { Status } from './core/status.js';
import type { Loss, StorageAdapter, Writer } from './core/storage.js';
import type { Transport } from './core/transport.js';
import type { FieldValue, Value } from './core/value.js';
import { defaultStorage } from './platform/page.js';
import { systemClock } from './platform/system-clock.js';
import { kyTransport } from './transport/ky-transport.js';

/** What stands in for a platform, so that a test or a simulation owns it. */
export interface Ports {
  readonly clock: Clock;
  readonly transport: Transport;
}

/** What {@link Api.commit} takes. */
export interface CommitOptions {
  /** Whole Unix seconds; now if absent. */
  readonly timestamp?: number | undefined;
}

/** When to look again in a storage that failed when it was looked into. */
const LOOK_AGAIN_SECONDS = 30;

/** `ready` resolves by then whatever a storage does. */
const READY_WITHIN_MS = 10_000;

/**
 * A device at the NikDev IoT server, in git's words: `addValue` stages, `commit` locks and saves, `push` uploads.
 *
 * Every commit that returned is delivered at least once, as long as its storage survives and the server accepts it some
 * day. After {@link Api.close} every call but `status`, `log` and `close` throws an {@link ApiException}.
 *
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…' })
 * api.addValue('<Field ID>', 21.5)
 * api.commit()
 * await api.push()
 * ```
 */
export class Api {
  /**
   * Resolves, in bounded time and never rejecting, when what earlier runs left in the storage has been looked for and
   * taken over: a push after it sends that first. A commit before it is saved at once. In a page it takes a second or two
   * where there is something to take over.
   */
  readonly ready: Promise<void>;

  readonly #config: Config;
  readonly #clock: Clock;
  readonly #storage: StorageAdapter;
  readonly #writer: Writer;
  readonly #staging = new Staging();
  readonly #queue: PushQueue;
  readonly #overflow: Overflow;
  readonly #server: Server;
  readonly #pusher: Pusher;
  readonly #reader: Reader;
  readonly #emitter = new Emitter((name) => this.#warn(listenerFailed(name)));
  readonly #warnings: Warning[] = [];
  readonly #restored = new WeakSet<Entry>();
  #stagedChanged = false;
  #savedStaged: readonly Value[] = [];
  #cancelLook = (): void => {};
  #closed = false;

  /**
   * @throws {@link ConfigException} naming the option at fault.
   */
  constructor(options: ApiOptions);
  /** @internal */
  constructor(options: ApiOptions, ports: Partial<Ports>);
  constructor(options: ApiOptions, ports: Partial<Ports> = {}) {
    const config = resolveOptions(options);
    const { storage, warning } = config.storage ? { storage: config.storage } : defaultStorage();
    this.#config = config;
    this.#clock = ports.clock ?? systemClock;
    this.#storage = storage;
    this.#writer = storage.open({ deviceId: config.deviceId.toLowerCase(), baseUrl: config.baseUrl }, this.#clock);
    this.#queue = new PushQueue(
      this.#writer,
      { saves: config.stageUnpushedEntries, maxEntries: config.maxQueuedEntries },
      (loss, entries) => this.#onLoss(loss, entries),
    );
    this.#overflow = new Overflow(this.#queue, this.#emitter, config.overflow);
    this.#server = new Server(ports.transport ?? kyTransport(this.#clock, config.fetch), this.#clock, config);
    this.#reader = new Reader(this.#server, this.#clock);
    this.#pusher = new Pusher(this.#queue, this.#server, this.#clock, this.#emitter, {
      maxEntries: config.maxEntriesPerRequest,
      maxBytes: config.maxBytesPerRequest,
      onRefusedCredentials: config.onRefusedCredentials,
    });
    if (warning) this.#warnLater(warning);
    if (isInsecure(config.baseUrl)) this.#warnLater(insecureUrl(config.baseUrl));
    this.ready = this.#start();
  }

  /**
   * As the constructor, with the credentials first.
   *
   * @throws {@link ConfigException} naming the option at fault.
   */
  static fromCredentials(deviceId: string, apiKey: string, options?: Omit<ApiOptions, 'deviceId' | 'apiKey'>): Api {
    return new Api({ ...options, deviceId, apiKey });
  }

  /**
   * Stages a value. The same field again overwrites it, in its place.
   *
   * @param value - Text, a finite number or a boolean.
   * @throws {@link ValueException} if the id or the value can't be sent; nothing is staged.
   */
  addValue(fieldId: string, value: FieldValue): void {
    this.#checkOpen();
    this.#staging.add(fieldId, value);
    this.#stagingChanged();
  }

  /**
   * Stages several values: all or, if one can't be sent, none.
   *
   * @param values - By field id. JavaScript puts keys that look like whole numbers first.
   * @throws {@link ValueException} if an id or a value can't be sent; nothing is staged.
   */
  addValues(values: Readonly<Record<string, FieldValue>>): void {
    this.#checkOpen();
    this.#staging.addAll(values);
    this.#stagingChanged();
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
    if (options !== undefined) checkCallOptions(options, ['timestamp']);
    const timestamp = options?.timestamp ?? Math.max(0, Math.floor(this.#clock.now() / 1000));
    if (options?.timestamp !== undefined) checkTimestamp(options.timestamp);
    this.#queue.check();
    const entry = this.#overflow.save(1, () => this.#commitStaged(timestamp));
    if (entry !== undefined) this.#emitter.emit('commit', entry);
    return entry;
  }

  /**
   * Uploads everything committed before this call, oldest first; what earlier runs left too, once {@link Api.ready} has
   * resolved. Nothing is pushed, or pushed again, by itself. Joins a push under way, and then rejects with what that
   * one rejects with.
   *
   * @throws {@link PushException} if not everything was stored; its `retainedData` tells whether it is still queued.
   * {@link ConfigException} if `signal` is not one.
   */
  async push(options: CallOptions = {}): Promise<PushResult> {
    this.#checkOpen();
    return this.#pusher.push(signalOf(options));
  }

  /**
   * {@link Api.commit}, then {@link Api.push}.
   *
   * @throws What either of them throws.
   */
  async commitAndPush(options: CallOptions = {}): Promise<PushResult> {
    signalOf(options);
    this.commit();
    return this.push(options);
  }

  /** Forgets the staged values. */
  reset(): void {
    this.#checkOpen();
    this.#staging.clear();
    this.#stagingChanged();
  }

  /** Forgets the committed entries, adopted ones too. One that is being uploaded may still be stored by the server. */
  resetUnpushedEntries(): void {
    this.#checkOpen();
    this.#queue.remove([...this.#queue]);
  }

  /**
   * Puts entries back that were thrown away: commits them again, with their times. Entries that this `Api` put back
   * before are passed over.
   *
   * @param entries - From a {@link PushException} or a `discard` event.
   * @returns The new entries.
   * @throws {@link ValueException} if one is not an entry; {@link StorageException} if one can't be saved. Then none is
   * put back.
   */
  restore(entries: readonly Entry[]): Entry[] {
    this.#checkOpen();
    checkEntries(entries);
    this.#queue.check();
    const missing = [...new Set(entries)].filter((entry) => !this.#restored.has(entry));
    const again = missing.map(({ timestamp, values }) => ({ timestamp, values: encodeValues(pairs(values)) }));
    const restored = this.#overflow.save(again.length, () => {
      this.#checkOpen();
      return this.#queue.restore(again);
    });
    for (const entry of missing) this.#restored.add(entry);
    return restored.map((entry) => toEntry(entry));
  }

  /**
   * Changes the API key, from the next request on.
   *
   * @throws {@link ConfigException} unless it is a UUID.
   */
  setApiKey(apiKey: string): void {
    this.#checkOpen();
    checkApiKey(apiKey, this.#config.baseUrl);
    this.#server.setApiKey(apiKey);
  }

  /**
   * Reads the last values of fields.
   *
   * @param ids - One field id or several, of any device that the key may read; `.` and `..` can't be asked for.
   * @returns In the order asked for, times moved to the local clock; a field that the server doesn't know is absent.
   * @throws {@link GetException} if the server could not be read; {@link ValueException} for an id that can't be asked
   * for; {@link ConfigException} if `signal` is not one.
   */
  async get(ids: string | readonly string[], options: CallOptions = {}): Promise<Reading[]> {
    this.#checkOpen();
    return this.#reader.get(typeof ids === 'string' ? [ids] : ids, signalOf(options));
  }

  /** How things stand. */
  status(): Status {
    return {
      staged: this.#staging.size,
      committed: this.#queue.length,
      quarantined: 0,
      bytes: this.#queue.bytes,
      durability: this.#config.stageUnpushedEntries ? this.#storage.durability : 'none',
      pushing: this.#pusher.pushing,
      warnings: [...this.#warnings],
    };
  }

  /** The committed entries, oldest first. */
  log(): Entry[] {
    return Array.from(this.#queue, (entry) => toEntry(entry));
  }

  /**
   * Listens to an event. A listener that throws harms nothing.
   *
   * @returns A function that stops listening.
   * @throws {@link ConfigException} if there is no such event.
   */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    this.#checkOpen();
    if (!isEventName(name)) {
      throw new ConfigException(`${show(name)} is not an event; the events are ${EVENT_NAMES.join(', ')}`);
    }
    if (typeof listener !== 'function')
      throw new ConfigException(`a listener must be a function, got ${show(listener)}`);
    return this.#emitter.on(name, listener);
  }

  /**
   * Ends this `Api` at once: what is under way is aborted, what is queued stays saved, for the next run to adopt. Push
   * before, to leave nothing behind. Calling it again is harmless.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelLook();
    const [message, advice] = ['Bad luck: this Api was closed before the answer came.', CLOSED_ADVICE];
    this.#pusher.stop(new PushException(message, advice));
    this.#reader.stop(new GetException(message, 'Nothing was changed. Ask with a new Api.'));
    this.#check();
    this.#saveStaged();
    this.#queue.retry();
    this.#writer.close();
  }

  /** Takes over what earlier runs left, once now and then again whenever the storage says that it is worth it. */
  #start(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.setTimer(resolve, READY_WITHIN_MS, true);
      void this.#look(true).then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #look(atStart: boolean): Promise<void> {
    let again: number | undefined = LOOK_AGAIN_SECONDS;
    try {
      const { entries, staged, warnings, lookAgainSeconds } = await this.#writer.adopt(atStart);
      if (this.#closed) return;
      again = lookAgainSeconds;
      this.#queue.adopt(entries);
      if (this.#staging.size === 0 && staged.length > 0) {
        for (const { fieldId, value } of staged) this.#staging.add(fieldId, value);
        this.#stagingChanged();
      }
      for (const warning of warnings) this.#warn(warning);
      this.#queue.check();
      const failing = this.#queue.retry();
      if (failing !== undefined) this.#warn(STORAGE_FAILED[failing]);
    } catch {
      this.#warn(ADOPTION_FAILED);
    }
    if (again === undefined || this.#closed) return;
    this.#cancelLook = this.#clock.setTimer(() => void this.#look(false), again * 1000, true);
  }

  #commitStaged(timestamp: number): Entry | undefined {
    // A listener of a drop may have closed it.
    this.#checkOpen();
    if (this.#staging.size === 0) return undefined;
    const values = this.#staging.values();
    const text = encodeValues(this.#staging.entries());
    // Also where saving fails: the storage may have forgotten the staged values to make room.
    this.#stagingChanged();
    const queued = this.#queue.append(timestamp, text, 'committed');
    this.#staging.clear();
    return toEntry(queued, values);
  }

  #onLoss(loss: Loss, entries: number): void {
    if (loss.kind === 'cleared') {
      this.#warn(CLEARED);
      this.#stagingChanged();
      return;
    }
    // Staged in two places, they would be committed twice.
    if (loss.isStagedTaken) this.#staging.forget(this.#savedStaged);
    if (loss.isStagedTaken || entries > 0) this.#warn(takenOver(entries));
  }

  /** Saves the staged values in this task's microtask: once, however many values it stages. */
  #stagingChanged(): void {
    if (this.#stagedChanged) return;
    this.#stagedChanged = true;
    void Promise.resolve().then(() => this.#closed || this.#saveStaged());
  }

  #saveStaged(): void {
    if (this.#stagedChanged && this.#config.stageUncommittedValues) {
      // What another has staged by now is not to be saved again.
      this.#check();
      this.#savedStaged = this.#staging.values();
      this.#writer.saveStaged(this.#savedStaged);
    }
    this.#stagedChanged = false;
  }

  /** A storage that can't be asked keeps nobody from going on. */
  #check(): void {
    try {
      this.#queue.check();
    } catch {
      // See above.
    }
  }

  #warn({ code, message: text }: Warning): void {
    // What is in the storage may be of a run that had device id and key swapped.
    const warning = { code, message: this.#server.redact(text) };
    if (this.#warnings.some(({ message }) => message === warning.message)) return;
    this.#warnings.push(warning);
    this.#emitter.emit('warning', warning);
  }

  /** For warnings of the constructor: nobody can listen before it has returned. */
  #warnLater(warning: Warning): void {
    this.#warnings.push(warning);
    this.#clock.setTimer(() => this.#emitter.emit('warning', warning), 0);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedException();
  }
}

const CLOSED_ADVICE =
  'What was committed and not stored by the server is still saved, if its storage lasts; a new Api pushes it.';

function closedException(): ApiException {
  return new ApiException('This Api is closed: only status(), log() and close() can be called.', CLOSED_ADVICE);
}

function insecureUrl(baseUrl: string): Warning {
  return {
    code: 'insecure-url',
    message: `baseUrl ${baseUrl} is plain http: the API key and the readings cross the network in the clear. Use https.`,
  };
}

function listenerFailed(name: string): Warning {
  return { code: 'listener-failed', message: `A listener of the event "${name}" threw. Nothing else was harmed.` };
}

const STORAGE_FAILED: Readonly<Record<'forget' | 'save', Warning>> = {
  forget: {
    code: 'storage-failed',
    message:
      'The storage failed to forget entries that are done with. It is tried again; after a crash before that, they are sent again.',
  },
  save: {
    code: 'storage-failed',
    message:
      'The storage failed to save again what was deleted in it. It is tried again; until then, what is queued is in memory alone.',
  },
};

function takenOver(entries: number): Warning {
  return {
    code: 'taken-over',
    message: `This page or process was hidden, frozen or stopped, and another took over what it had queued (${entries} entries). That one pushes it; what is committed here from now on is pushed here.`,
  };
}

const CLEARED: Warning = {
  code: 'storage-cleared',
  message:
    'What was saved in the storage was deleted, by the user or by this site. What is still queued here was in memory too, and is saved again.',
};

const ADOPTION_FAILED: Warning = {
  code: 'storage-failed',
  message: 'What earlier runs left in the storage could not be read. It is left where it is, and tried again.',
};
