import type { GetException } from './exceptions.js';
import type { Field } from './field-names.js';
import type { Reader, Sightings } from './reader.js';
import type { Reading } from './reading.js';
import { checkCallOptions, type Rules } from './rules.js';
import { type CallOptions, onAbort, type Signal, signalRule } from './signal.js';

/** What {@link Api.watch} takes. */
export interface WatchOptions extends CallOptions {
  /**
   * How often to ask, in seconds, from 1 to 86,400.
   *
   * @defaultValue `10`
   */
  readonly everySeconds?: number | undefined;
}

const DEFAULT_EVERY_SECONDS = 10;

const RULES: Rules = {
  everySeconds: {
    wanted: 'seconds, from 1 to 86400',
    isRight: (input) => typeof input === 'number' && input >= 1 && input <= 86_400,
  },
  signal: signalRule,
};

/** Who asks for the watches that somebody waits for. */
export interface Asker {
  readonly isStopped: boolean;
  join(watch: Watch): void;
  leave(watch: Watch): void;
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
  askedAt = Number.NEGATIVE_INFINITY;
  /** Whether it shares no requests: one that it shared was refused. */
  isAlone = false;
  readonly #reader: Reader;
  readonly #asker: Asker;
  readonly #signal: Signal | undefined;
  readonly #waiters: Waiter[] = [];
  #seen: string | undefined;
  #ended = false;
  #stopListening = (): void => {};

  constructor(reader: Reader, asker: Asker, fields: readonly Field[], options: WatchOptions) {
    const { everySeconds = DEFAULT_EVERY_SECONDS, signal } = checkCallOptions(options, RULES);
    this.#reader = reader;
    this.#asker = asker;
    this.#signal = signal;
    this.fields = fields;
    this.everySeconds = everySeconds;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#ended || this.#signal?.aborted || this.#asker.isStopped) return this.return();
    return new Promise((resolve, reject) => {
      if (this.#waiters.push({ resolve, reject }) > 1) return;
      this.#stopListening = onAbort(this.#signal, () => void this.return());
      this.#asker.join(this);
    });
  }

  return(): Promise<Result> {
    this.#end();
    return Promise.resolve(END);
  }

  /** Passes on what was read, if it is not what was passed on before. */
  tell(known: Sightings): void {
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
    if (this.#waiters.length === 0) this.#rest();
  }

  /** Ends it with an exception. */
  fail(exception: GetException): void {
    this.#waiters.shift()?.reject(exception);
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve(END);
    this.#rest();
  }

  #rest(): void {
    this.#stopListening();
    this.#asker.leave(this);
  }
}

const END: Result = { done: true, value: undefined };
