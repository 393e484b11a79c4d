import type { Entry, QuarantinedEntry } from '../model/entry.js';
import type { PushResult } from '../model/events.js';
import type { ApiException } from '../model/exceptions.js';
import { PushException } from '../model/request-exceptions.js';
import type { PushFailure } from '../notify/emitter.js';
import type { Verdict } from '../server/verdict.js';

/** One call of `push()`. */
export interface Call {
  /** The call is settled once all adopted entries, and all entries up to this sequence number, are settled. */
  readonly upTo: number;
  /** The number of entries that other runs had adopted at the time of the call. */
  readonly fencedCount: number;
  /** Whether it ends early while everything automatic is on hold. */
  readonly isAutomatic: boolean;
  resolve(result: PushResult): void;
  reject(exception: ApiException): void;
}

/** One push under way, which later calls join. */
export class PushRun {
  /** The start on the monotonic clock, in milliseconds. */
  readonly started: number;
  /** The last sentence of each advice: where the entries that were not stored are kept. */
  readonly #kept: string;
  readonly #calls = new Set<Call>();
  readonly #quarantined: QuarantinedEntry[] = [];
  readonly #quarantinedSequences: number[] = [];
  readonly #expired: Entry[] = [];
  #pushed = 0;
  #requests = 0;
  #isJudged = false;
  #isAborted = false;
  /** The failure of an entry, after which the push went on. */
  #failure: Verdict | undefined;
  #isOnlyOfStruck = true;
  #exception: PushException | undefined;
  #hasFailed = false;

  /** @param config - `isInMemory`: whether queued entries end with the process. */
  constructor(started: number, config: { readonly isInMemory: boolean }) {
    this.started = started;
    this.#kept = config.isInMemory ? `${KEPT}, in memory: it is lost when this process or page ends.` : `${KEPT}.`;
  }

  get calls(): readonly Call[] {
    return [...this.#calls];
  }

  get hasCalls(): boolean {
    return this.#calls.size > 0;
  }

  get result(): PushResult {
    return { pushed: this.#pushed, requests: this.#requests, expired: this.#expired.length };
  }

  /** Whether any request was judged. */
  get isJudged(): boolean {
    return this.#isJudged;
  }

  /** Whether every call that waited for the request under way has left. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** The highest sequence number that a call waits for. */
  get upTo(): number {
    let upTo = 0;
    for (const call of this.#calls) upTo = Math.max(upTo, call.upTo);
    return upTo;
  }

  /** The failure that a call was rejected with; read after all calls are settled. */
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

  /** A batch is sent for the present calls. */
  beginUpload(): void {
    this.#isAborted = false;
  }

  addRequests(count: number): void {
    this.#requests += count;
  }

  addPushed(entries: number): void {
    this.#pushed += entries;
  }

  /** Entries expired before they were sent. */
  addExpired(entries: readonly Entry[]): void {
    for (const entry of entries) this.#expired.push(entry);
  }

  /** A request was judged. */
  addJudgement(): void {
    this.#isJudged = true;
  }

  /** Settles a call that has nothing left to send. */
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

  /** A request with a single entry failed. The push fails with the first such failure, preferably of an entry without strikes. */
  addFailure(verdict: Verdict, { isOfStruck }: { readonly isOfStruck: boolean }): void {
    if (this.#failure === undefined || (this.#isOnlyOfStruck && !isOfStruck)) this.#failure = verdict;
    this.#isOnlyOfStruck &&= isOfStruck;
  }

  /** An entry was quarantined. @param sequence - Its number in this run; 0 for an adopted entry, which every call waits for. */
  addQuarantined(entry: QuarantinedEntry, sequence: number): void {
    this.#quarantined.push(entry);
    this.#quarantinedSequences.push(sequence);
  }

  /**
   * @param makeException - Called only if a call is rejected: capturing the stack of an exception costs more than a push.
   * @param ofWhich - Selects the calls to reject. Default: all.
   */
  rejectAll(makeException: () => ApiException, ofWhich: (call: Call) => boolean = () => true): void {
    const rejected = this.calls.filter(ofWhich);
    if (rejected.length === 0) return;
    const exception = makeException();
    for (const call of rejected) this.#reject(call, exception);
  }

  /** The exception of this push, shared by all its calls. */
  exceptionOf(verdict: Verdict, discarded: readonly Entry[] = []): PushException {
    const [quarantined, expired] = [[...this.#quarantined], [...this.#expired]];
    const last = this.#exception;
    const isSame =
      last?.message === verdict.message &&
      last.quarantined.length === quarantined.length &&
      last.expired.length === expired.length;
    if (isSame && discarded.length === 0) return last;
    const advice = adviceFor(verdict, discarded.length, quarantined.length, this.#kept);
    this.#exception = new PushException(verdict.message, advice, { ...verdict, discarded, quarantined, expired });
    return this.#exception;
  }

  #reject(call: Call, exception: ApiException): void {
    this.#calls.delete(call);
    call.reject(exception);
  }
}

const KEPT = 'that was not stored is still queued';

function adviceFor({ advice }: Verdict, discarded: number, quarantined: number, kept: string): string {
  if (discarded > 0)
    return `${advice} This exception's "discarded" holds the discarded entries (${discarded} in all); restore() puts them back.`;
  if (quarantined === 0) return `${advice} Everything ${kept}`;
  return `${advice} The server does not accept ${quarantined === 1 ? 'an entry' : `${quarantined} entries`}: quarantined and saved, see quarantined(); restore() puts them back. Everything else ${kept}`;
}
