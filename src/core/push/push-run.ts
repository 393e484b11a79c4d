import type { Entry, QuarantinedEntry } from '../model/entry.js';
import type { PushResult } from '../model/events.js';
import type { ApiException } from '../model/exceptions.js';
import { PushException } from '../model/request-exceptions.js';
import type { PushFailure } from '../notify/emitter.js';
import type { Verdict } from '../server/verdict.js';

/** One call of `push()`. */
export interface Call {
  /** The call is settled once every entry up to this sequence number is, and every adopted entry. */
  readonly upTo: number;
  /** How many entries other runs had adopted when it was made. */
  readonly fencedCount: number;
  resolve(result: PushResult): void;
  reject(exception: ApiException): void;
}

/** One push under way, which later calls join. */
export class PushRun {
  /** The start on the monotonic clock, in milliseconds. */
  readonly started: number;
  readonly #calls = new Set<Call>();
  readonly #quarantined: QuarantinedEntry[] = [];
  readonly #quarantinedSequences: number[] = [];
  #pushed = 0;
  #requests = 0;
  #isJudged = false;
  #isAborted = false;
  /** The reason why not everything was stored, though the push went on. */
  #failure: Verdict | undefined;
  #isOnlyOfStruck = true;
  #exception: PushException | undefined;
  #hasFailed = false;

  constructor(started: number) {
    this.started = started;
  }

  get calls(): readonly Call[] {
    return [...this.#calls];
  }

  get hasCalls(): boolean {
    return this.#calls.size > 0;
  }

  get result(): PushResult {
    return { pushed: this.#pushed, requests: this.#requests };
  }

  /** Whether any request was answered. */
  get isJudged(): boolean {
    return this.#isJudged;
  }

  /** Whether no call waits for the request under way any more. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** The latest sequence number that a call is about. */
  get upTo(): number {
    let upTo = 0;
    for (const call of this.#calls) upTo = Math.max(upTo, call.upTo);
    return upTo;
  }

  /** The failure of the push, after all its calls were settled: that of a rejected call. */
  get outcome(): PushFailure | undefined {
    if (this.#failure === undefined || !this.#hasFailed) return undefined;
    const { kind } = this.#failure;
    return {
      exception: this.exceptionOf(this.#failure),
      kind,
      isThrough: true,
      isOnlyOfStruck: this.#isOnlyOfStruck,
    };
  }

  join(call: Call): void {
    this.#calls.add(call);
  }

  leave(call: Call): void {
    this.#calls.delete(call);
  }

  abort(): void {
    this.#isAborted = true;
  }

  /** A batch leaves, for the calls that wait now. */
  beginUpload(): void {
    this.#isAborted = false;
  }

  addRequest(): void {
    this.#requests += 1;
  }

  addPushed(entries: number): void {
    this.#pushed += entries;
  }

  /** A request was answered. */
  addJudgement(): void {
    this.#isJudged = true;
  }

  /** Settles a call for which nothing is left to be sent. */
  settle(call: Call, { isStored }: { readonly isStored: boolean }): void {
    const isFailed = !isStored || this.#quarantinedSequences.some((sequence) => sequence <= call.upTo);
    if (this.#failure !== undefined && isFailed) {
      this.#hasFailed = true;
      this.#reject(call, this.exceptionOf(this.#failure));
      return;
    }
    this.#calls.delete(call);
    call.resolve(this.result);
  }

  /** An entry failed alone. The push fails with the first failure, of an entry without strikes if there is one. */
  addFailure(verdict: Verdict, { isOfStruck }: { readonly isOfStruck: boolean }): void {
    if (this.#failure === undefined || (this.#isOnlyOfStruck && !isOfStruck)) this.#failure = verdict;
    this.#isOnlyOfStruck &&= isOfStruck;
  }

  /** An entry was quarantined. @param sequence - Its number in this run; 0 for an adopted entry, which every call is about. */
  addQuarantined(entry: QuarantinedEntry, sequence: number): void {
    this.#quarantined.push(entry);
    this.#quarantinedSequences.push(sequence);
  }

  /**
   * @param makeException - Called only where a call is rejected: an exception captures its stack, which costs more than a push.
   * @param ofWhich - Selects the calls that are rejected; by default all.
   */
  rejectAll(makeException: () => ApiException, ofWhich: (call: Call) => boolean = () => true): void {
    const rejected = this.calls.filter(ofWhich);
    if (rejected.length === 0) return;
    const exception = makeException();
    for (const call of rejected) this.#reject(call, exception);
  }

  /** The exception of this push: one for all its calls. */
  exceptionOf(verdict: Verdict, discarded: readonly Entry[] = []): PushException {
    const quarantined = [...this.#quarantined];
    const last = this.#exception;
    const isSame = last?.message === verdict.message && last.quarantined.length === quarantined.length;
    if (isSame && discarded.length === 0) return last;
    const advice = adviceFor(verdict, discarded.length, quarantined.length);
    this.#exception = new PushException(verdict.message, advice, { ...verdict, discarded, quarantined });
    return this.#exception;
  }

  #reject(call: Call, exception: ApiException): void {
    this.#calls.delete(call);
    call.reject(exception);
  }
}

function adviceFor({ advice }: Verdict, discarded: number, quarantined: number): string {
  if (discarded > 0)
    return `${advice} This exception's "discarded" holds the discarded entries (${discarded} in all); restore() puts them back.`;
  if (quarantined === 0) return `${advice} Everything that was not stored is still queued.`;
  return `${advice} The server does not take ${quarantined === 1 ? 'an entry' : `${quarantined} entries`}: quarantined and saved, see quarantined(); restore() puts them back. Everything else that was not stored is still queued.`;
}
