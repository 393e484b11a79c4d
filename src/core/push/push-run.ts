import type { Entry, QuarantinedEntry } from '../model/entry.js';
import type { ApiException } from '../model/exceptions.js';
import { PushException } from '../model/request-exceptions.js';
import type { Emitter } from '../notify/emitter.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Server } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import type { Clock } from '../time/clock.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import type { BatchSizer } from './batch-sizer.js';

/** What a push did; for a call that joined a push under way, what that push did in all. */
export interface PushResult {
  /** How many entries the server stored. */
  readonly pushed: number;
  /** How many requests it took; 0 if nothing was queued. */
  readonly requests: number;
}

/** What a push failed with. */
export interface Failure {
  readonly exception: PushException;
  readonly kind: Verdict['kind'];
  /** Whether all else was stored, or tried: the push did not end before its time. */
  readonly isThrough?: boolean;
  /** Whether no entry without strikes failed. */
  readonly isOnlyOfStruck?: boolean;
}

/** One call of `push()`. */
export interface Call {
  /** The call is answered once every entry up to this sequence number is, and every adopted one. */
  readonly upTo: number;
  /** How many entries others had taken over when it was made. */
  readonly fencedCount: number;
  resolve(result: PushResult): void;
  reject(exception: ApiException): void;
}

/** One push under way, which later calls join. */
export class PushRun {
  readonly calls = new Set<Call>();
  /** Set aside by this push. */
  readonly quarantined: QuarantinedEntry[] = [];
  /** On the monotonic clock, in milliseconds. */
  readonly started: number;
  pushed = 0;
  requests = 0;
  /** Whether any request was answered. */
  isJudged = false;
  /** No call waits for the request under way any more. */
  isAborted = false;
  /** Why not everything was stored, though the push went on. */
  #failure: Verdict | undefined;
  #isOnlyOfStruck = true;
  #exception: PushException | undefined;
  #hasFailed = false;
  readonly #quarantinedSequences: number[] = [];

  constructor(started: number) {
    this.started = started;
  }

  /** The latest sequence number that a call asked for. */
  get upTo(): number {
    let upTo = 0;
    for (const call of this.calls) upTo = Math.max(upTo, call.upTo);
    return upTo;
  }

  /** What it failed with, after all its calls were answered: what one of them was rejected with. */
  get outcome(): Failure | undefined {
    if (this.#failure === undefined || !this.#hasFailed) return undefined;
    const { kind } = this.#failure;
    return {
      exception: this.exceptionOf(this.#failure),
      kind,
      isThrough: true,
      isOnlyOfStruck: this.#isOnlyOfStruck,
    };
  }

  /** Answers a call for which nothing is left to be sent. @param isStored - Whether nothing of it is queued. */
  settle(call: Call, isStored: boolean): void {
    const isFailed = !isStored || this.#quarantinedSequences.some((sequence) => sequence <= call.upTo);
    if (this.#failure !== undefined && isFailed) {
      this.#hasFailed = true;
      this.#reject(call, this.exceptionOf(this.#failure));
      return;
    }
    this.calls.delete(call);
    call.resolve({ pushed: this.pushed, requests: this.requests });
  }

  /** An entry failed alone. The first failure is the reason of the push's, one without strikes before one with them. */
  addFailure(verdict: Verdict, { isOfStruck }: { readonly isOfStruck: boolean }): void {
    if (this.#failure === undefined || (this.#isOnlyOfStruck && !isOfStruck)) this.#failure = verdict;
    this.#isOnlyOfStruck &&= isOfStruck;
  }

  /** An entry was set aside. @param sequence - Its own in this run; 0 for an adopted one, which every call is about. */
  addQuarantined(entry: QuarantinedEntry, sequence: number): void {
    this.quarantined.push(entry);
    this.#quarantinedSequences.push(sequence);
  }

  /**
   * @param makeException - Called only where a call is rejected: an exception captures its stack, which costs more than a push.
   * @param ofWhich - Selects the calls that are rejected; by default all.
   */
  rejectAll(makeException: () => ApiException, ofWhich: (call: Call) => boolean = () => true): void {
    const rejected = [...this.calls].filter(ofWhich);
    if (rejected.length === 0) return;
    const exception = makeException();
    for (const call of rejected) this.#reject(call, exception);
  }

  /** What this push failed with: one for all its calls. */
  exceptionOf(verdict: Verdict, discarded: readonly Entry[] = []): PushException {
    const { quarantined } = this;
    const last = this.#exception;
    const isSame = last?.message === verdict.message && last.quarantined.length === quarantined.length;
    if (isSame && discarded.length === 0) return last;
    this.#exception = new PushException(verdict.message, adviceFor(verdict, discarded.length, quarantined.length), {
      ...verdict,
      discarded,
      quarantined: [...quarantined],
    });
    return this.#exception;
  }

  #reject(call: Call, exception: ApiException): void {
    this.calls.delete(call);
    call.reject(exception);
  }
}

function adviceFor({ advice }: Verdict, discarded: number, quarantined: number): string {
  if (discarded > 0)
    return `${advice} This exception's "discarded" holds what was thrown away (${discarded} in all); restore() puts it back.`;
  if (quarantined === 0) return `${advice} Everything that was not stored is still queued.`;
  return `${advice} The server does not take ${quarantined === 1 ? 'an entry' : `${quarantined} entries`}: quarantined and saved, see quarantined(); restore() puts them back. Everything else that was not stored is still queued.`;
}

/** What it takes to send what is queued, and to tell of it. */
export interface Outbound {
  readonly outbox: Outbox;
  readonly server: Server;
  readonly clock: Clock;
  readonly clockCorrection: ClockCorrection;
  readonly emitter: Emitter;
  /** How much one request may carry. */
  readonly sizer: BatchSizer;
  /** The entries that the server does not take, and what is sent next. */
  readonly finder: BadEntryFinder;
}
