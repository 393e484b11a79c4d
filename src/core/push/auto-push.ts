import type { PushException } from '../model/request-exceptions.js';
import type { Emitter } from '../notify/emitter.js';
import type { AutoPushConfig } from '../options/options.js';
import type { Clock } from '../time/clock.js';
import { backoffSeconds, retryPolicy } from '../time/retry-policy.js';
import type { Failure, PushResult } from './push-run.js';

/** However often the network comes and goes, tries that it brings forward are this far apart, in milliseconds. */
const MIN_WAKE_GAP_MS = 5000;

/** Pushes by itself, by one timer at most. All pushes count, those by hand too. */
export class AutoPush {
  readonly #config: AutoPushConfig;
  readonly #clock: Clock;
  readonly #emitter: Emitter;
  readonly #push: () => Promise<unknown>;
  readonly #queued: () => number;
  readonly #struck: () => number;
  readonly #onChange: () => void;
  /** Pushes are due each `everySeconds` after this, on the monotonic clock in milliseconds. */
  readonly #phase: number;
  #cancel: (() => void) | undefined;
  /** When the timer is due, or would be after a failure, on the monotonic clock in milliseconds. */
  #due = 0;
  #nextTry: number | undefined;
  /** How many tries have failed in a row. */
  #attempt = 0;
  /** Not before this, on the monotonic clock in milliseconds: the server asked for it, or refused. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #lastEnd = Number.NEGATIVE_INFINITY;
  #isPushing = false;
  /** Credentials were refused: nothing is tried before something changes. */
  #isBlocked = false;
  #isClosed = false;
  /** Whether the push under way was begun here. */
  #isOwn = false;
  /** The last exception that was told of. */
  #lastEmitted: PushException | undefined;
  /** When entries with strikes are tried again, if nothing else is queued, on the monotonic clock. */
  #slowUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param calls - `push` starts a push; `queued` tells how many entries are queued, and `struck` how many of them have strikes; `onChange` is told whenever {@link AutoPush.nextTry} changes.
   */
  constructor(
    config: AutoPushConfig,
    clock: Clock,
    emitter: Emitter,
    calls: {
      readonly push: () => Promise<unknown>;
      readonly queued: () => number;
      readonly struck: () => number;
      readonly onChange: () => void;
    },
  ) {
    this.#config = config;
    this.#clock = clock;
    this.#emitter = emitter;
    this.#push = calls.push;
    this.#queued = calls.queued;
    this.#struck = calls.struck;
    this.#onChange = calls.onChange;
    // Its own, so that the many of a gateway, or of devices that one switch turns on, don't push all at once.
    this.#phase = clock.monotonic() + clock.random() * config.everySeconds * 1000;
  }

  /** When the next push by itself is due, in Unix seconds by the local clock; `undefined` where none is. */
  get nextTry(): number | undefined {
    return this.#nextTry;
  }

