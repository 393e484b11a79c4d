import type { PushException } from '../model/request-exceptions.js';
import type { Emitter, PushEnd, PushFailure } from '../notify/emitter.js';
import type { AutoPushConfig } from '../options/options.js';
import type { Lanes } from '../outbox/lanes.js';
import type { Outbox } from '../outbox/outbox.js';
import type { LifecycleEvent } from '../ports/environment.js';
import { BACKGROUND, type Clock } from '../time/clock.js';
import { backoffSeconds, type Outcome, type Retry, retryPolicy } from '../time/retry-policy.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import type { Hold } from './hold.js';
import type { Uploader } from './uploader.js';

/*
 *  idle ──enqueued──▶ waiting {dueAt, reason: interval | backoff | rejected | content | strikes}
 *    ▲                   │ timer, atEntries, before-exit; online, visible, resume, urgent entries bring it forward
 *    │ emptied           ▼
 *    └─────────────── pushing {isOwn} ── stored ──────────▶ idle | waiting(interval)
 *                        │ transient ─────────────────────▶ waiting(backoff), not before Retry-After
 *                        │ rejected ──────────────────────▶ waiting(rejected), 15 to 60 min
 *                        │ content refused ───────────────▶ waiting(content), 15 to 60 min, or a backoff after a commit
 *                        │ only entries with strikes left ▶ waiting(strikes), 15 to 60 min, or an interval after a commit
 *                        │ unauthorized ──────────────────▶ blocked ── resume, setApiKey ──▶ waiting, due now
 *                        │ aborted ───────────────────────▶ as before the push
 *
 *  waiting ── pause ──▶ idle, in which no timer is set before resume; a push started here ends after the request under way
 *
 *  idle, waiting, blocked ── a push by hand ──▶ pushing           any ── close ──▶ closed
 */
type State =
  | { readonly name: 'idle' | 'blocked' | 'closed' }
  | Waiting
  | {
      readonly name: 'pushing';
      /** Whether the push was started here. */
      readonly isOwn: boolean;
      readonly wasBlocked: boolean;
    };

interface Waiting {
  readonly name: 'waiting';
  /** On the monotonic clock, in milliseconds. */
  readonly dueAt: number;
  readonly reason: Reason;
  /** The same time in Unix seconds, by the local clock. */
  readonly nextTry: number;
  readonly cancel: () => void;
}

/**
 * The reasons to wait. A wait for `strikes` or for refused `content` ends early when entries are queued: those without strikes need
 * not wait, and if the server accepts another entry, the refused one is quarantined.
 */
type Reason = 'interval' | 'backoff' | 'rejected' | 'content' | 'strikes';

/** The delay after a failure: the time of the next try, and the earliest times that it may be brought forward to. */
interface Delay {
  readonly reason: Reason;
  readonly dueAt: number;
  /** By an event. */
  readonly notBefore: number;
  /** By an entry that was queued after the push began. */
  readonly newerAt: number;
}

const LONG_AGO = Number.NEGATIVE_INFINITY;
const NO_DELAY: Delay = { reason: 'interval', dueAt: LONG_AGO, notBefore: LONG_AGO, newerAt: LONG_AGO };
const REASONS: Readonly<Record<Outcome['kind'], Reason>> = {
  stored: 'interval',
  transient: 'backoff',
  unauthorized: 'rejected',
  rejected: 'rejected',
  'invalid-entries': 'content',
  'too-large': 'content',
};
const ENDED_BY_NEWER: ReadonlySet<Reason> = new Set(['content', 'strikes']);
const IDLE: State = { name: 'idle' };
const BLOCKED: State = { name: 'blocked' };
const CLOSED: State = { name: 'closed' };

/** The minimum distance of tries that events bring forward, in milliseconds: the network may come and go often. */
const MIN_WAKE_GAP_MS = 5000;

/** The parts of a client that automatic pushing uses. */
export interface AutoPushParts {
  readonly uploader: Pick<Uploader, 'push'>;
  readonly outbox: Pick<Outbox, 'length'>;
  readonly finder: Pick<BadEntryFinder, 'struckCount'>;
  readonly hold: Pick<Hold, 'isOn'>;
  readonly lanes: Pick<Lanes, 'hasUrgent'>;
  readonly clock: Clock;
  readonly emitter: Emitter;
}

/** Pushes automatically, with at most one timer. Calls of `push()` count as tries too. */
export class AutoPush {
  readonly #parts: AutoPushParts;
  readonly #config: AutoPushConfig & { readonly isInMemory: boolean };
  /**
   * Pushes are due each `everySeconds` after this, on the monotonic clock in milliseconds. Random: it avoids a thundering
   * herd on gateways and after a power cut.
   */
  readonly #phase: number;
  #state: State = IDLE;
  #delay = NO_DELAY;
  /** The number of tries that failed in a row. */
  #failures = 0;
  #lastEnd = LONG_AGO;
  /** The time before which the server asked for no further request, on the monotonic clock. */
  #retryAt = LONG_AGO;
  /** Whether an urgent entry was queued during the last push. */
  #isUrgent = false;
  /** Whether an entry was queued during the last push. */
  #hasNewer = false;
  #lastEmitted: PushException | undefined;
  #hasPushedBeforeExit = false;

