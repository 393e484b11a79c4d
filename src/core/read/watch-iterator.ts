import * as v from 'valibot';
import type { Field } from '../model/field-registry.js';
import type { Reading } from '../model/reading.js';
import type { GetException } from '../model/request-exceptions.js';
import { ownObject } from '../model/schema.js';
import { checkOptions, secondsFrom, signal } from '../options/call-options.js';
import type { CallOptions } from '../options/options.js';
import { onAbort, type Signal } from '../ports/web-types.js';
import type { Reader, Sightings } from './reader.js';

/** What {@link Api.watch} takes. */
export interface WatchOptions extends CallOptions {
  /**
   * How often to ask, in seconds, from 1 to 86,400.
   *
   * @defaultValue `10`
   */
  readonly everySeconds?: number | undefined;
}

const Options = ownObject(
  { everySeconds: secondsFrom(1), signal: v.optional(signal) },
  { defaults: { everySeconds: 10 } },
);

/** Who asks for the watches that somebody waits for. */
export interface PollSource {
  readonly isStopped: boolean;
  add(watch: Watch): void;
  remove(watch: Watch): void;
}

type Result = IteratorResult<Reading[], undefined>;

interface Waiter {
  resolve(result: Result): void;
  reject(exception: GetException): void;
}

/**
 * The readings of some fields, and again whenever one changed. It asks, and holds on to a signal, only for as long as
 * somebody waits for what comes next: one that is dropped in whatever way leaves nothing behind.
 */
export class Watch implements AsyncIterableIterator<Reading[], undefined> {
  readonly fields: readonly Field[];
  readonly everySeconds: number;
  /** When it was last asked for, on the monotonic clock; unless that was bad luck. */
  polledAt = Number.NEGATIVE_INFINITY;
  /** Whether it shares no requests: one that it shared was refused. */
  isAlone = false;
  readonly #reader: Reader;
  readonly #poller: PollSource;
  readonly #signal: Signal | undefined;
  readonly #waiters: Waiter[] = [];
  #seen: string | undefined;
  #ended = false;
  #stopListening = (): void => {};

  constructor(reader: Reader, asker: PollSource, fields: readonly Field[], options: WatchOptions) {
    const { everySeconds, signal } = checkOptions(options, Options);
    this.#reader = reader;
    this.#poller = asker;
    this.#signal = signal;
    this.fields = fields;
    this.everySeconds = everySeconds;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#ended || this.#signal?.aborted || this.#poller.isStopped) return this.return();
    return new Promise((resolve, reject) => {
      if (this.#waiters.push({ resolve, reject }) > 1) return;
      this.#stopListening = onAbort(this.#signal, () => void this.return());
      this.#poller.add(this);
    });
  }

  return(): Promise<Result> {
    this.#end();
    return Promise.resolve(END);
  }

  /** Passes on what was read, if it is not what was passed on before. */
  deliver(known: Sightings): void {
    // By the server's time: moved to the local clock, it differs by a second now and then.
    const seen = JSON.stringify(
      this.fields.map(({ fieldId }) => {
        const sighting = known.get(fieldId);
        return sighting && [sighting.value, sighting.timestamp];
      }),
    );
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#waiters.shift()?.resolve({ done: false, value: this.#reader.readings(this.fields, known) });
    if (this.#waiters.length === 0) this.#unsubscribe();
  }

  /** Ends it with an exception. */
  fail(exception: GetException): void {
    this.#waiters.shift()?.reject(exception);
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve(END);
    this.#unsubscribe();
  }

  #unsubscribe(): void {
    this.#stopListening();
    this.#poller.remove(this);
  }
}

const END: Result = { done: true, value: undefined };