  /** Entries were queued. */
  onEnqueued(): void {
    const fresh = this.#fresh;
    const isAtOnce = fresh >= this.#config.atEntries && this.#attempt === 0;
    const isSlow = this.#slowUntil !== Number.NEGATIVE_INFINITY && this.#due >= this.#slowUntil;
    if (this.#cancel !== undefined && !isAtOnce && !isSlow) return;
    const wait = isAtOnce ? 0 : this.#untilInterval;
    // The queue may have been empty when a try failed, so that no other was planned.
    const soonest = this.#attempt > 0 ? Math.max(this.#due, this.#notBefore) : this.#notBefore;
    const due = Math.max(this.#clock.monotonic() + wait, soonest);
    this.#bringForwardTo(fresh > 0 ? due : Math.max(due, this.#slowUntil));
  }

  /** A push begins. */
  onPushStarted(): void {
    this.#isPushing = true;
    this.#clear();
  }

  /** A push was given up before its answer came: everything is as it was before it. */
  onPushAborted(): void {
    this.#isPushing = false;
    this.#isOwn = false;
    if (this.#attempt === 0) this.onEnqueued();
    else this.#bringForwardTo(Math.max(this.#due, this.#notBefore));
  }

  /** A push is over. */
  onPushEnded({ pushed }: PushResult, failure: Failure | undefined): void {
    const isOwn = this.#isOwn;
    this.#isOwn = false;
    this.#isPushing = false;
    this.#isBlocked = false;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#slowUntil = Number.NEGATIVE_INFINITY;
    this.#lastEnd = this.#clock.monotonic();
    if (pushed > 0 || failure === undefined) this.#attempt = 0;
    const seconds = this.#plan(pushed, failure);
    if (failure === undefined) return;
    const { exception } = failure;
    const [at, attempt] = [this.#nextTry, Math.max(this.#attempt, 1)];
    // After it was planned: a listener may change that.
    if (isOwn) this.#emitError(exception);
    if (seconds === undefined || at === undefined) return;
    this.#emitter.emit('retry', { at, seconds, message: exception.message, attempt });
  }

  /** Plans what follows a push. @returns In how many seconds it is tried again, where that is for its failure. */
  #plan(pushed: number, failure: Failure | undefined): number | undefined {
    if (failure?.isThrough && this.#fresh <= 0) {
      const { retryAfter } = failure.exception;
      const seconds = retryPolicy({ kind: 'rejected', retryAfter }, 0, this.#clock.random()).seconds;
      this.#attempt = 0;
      this.#slowUntil = this.#lastEnd + seconds * 1000;
      return this.#retryIn(seconds);
    }
    // Entries that the server does not take among others that it takes are no reason to hurry, nor to wait.
    const isRest = pushed > 0 && (failure?.isThrough || failure?.kind === 'invalid-entries');
    if (failure === undefined || isRest) {
      this.onEnqueued();
      return undefined;
    }
    this.#isBlocked = failure.kind === 'unauthorized';
    this.#attempt += 1;
    return this.#retryIn(this.#secondsAfter(failure));
  }

  #retryIn(seconds: number): number | undefined {
    this.#due = this.#lastEnd + seconds * 1000;
    return this.#schedule(seconds * 1000) ? seconds : undefined;
  }

  /** The network came back, or the page is shown again: what waits need not wait for long. */
  wake(): void {
    const now = this.#clock.monotonic();
    const due = Math.max(
      now + backoffSeconds(1, this.#clock.random()) * 1000,
      this.#lastEnd + MIN_WAKE_GAP_MS,
      this.#notBefore,
    );
    this.#bringForwardTo(due);
  }

  /** Goes on after refused credentials, or before it would by itself after anything else. */
  resume(): void {
    this.#isBlocked = false;
    this.#attempt = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#schedule(0);
  }

  /**
   * The process ends, and with it what is in memory alone: this keeps it alive for one push more.
   *
   * @returns Whether there was something to push.
   */
  pushBeforeExit(): boolean {
    if (this.#isClosed || this.#isBlocked || this.#isPushing || this.#queued() === 0) return false;
    this.#try();
    return true;
  }

  /** Nothing is queued any more. */
  onEmptied(): void {
    if (this.#cancel !== undefined) this.#clear();
  }

  close(): void {
    this.#isClosed = true;
    this.#clear();
  }

  get #untilInterval(): number {
    const period = this.#config.everySeconds * 1000;
    if (period === 0) return 0;
    const since = (this.#clock.monotonic() - this.#phase) % period;
    return since < 0 ? -since : period - since;
  }

  /** How many entries are queued that the server may take for all that is known. */
  get #fresh(): number {
    return this.#queued() - this.#struck();
  }

  #secondsAfter({ exception: { retryAfter }, kind, isOnlyOfStruck }: Failure): number {
    // An entry with strikes says nothing about those that were queued while it was tried.
    const outcome = { kind: isOnlyOfStruck ? 'transient' : kind, retryAfter } as const;
    const { seconds, minSeconds } = retryPolicy(outcome, this.#attempt, this.#clock.random());
    this.#notBefore = this.#lastEnd + minSeconds * 1000;
    return seconds;
  }

  /** @param due - On the monotonic clock. What is due before is not put off, however often this is asked for. */
  #bringForwardTo(due: number): void {
    if (this.#cancel !== undefined && this.#due <= due) return;
    this.#schedule(due - this.#clock.monotonic());
  }

  /** @returns Whether there is something to be pushed then. */
  #schedule(milliseconds: number): boolean {
    if (this.#isClosed || this.#isPushing || this.#isBlocked || this.#queued() === 0) return false;
    this.#cancel?.();
    this.#due = this.#clock.monotonic() + milliseconds;
    this.#nextTry = Math.ceil((this.#clock.now() + milliseconds) / 1000);
    this.#cancel = this.#clock.setTimer(() => this.#try(), milliseconds, true);
    this.#onChange();
    return true;
  }

  #try(): void {
    this.#clear();
    this.#isOwn = true;
    this.#push().catch((error: PushException) => this.#emitError(error));
  }

  #emitError(error: PushException): void {
    this.#isOwn = false;
    if (this.#isClosed || error === this.#lastEmitted) return;
    this.#lastEmitted = error;
    this.#emitter.emit('error', error);
  }

  #clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#nextTry = undefined;
    this.#onChange();
  }
}