  /** @param config - `isInMemory`: whether queued entries end with the process. */
  constructor(parts: AutoPushParts, config: AutoPushConfig & { readonly isInMemory: boolean }) {
    const { clock } = parts;
    this.#parts = parts;
    this.#config = config;
    this.#phase = clock.monotonic() + clock.random() * config.everySeconds * 1000;
  }

  /** When the next automatic push is due, in Unix seconds by the local clock; `undefined` if none is planned. */
  get nextTry(): number | undefined {
    return this.#state.name === 'waiting' ? this.#state.nextTry : undefined;
  }

  /** Entries were queued. */
  onEnqueued(): void {
    if (this.#state.name === 'pushing') {
      this.#hasNewer = true;
      return;
    }
    const fresh = this.#fresh;
    const isFull = fresh >= this.#config.atEntries && this.#failures === 0;
    const isWaiting = this.#state.name === 'waiting' && !ENDED_BY_NEWER.has(this.#state.reason);
    if (isWaiting && !isFull) return;
    const { reason, newerAt } = this.#delay;
    const next = this.#parts.clock.monotonic() + (isFull ? 0 : this.#untilInterval);
    if (reason === 'strikes' && fresh > 0) this.#bringForward(next, 'interval');
    // The queue may have been empty when a push failed, so that the delay is still ahead.
    else this.#bringForward(Math.max(next, newerAt), reason);
  }

