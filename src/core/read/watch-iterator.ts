import * as v from 'valibot';
import type { Field } from '../model/field-registry.js';
import type { Reading } from '../model/reading.js';
import type { GetException } from '../model/request-exceptions.js';
import { ownObject } from '../model/schema.js';
import { checkOptions, secondsFrom, signal } from '../options/call-options.js';
import type { CallOptions } from '../options/options.js';
import { type AbortSignalLike, onAbort } from '../ports/web-types.js';
import type { LastValues, Reader } from './reader.js';

/** Options of {@link Api.watch}. */
export interface WatchOptions extends CallOptions {
  /**
   * The interval between two requests, in seconds, from 1 to 86,400; five times as long while the page is hidden.
   *
   * @defaultValue `10`
   */
  readonly everySeconds?: number | undefined;
}

const Options = ownObject(
  { everySeconds: secondsFrom(1), signal: v.optional(signal) },
  { defaults: { everySeconds: 10 } },
);

/** The poller, as its watches see it. */
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
 * The readings of some fields, and again after each change. A watch polls, and listens to its signal, only while a call of
 * `next()` is pending: an abandoned watch holds no timer and no listener.
 */
export class Watch implements AsyncIterableIterator<Reading[], undefined> {
  readonly fields: readonly Field[];
  readonly everySeconds: number;
  readonly #reader: Reader;
  readonly #poller: PollSource;
  readonly #signal: AbortSignalLike | undefined;
  readonly #waiters: Waiter[] = [];
  #polledAt = Number.NEGATIVE_INFINITY;
  #isSeparate = false;
  #seen: string | undefined;
  #ended = false;
  #stopListening = (): void => {};

  constructor(reader: Reader, poller: PollSource, fields: readonly Field[], options: WatchOptions) {
    const { everySeconds, signal } = checkOptions(options, Options);
    this.#reader = reader;
    this.#poller = poller;
    this.#signal = signal;
    this.fields = fields;
    this.everySeconds = everySeconds;
  }

  /** The time of the last request that has not failed, on the monotonic clock. */
  get polledAt(): number {
    return this.#polledAt;
  }

  /** Whether the watch needs a request of its own, as the server refused a shared request. */
  get isSeparate(): boolean {
    return this.#isSeparate;
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

  /** A request for this watch begins. */
  begin(now: number): void {
    this.#polledAt = now;
  }

  /** The request failed, and has to be repeated. */
  repeat({ isSeparate }: { readonly isSeparate: boolean }): void {
    this.#polledAt = Number.NEGATIVE_INFINITY;
    this.#isSeparate ||= isSeparate;
  }

  /** Passes on the readings, if they changed since the last delivery. */
  deliver(known: LastValues): void {
    this.#isSeparate = false;
    // Compares server times: after conversion to the local clock they vary by a second.
    const seen = JSON.stringify(
      this.fields.map(({ fieldId }) => {
        const last = known.get(fieldId);
        return last && [last.value, last.timestamp];
      }),
    );
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#waiters.shift()?.resolve({ done: false, value: this.#reader.readings(this.fields, known) });
    if (this.#waiters.length === 0) this.#unsubscribe();
  }

  /** Ends the watch with an exception. */
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
