import { pushAborted, pushNotSent, pushTakenOver } from './bad-luck.js';
import { batchLength, joinBody } from './batch.js';
import { type Entry, type StoredEntry, toEntry } from './entry.js';
import type { ApiException, PushException } from './exceptions.js';
import type { Flush } from './flush.js';
import type { Isolation } from './isolation.js';
import type { LearnedSize } from './learned-size.js';
import type { Outbound } from './outbound.js';
import type { PushQueue } from './push-queue.js';
import { type Call, type Failure, type PushResult, PushRun } from './push-run.js';
import type { QueuedEntry } from './queued-entry.js';
import type { Inquiry } from './server.js';
import { onAbort, type Signal } from './signal.js';
import type { UploadSlot } from './upload-slots.js';
import type { Verdict } from './verdict.js';

/** What becomes of this run's entries where the server refuses the credentials. */
export type RefusedCredentialsPolicy = 'discard' | 'keep';

/** How a pusher sends and what it does with entries whose credentials were refused. */
export interface PusherConfig {
  /** How many entries one request may carry. */
  readonly maxEntries: number;
  readonly onRefusedCredentials: RefusedCredentialsPolicy;
}

/** Told of pushes. */
export interface PushObserver {
  /** A push begins. */
  begun(): void;
  /** A push is over. @param failure - What it failed with; absent if it stored all that it was to. */
  ended(result: PushResult, failure: Failure | undefined): void;
  /** A push was given up, by its callers or as another took over what it was to send, before any answer came. */
  givenUp(): void;
}

/** A reason is saved with its entry: a server that sends a page with each refusal must not fill the storage. */
const MAX_REASON = 300;

/**
 * Uploads the queue, oldest entries first, one request at a time. An entry leaves the queue only after its verdict, and
 * by itself, never by count: what is committed meanwhile stays.
 */
export class Pusher {
  readonly #outbound: Outbound;
  readonly #queue: PushQueue;
  readonly #config: PusherConfig;
  readonly #flush: Flush;
  readonly #slot: UploadSlot;
  readonly #observer: PushObserver;
  readonly #size: LearnedSize;
  readonly #isolation: Isolation;
  #run: PushRun | undefined;
  #inquiry: Inquiry | undefined;

  /** @param slot - What its uploads wait for. */
  constructor(outbound: Outbound, config: PusherConfig, flush: Flush, slot: UploadSlot, observer: PushObserver) {
    this.#outbound = outbound;
    this.#queue = outbound.queue;
    this.#config = config;
    this.#flush = flush;
    this.#slot = slot;
    this.#observer = observer;
    this.#size = outbound.size;
    this.#isolation = outbound.isolation;
  }