  /** An urgent entry was queued: it waits for neither the interval nor the delay after a failure. */
  onUrgent(): void {
    this.#isUrgent = this.#state.name === 'pushing';
    const { reason } = this.#delay;
    const dueAt = Math.max(this.#parts.clock.monotonic(), this.#lastEnd + MIN_WAKE_GAP_MS, this.#retryAt);
    this.#bringForward(dueAt, reason);
  }

  /** Entries left the outbox. */
  onRemoved(): void {
    if (this.#parts.outbox.length === 0 && this.#state.name === 'waiting') this.#leaveWaiting(IDLE);
  }

  onPushStarted(): void {
    this.#isUrgent = false;
    this.#hasNewer = false;
    const { name } = this.#state;
    if (name !== 'pushing') this.#enterPushing({ isOwn: false, wasBlocked: name === 'blocked' });
  }

  /** A push ended without a response: restores the state before it. */
  onPushAborted(): void {
    if (this.#state.name !== 'pushing') return;
    this.#state = this.#state.wasBlocked ? BLOCKED : IDLE;
    const { reason, dueAt, notBefore } = this.#delay;
    if (this.#failures === 0) this.onEnqueued();
    else this.#bringForward(Math.max(dueAt, notBefore), reason);
    if (this.#isUrgent && this.#parts.lanes.hasUrgent) this.onUrgent();
  }

  onPushEnded({ result: { pushed }, failure }: PushEnd): void {
    if (this.#state.name !== 'pushing') return;
    const { isOwn } = this.#state;
    this.#state = IDLE;
    this.#delay = NO_DELAY;
    this.#lastEnd = this.#parts.clock.monotonic();
    this.#retryAt = this.#lastEnd + (failure?.exception.retryAfter ?? 0) * 1000;
    if (pushed > 0 || failure === undefined) this.#failures = 0;
    const seconds = this.#plan(pushed, failure);
    if (this.#isUrgent && this.#parts.lanes.hasUrgent) this.onUrgent();
    if (failure === undefined) return;
    const { exception } = failure;
    if (isOwn) this.#emitError(exception);
    if (seconds === undefined || this.#state.name !== 'waiting') return;
    const { nextTry: at, dueAt } = this.#state;
    const attempt = Math.max(this.#failures, 1);
    const actual = Math.min(seconds, (dueAt - this.#lastEnd) / 1000);
    this.#parts.emitter.emit('retry', { at, seconds: actual, message: exception.message, attempt });
  }

  onLifecycle(event: LifecycleEvent): void {
    if (event === 'online' || event === 'visible') this.wake();
    // Only once: the event is emitted again after that push.
    if (event === 'before-exit' && this.#config.isInMemory && !this.#hasPushedBeforeExit)
      this.#hasPushedBeforeExit = this.pushBeforeExit();
  }

  /** The network came back, or the page is shown again: brings the next push forward. */
  wake(): void {
    const { clock } = this.#parts;
    const soon = clock.monotonic() + backoffSeconds(1, clock.random()) * 1000;
    const dueAt = Math.max(soon, this.#lastEnd + MIN_WAKE_GAP_MS, this.#delay.notBefore);
    const before = this.#delay;
    this.#delay = {
      ...before,
      dueAt: Math.min(before.dueAt, dueAt),
      newerAt: Math.min(before.newerAt, dueAt),
    };
    this.#bringForward(dueAt, 'backoff');
  }

  /** Everything automatic was put on hold; {@link AutoPush.resume} ends that. */
  onHeld(): void {
    if (this.#parts.hold.isOn && this.#state.name === 'waiting') this.#leaveWaiting(IDLE);
  }

  /** Plans a push at once, also after refused credentials. */
  resume(): void {
    if (this.#state.name === 'pushing') this.#state = { ...this.#state, wasBlocked: false };
    else if (this.#state.name === 'blocked') this.#state = IDLE;
    this.#failures = 0;
    this.#delay = NO_DELAY;
    this.#wait(0, 'interval');
  }

  /**
   * Keeps a process that ends alive for one more push, as its entries are only in memory.
   *
   * @returns Whether a push has started.
   */
  pushBeforeExit(): boolean {
    const isReady = this.#state.name === 'idle' || this.#state.name === 'waiting';
    if (!isReady || this.#parts.outbox.length === 0 || this.#parts.hold.isOn) return false;
    this.#push();
    return true;
  }

  close(): void {
    if (this.#state.name === 'waiting') this.#leaveWaiting(CLOSED);
    else this.#state = CLOSED;
  }

  /** The number of queued entries without strikes. */
  get #fresh(): number {
    return this.#parts.outbox.length - this.#parts.finder.struckCount;
  }

  get #untilInterval(): number {
    const period = this.#config.everySeconds * 1000;
    if (period === 0) return 0;
    const since = (this.#parts.clock.monotonic() - this.#phase) % period;
    return since < 0 ? -since : period - since;
  }

  /** Plans the next push after the end of a push. @returns The delay in seconds, if the failure causes it. */
  #plan(pushed: number, failure: PushFailure | undefined): number | undefined {
    if (failure?.isThrough && this.#fresh <= 0) return this.#retryStruck(failure);
    // Bad entries among accepted entries change nothing about the interval.
    const isRest = pushed > 0 && (failure?.isThrough || failure?.kind === 'invalid-entries');
    if (failure !== undefined && !isRest) return this.#retry(failure);
    this.onEnqueued();
    return undefined;
  }

  #retryStruck({ exception: { retryAfter } }: PushFailure): number {
    const retry = retryPolicy({ kind: 'rejected', retryAfter }, 0, this.#parts.clock.random());
    this.#failures = 0;
    return this.#delayBy({ ...retry, minSeconds: Number.NEGATIVE_INFINITY }, 'strikes');
  }

  #retry({ exception: { retryAfter }, kind, isOnlyOfStruck }: PushFailure): number {
    this.#failures += 1;
    if (kind === 'unauthorized') this.#state = BLOCKED;
    // The failure of an entry with strikes proves nothing about entries that were queued meanwhile.
    const outcome = { kind: isOnlyOfStruck ? 'transient' : kind, retryAfter } as const;
    return this.#delayBy(retryPolicy(outcome, this.#failures, this.#parts.clock.random()), REASONS[outcome.kind]);
  }

  #delayBy({ seconds, minSeconds, newerSeconds }: Retry, reason: Reason): number {
    const after = (delay: number): number => this.#lastEnd + delay * 1000;
    this.#delay = { reason, dueAt: after(seconds), notBefore: after(minSeconds), newerAt: after(newerSeconds) };
    this.#wait(seconds * 1000, reason);
    if (this.#hasNewer) this.onEnqueued();
    return seconds;
  }

  #emitError(error: PushException): void {
    if (this.#state.name === 'closed' || error === this.#lastEmitted) return;
    this.#lastEmitted = error;
    this.#parts.emitter.emit('error', error);
  }

  /** Waits, unless the timer is due earlier: repeated calls never delay a push. */
  #bringForward(dueAt: number, reason: Reason): void {
    if (this.#state.name === 'waiting' && this.#state.dueAt <= dueAt) return;
    this.#wait(dueAt - this.#parts.clock.monotonic(), reason);
  }

  #wait(milliseconds: number, reason: Reason): void {
    const { clock, outbox, emitter, hold } = this.#parts;
    const { name } = this.#state;
    if ((name !== 'idle' && name !== 'waiting') || outbox.length === 0 || hold.isOn) return;
    if (this.#state.name === 'waiting') this.#state.cancel();
    const dueAt = clock.monotonic() + milliseconds;
    const nextTry = Math.ceil((clock.now() + milliseconds) / 1000);
    const cancel = clock.setTimer(() => this.#push(), milliseconds, BACKGROUND);
    this.#state = { name: 'waiting', dueAt, reason, nextTry, cancel };
    emitter.emit('planned');
  }

  #leaveWaiting(next: State): void {
    if (this.#state.name === 'waiting') this.#state.cancel();
    this.#state = next;
    this.#parts.emitter.emit('planned');
  }

  #enterPushing(how: { readonly isOwn: boolean; readonly wasBlocked: boolean }): void {
    if (this.#state.name !== 'closed') this.#leaveWaiting({ name: 'pushing', ...how });
  }

  #push(): void {
    this.#enterPushing({ isOwn: true, wasBlocked: false });
    // `push-ended` does not report a push that ended without a response.
    this.#parts.uploader.push(undefined, { isAutomatic: true }).catch((error: PushException) => this.#emitError(error));
  }
}
