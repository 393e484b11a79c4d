import type { Field } from '../model/field-registry.js';
import type { Environment } from '../ports/environment.js';
import { CoreAbortSignal } from '../ports/web-types.js';
import type { Verdict } from '../server/verdict.js';
import type { Clock } from '../time/clock.js';
import { retryPolicy } from '../time/retry-policy.js';
import { fieldIdOf, getException, type Reader } from './reader.js';
import { type PollSource, Watch, type WatchOptions } from './watch-iterator.js';

/** Multiplies all intervals while the page is hidden. */
const HIDDEN_FACTOR = 5;

/** A request under way, and the watches that it reads for. */
interface Poll {
  readonly watches: Set<Watch>;
  readonly abort: CoreAbortSignal;
}

/**
 * Reads for all watches of an `Api`, one request at a time. Each watch has its own interval; watches that are due at the same
 * time share a request. While no watch is awaited, the poller has no request, timer or listener.
 */
export class Poller implements PollSource {
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #environment: Environment;
  /** The watches with a pending call of `next()`. */
  readonly #waiting = new Set<Watch>();
  #poll: Poll | undefined;
  /** The number of requests that failed in a row, the time of the last failure, and the delay after it. */
  #failures = 0;
  #failedAt = 0;
  #pauseSeconds = 0;
  /** The earliest time of the next request by `Retry-After`, on the monotonic clock. */
  #notBefore = 0;
  #cancelTimer = (): void => {};
  #stopListening: (() => void) | undefined;
  #isStopped = false;

  constructor(reader: Reader, clock: Clock, environment: Environment) {
    this.#reader = reader;
    this.#clock = clock;
    this.#environment = environment;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @throws {@link ConfigException} for an unknown or invalid option. */
  watch(fields: readonly Field[], options: WatchOptions): Watch {
    return new Watch(this.#reader, this, fields, options);
  }

  add(watch: Watch): void {
    this.#waiting.add(watch);
    this.#stopListening ??= this.#environment.subscribe(() => this.#schedule());
    this.#schedule();
  }

  remove(watch: Watch): void {
    this.#waiting.delete(watch);
    const { watches, abort } = this.#poll ?? {};
    if (watches?.delete(watch) && watches.size === 0) abort?.abort();
    if (this.#waiting.size === 0) {
      this.#stopListening?.();
      this.#stopListening = undefined;
    }
    this.#schedule();
  }

  /** Ends all watches; new watches end at once. */
  stop(): void {
    this.#isStopped = true;
    for (const watch of this.#waiting) void watch.return();
  }

  /** Sets the timer for the next request. Even a watch that is due now waits for the end of the task, so that further watches can join. */
  #schedule(): void {
    this.#cancelTimer();
    if (this.#poll !== undefined || this.#waiting.size === 0) return;
    const due = Math.min(...Array.from(this.#waiting, (watch) => this.#dueAt(watch)));
    // A caller waits for the result, so the timer keeps the process alive.
    this.#cancelTimer = this.#clock.setTimer(() => void this.#pollDue(), Math.max(due - this.#clock.monotonic(), 0));
  }

  #dueAt({ polledAt, everySeconds }: Watch): number {
    const factor = this.#environment.isHidden ? HIDDEN_FACTOR * 1000 : 1000;
    return Math.max(polledAt + everySeconds * factor, this.#failedAt + this.#pauseSeconds * factor, this.#notBefore);
  }

  async #pollDue(): Promise<void> {
    const now = this.#clock.monotonic();
    const due = [...this.#waiting].filter((watch) => this.#dueAt(watch) <= now);
    const separate = due.find(({ isSeparate }) => isSeparate);
    const watches = new Set(separate ? [separate] : due);
    // A timer may fire slightly early.
    if (watches.size === 0) return this.#schedule();
    const ids = [...watches].flatMap(({ fields }) => fields.map(fieldIdOf));
    const abort = new CoreAbortSignal();
    this.#poll = { watches, abort };
    try {
      for (const watch of watches) watch.begin(now);
      const result = await this.#reader.read(ids, abort);
      this.#poll = undefined;
      if ('failure' in result) return this.#fail(result.failure, watches);
      this.#failures = 0;
      this.#pauseSeconds = 0;
      for (const watch of watches) watch.deliver(result.known);
    } catch {
      // Aborted: no watch waits for the result any more.
    } finally {
      this.#poll = undefined;
      this.#schedule();
    }
  }

  #fail(verdict: Verdict, watches: ReadonlySet<Watch>): void {
    if (verdict.kind === 'transient') {
      this.#failures += 1;
      this.#failedAt = this.#clock.monotonic();
      // Without `Retry-After`, which a hidden page does not multiply.
      this.#pauseSeconds = retryPolicy({ kind: 'transient' }, this.#failures, this.#clock.random()).seconds;
      this.#notBefore = this.#failedAt + (verdict.retryAfter ?? 0) * 1000;
    } else if (watches.size === 1) {
      for (const watch of watches) watch.fail(getException(verdict));
      return;
    }
    // The server may refuse the fields of only one of the watches.
    for (const watch of watches) watch.repeat({ isSeparate: verdict.kind !== 'transient' });
  }
}
