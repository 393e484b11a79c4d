import type { Field } from '../model/field-registry.js';
import type { GetException } from '../model/request-exceptions.js';
import type { ReadingHealth } from '../model/status.js';
import type { Emitter } from '../notify/emitter.js';
import type { Environment } from '../ports/environment.js';
import { CoreAbortSignal } from '../ports/web-types.js';
import type { Verdict } from '../server/verdict.js';
import type { Clock } from '../time/clock.js';
import { retryPolicy } from '../time/retry-policy.js';
import { fieldIdOf, getException, type Reader } from './reader.js';
import { type PollSource, Watch, type WatchOptions } from './watch-iterator.js';

/** Multiplies all intervals while the page is hidden. */
const HIDDEN_FACTOR = 5;

/** The parts of a client that a poller uses. */
export interface PollerParts {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly emitter: Emitter;
}

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
  readonly #parts: PollerParts;
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

  #health: ReadingHealth | undefined;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  /** `undefined` before the first poll. */
  get health(): ReadingHealth | undefined {
    return this.#health;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @throws {@link ConfigException} for an unknown or invalid option. */
  watch(fields: readonly Field[], options: WatchOptions): Watch {
    return new Watch(this.#parts.reader, this, fields, options);
  }

  add(watch: Watch): void {
    this.#waiting.add(watch);
    this.#stopListening ??= this.#parts.environment.subscribe(() => this.#schedule());
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
    const { clock } = this.#parts;
    this.#cancelTimer();
    if (this.#poll !== undefined) return;
    if (this.#waiting.size === 0) {
      this.#setHealth({ nextPoll: undefined });
      return;
    }
    const due = Math.min(...Array.from(this.#waiting, (watch) => this.#dueAt(watch)));
    const milliseconds = Math.max(due - clock.monotonic(), 0);
    // A caller waits for the result, so the timer keeps the process alive.
    this.#cancelTimer = clock.setTimer(() => void this.#pollDue(), milliseconds);
    this.#setHealth({ nextPoll: Math.ceil((clock.now() + milliseconds) / 1000) });
  }

  /** Does nothing before the first poll has ended. */
  #setHealth(change: Partial<ReadingHealth>): void {
    if (this.#health === undefined) return;
    this.#health = Object.freeze({ ...this.#health, ...change });
    this.#parts.emitter.emit('planned');
  }

  /** A poll has ended. @param lastException - Absent if it succeeded. */
  #end(lastException?: GetException): void {
    const ok = lastException === undefined;
    const now = Math.floor(this.#parts.clock.now() / 1000);
    const { since, nextPoll } = this.#health?.ok === ok ? this.#health : { since: now };
    this.#health = Object.freeze({ ok, since, lastException, nextPoll });
  }

  #dueAt({ polledAt, everySeconds }: Watch): number {
    const factor = this.#parts.environment.isHidden ? HIDDEN_FACTOR * 1000 : 1000;
    return Math.max(polledAt + everySeconds * factor, this.#failedAt + this.#pauseSeconds * factor, this.#notBefore);
  }

  async #pollDue(): Promise<void> {
    const now = this.#parts.clock.monotonic();
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
      const result = await this.#parts.reader.read(ids, abort);
      this.#poll = undefined;
      if ('failure' in result) return this.#fail(result.failure, watches);
      this.#failures = 0;
      this.#pauseSeconds = 0;
      this.#end();
      for (const watch of watches) watch.deliver(result.known);
    } catch {
      // Aborted: no watch waits for the result any more.
    } finally {
      this.#poll = undefined;
      this.#schedule();
    }
  }

  #fail(verdict: Verdict, watches: ReadonlySet<Watch>): void {
    const exception = getException(verdict);
    this.#end(exception);
    if (verdict.kind === 'transient') {
      this.#failures += 1;
      this.#failedAt = this.#parts.clock.monotonic();
      // Without `Retry-After`, which a hidden page does not multiply.
      this.#pauseSeconds = retryPolicy({ kind: 'transient' }, this.#failures, this.#parts.clock.random()).seconds;
      this.#notBefore = this.#failedAt + (verdict.retryAfter ?? 0) * 1000;
    }
    const isRefused = verdict.kind !== 'transient';
    const isOfOne = watches.size === 1;
    for (const watch of watches) {
      if (isRefused && isOfOne) watch.fail(exception);
      // The server may refuse the fields of only one of the watches.
      else watch.repeat({ isSeparate: isRefused });
    }
    this.#parts.emitter.emit('read-error', exception);
  }
}
