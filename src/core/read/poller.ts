import type { Field } from '../model/field-registry.js';
import type { Environment } from '../ports/environment.js';
import { Abort } from '../ports/web-types.js';
import type { Verdict } from '../server/verdict.js';
import type { Clock } from '../time/clock.js';
import { retryPolicy } from '../time/retry-policy.js';
import { fieldIdOf, getException, type Reader } from './reader.js';
import { type PollSource, Watch, type WatchOptions } from './watch-iterator.js';

/** How many times as long everything takes while the page is hidden. */
const HIDDEN_FACTOR = 5;

/** A request under way, and whom it is for. */
interface Poll {
  readonly watches: Set<Watch>;
  readonly abort: Abort;
}

/**
 * Asks for all watches of an `Api`, one request at a time: for those that are due together, each at its own pace. While
 * nobody waits for one it has no request, timer or listener.
 */
export class Poller implements PollSource {
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #environment: Environment;
  /** Those that somebody waits for. */
  readonly #waiting = new Set<Watch>();
  #poll: Poll | undefined;
  /** How many requests have failed in a row, when the last one did, and how long to pause after it. */
  #failures = 0;
  #failedAt = 0;
  #pauseSeconds = 0;
  /** What the server asked for (`Retry-After`), on the monotonic clock. */
  #notBefore = 0;
  #cancelTimer = (): void => {};
  #stopListening: (() => void) | undefined;
  isStopped = false;

  constructor(reader: Reader, clock: Clock, environment: Environment) {
    this.#reader = reader;
    this.#clock = clock;
    this.#environment = environment;
  }

  /** @throws {@link ConfigException} for options that can't be used. */
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

  /** Ends all watches, for good. */
  stop(): void {
    this.isStopped = true;
    for (const watch of this.#waiting) void watch.return();
  }

  /** Asks when the next one is due. Also what is due at once waits for the end of the task: others may join it. */
  #schedule(): void {
    this.#cancelTimer();
    if (this.#poll !== undefined || this.#waiting.size === 0) return;
    const due = Math.min(...Array.from(this.#waiting, (watch) => this.#dueAt(watch)));
    // Somebody waits for it, so it keeps a process alive.
    this.#cancelTimer = this.#clock.setTimer(() => void this.#pollDue(), Math.max(due - this.#clock.monotonic(), 0));
  }

  #dueAt({ polledAt, everySeconds }: Watch): number {
    const factor = this.#environment.isHidden ? HIDDEN_FACTOR * 1000 : 1000;
    return Math.max(polledAt + everySeconds * factor, this.#failedAt + this.#pauseSeconds * factor, this.#notBefore);
  }

  async #pollDue(): Promise<void> {
    const now = this.#clock.monotonic();
    const due = [...this.#waiting].filter((watch) => this.#dueAt(watch) <= now);
    const alone = due.find(({ isAlone }) => isAlone);
    const watches = new Set(alone ? [alone] : due);
    // A timer may fire somewhat early.
    if (watches.size === 0) return this.#schedule();
    const ids = [...watches].flatMap(({ fields }) => fields.map(fieldIdOf));
    const abort = new Abort();
    this.#poll = { watches, abort };
    try {
      for (const watch of watches) watch.polledAt = now;
      const result = await this.#reader.read(ids, abort);
      this.#poll = undefined;
      if ('failure' in result) return this.#fail(result.failure, watches);
      this.#failures = 0;
      this.#pauseSeconds = 0;
      for (const watch of watches) {
        watch.isAlone = false;
        watch.deliver(result.known);
      }
    } catch {
      // Nobody waits for it any more.
    } finally {
      this.#poll = undefined;
      this.#schedule();
    }
  }

  #fail(verdict: Verdict, watches: ReadonlySet<Watch>): void {
    if (verdict.kind === 'transient') {
      this.#failures += 1;
      this.#failedAt = this.#clock.monotonic();
      // Without Retry-After, which a hidden page does not stretch.
      this.#pauseSeconds = retryPolicy({ kind: 'transient' }, this.#failures, this.#clock.random()).seconds;
      this.#notBefore = this.#failedAt + (verdict.retryAfter ?? 0) * 1000;
    } else if (watches.size === 1) {
      for (const watch of watches) watch.fail(getException(verdict));
    } else {
      // What one of them asks for may be what is refused.
      for (const watch of watches) watch.isAlone = true;
    }
    for (const watch of watches) watch.polledAt = Number.NEGATIVE_INFINITY;
  }
}