  /** Whether a push is under way. */
  get pushing(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Uploads everything committed before this call; joins a push under way.
   *
   * @param signal - Rejects this call alone; the request under way is aborted if no other call waits for it.
   * @throws {@link PushException} if not everything was stored.
   */
  push(signal?: Signal): Promise<PushResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(pushAborted());
        return;
      }
      let stopListening = (): void => {};
      const call: Call = {
        upTo: this.#queue.lastSequence,
        taken: this.#queue.taken,
        resolve: (result) => {
          stopListening();
          resolve(result);
        },
        reject: (exception) => {
          stopListening();
          reject(exception);
        },
      };
      const run = this.#run ?? new PushRun(this.#outbound.clock.monotonic());
      run.calls.add(call);
      stopListening = onAbort(signal, () => {
        run.calls.delete(call);
        call.reject(pushAborted());
        if (run.calls.size === 0) this.#abort(run);
      });
      if (this.#run === undefined) this.#begin(run);
    });
  }

  /** Ends a push under way: its calls are rejected with `exception`, the entries stay. */
  stop(exception: ApiException): void {
    if (this.#run === undefined) return;
    this.#run.rejectAll(exception);
    this.#abort(this.#run);
  }

  #abort(run: PushRun): void {
    run.isAborted = true;
    if (this.#inquiry !== undefined) this.#inquiry.abort();
    else this.#slot.release();
  }

  #begin(run: PushRun): void {
    this.#run = run;
    this.#isolation.begin(this.#queue.length, this.#config.maxEntries);
    this.#observer.begun();
    void this.#drain(run).catch(() => {
      // Whatever threw: no call is left waiting.
      this.#fail(run, { exception: pushNotSent(), kind: 'bad-luck' });
    });
  }

  #fail(run: PushRun, failure: Failure): void {
    run.rejectAll(failure.exception);
    this.#end(run, failure);
  }

  /** In the same turn in which its last call is answered: a later call begins a push of its own. */
  #end(run: PushRun, failure: Failure | undefined): void {
    this.#run = undefined;
    this.#slot.release();
    this.#queue.inFlight = [];
    const { pushed: entries, requests } = run;
    const milliseconds = this.#outbound.clock.monotonic() - run.started;
    if (run.isJudged || failure !== undefined || this.#queue.length === 0)
      this.#observer.ended({ pushed: entries, requests }, failure);
    else this.#observer.givenUp();
    // Last: a listener may push.
    if (entries > 0) this.#outbound.emitter.emit('push', { entries, requests, milliseconds });
  }

  async #drain(run: PushRun): Promise<void> {
    for (;;) {
      // What left with a page that lives after all is not sent twice.
      while (this.#flush.underWay !== undefined) {
        this.#slot.release();
        await this.#flush.underWay;
      }
      this.#queue.check();
      run.rejectAll(pushTakenOver(), (call) => call.taken !== this.#queue.taken);
      for (const call of run.calls) {
        if (!this.#isolation.isAnswered((count) => this.#upTo(call.upTo, count))) continue;
        run.settle(call, this.#upTo(call.upTo, 1).length === 0);
      }
      if (run.calls.size === 0) {
        this.#end(run, run.outcome);
        return;
      }
      const waiting = this.#slot.take();
      if (waiting !== undefined) {
        await waiting;
        // What is to be sent may be another by now.
        continue;
      }
      const { upTo } = run;
      const batch = this.#next(upTo);
      const verdict = await this.#send(run, batch);
      const exception = this.#judge(run, batch, verdict, upTo);
      if (exception === undefined) continue;
      this.#fail(run, { exception, kind: verdict.kind });
      return;
    }
  }

  #next(upTo: number): QueuedEntry[] {
    const { limits } = this.#size;
    const batch = this.#isolation.next((count) => this.#upTo(upTo, count), limits.maxEntries);
    batch.length = batchLength(batch, limits);
    return batch;
  }

  async #send(run: PushRun, batch: readonly QueuedEntry[]): Promise<Verdict> {
    run.isAborted = false;
    run.requests += 1;
    const { server, wallClock } = this.#outbound;
    this.#queue.inFlight = batch;
    this.#inquiry = server.postEntries(joinBody(batch, wallClock));
    const { verdict } = await this.#inquiry.outcome;
    this.#inquiry = undefined;
    this.#slot.release();
    this.#queue.inFlight = [];
    return verdict;
  }

  /** Does with a batch what its verdict says. @returns What the push ends with, if it can't go on. */
  #judge(run: PushRun, batch: QueuedEntry[], verdict: Verdict, upTo: number): PushException | undefined {
    // An aborted request failed nobody: calls that joined since are served by the next one.
    if (run.isAborted && verdict.kind !== 'stored') return undefined;
    run.isJudged = true;
    if (verdict.kind === 'stored') {
      this.#isolation.accepted(batch);
      // Less than was sent, where a request that left with the page was answered first.
      run.pushed += this.#queue.remove(batch);
      this.#size.passed();
      return undefined;
    }
    // What another took over meanwhile is that one's to judge.
    this.#queue.check();
    if (verdict.isSizeSuspect) this.#size.failed(batch);
    switch (verdict.kind) {
      case 'credentials-refused':
        return run.exceptionOf(verdict, this.#discard(verdict, upTo));
      case 'too-large':
      case 'entries-refused':
        return this.#isolate(run, batch, verdict);
      case 'bad-luck':
        if (!verdict.isSizeSuspect || !this.#isolation.stumbled(batch)) return run.exceptionOf(verdict);
        run.failure ??= verdict;
        return undefined;
      default:
        return run.exceptionOf(verdict);
    }
  }

  #isolate(run: PushRun, batch: readonly QueuedEntry[], verdict: Verdict): PushException | undefined {
    if (verdict.kind === 'too-large' && batch.length > 1) this.#isolation.tooLarge();
    else {
      const bad = this.#isolation.refused(batch);
      if (bad !== undefined) this.#quarantine(run, bad, verdict);
      if (batch.length === 1) run.failure ??= verdict;
    }
    return this.#isolation.isOver ? run.exceptionOf(verdict) : undefined;
  }

  #quarantine(run: PushRun, bad: QueuedEntry, { status = 0, message }: Verdict): void {
    const reason = message.slice(0, MAX_REASON);
    const entry = this.#queue.setAside(bad, { status, reason });
    // Forgotten or taken over while it was under way.
    if (entry === undefined) return;
    run.addQuarantined(entry, bad.origin === 'adopted' ? 0 : bad.sequence);
    this.#outbound.emitter.emit('quarantine', { entries: [entry], status, message });
  }

  /** The oldest entries up to a sequence number, adopted ones included; `count` at most. */
  #upTo(sequence: number, count: number): QueuedEntry[] {
    const oldest = this.#queue.oldest(count);
    // What is later than asked for stands at the end, and mostly nothing is.
    while (oldest.length > 0 && isLater(oldest[oldest.length - 1] as QueuedEntry, sequence)) oldest.pop();
    return oldest;
  }

  /** Throws away what this run committed and the push was to upload; what was restored or adopted stays. */
  #discard(verdict: Verdict, upTo: number): Entry[] {
    if (this.#config.onRefusedCredentials === 'keep') return [];
    const queued = this.#upTo(upTo, this.#queue.length).filter((entry) => entry.origin === 'committed');
    const entries = queued.map((entry: StoredEntry) => toEntry(entry));
    if (entries.length > 0) {
      // Told before they go, so that a listener can still put them elsewhere if this process ends here.
      this.#outbound.emitter.emit('discard', { entries, status: verdict.status ?? 0, message: verdict.message });
      this.#queue.remove(queued);
    }
    return entries;
  }
}

function isLater(entry: QueuedEntry, sequence: number): boolean {
  return entry.origin !== 'adopted' && entry.sequence > sequence;
}
