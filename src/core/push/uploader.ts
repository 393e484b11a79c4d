import { type Entry, type QueuedEntry, type StoredEntry, toEntry } from '../model/entry.js';
import type { ApiException } from '../model/exceptions.js';
import { shortText } from '../model/foreign-text.js';
import { type PushException, pushAborted, pushFenced, pushNotSent } from '../model/request-exceptions.js';
import type { RefusedCredentialsPolicy } from '../options/options.js';
import type { Outbox } from '../outbox/outbox.js';
import type { UploadSlot } from '../ports/environment.js';
import { onAbort, type Signal } from '../ports/web-types.js';
import type { PendingRequest } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import type { BadEntryFinder, UploadOutcome } from './bad-entry-finder.js';
import { joinBody } from './batch.js';
import type { BatchSizer } from './batch-sizer.js';
import { type Call, type Failure, type Outbound, type PushResult, PushRun } from './push-run.js';
import type { BadEntry } from './strikes.js';
import type { UnloadFlush } from './unload-flush.js';

/** How a pusher sends and what it does with entries whose credentials were refused. */
export interface UploaderConfig {
  /** How many entries one request may carry. */
  readonly maxEntries: number;
  readonly onRefusedCredentials: RefusedCredentialsPolicy;
  /** See {@link Environment.isolatesRequests}. */
  readonly isolatesRequests: boolean;
  /** In seconds. */
  readonly requestTimeout: number;
}

/** Told of pushes. */
export interface PushObserver {
  /** A push begins. */
  onPushStarted(): void;
  /** A push is over. @param failure - What it failed with; absent if it stored all that it was to. */
  onPushEnded(result: PushResult, failure: Failure | undefined): void;
  /** A push was given up, by its callers or as another took over what it was to send, before any answer came. */
  onPushAborted(): void;
}

/** How often a call looks whether its turn has come, in milliseconds. */
const TURN_MS = 20;
/** How long after its deadline a request has certainly ended. */
const OVERDUE_MS = 1000;

const CONTENT_REFUSED =
  'The credentials are good: something on the way, such as a firewall, refuses the content. Smaller requests follow, to find the entry.';

/**
 * Uploads the queue, oldest entries first, one request at a time. An entry leaves the queue only after its verdict, and
 * by itself, never by count: what is committed meanwhile stays.
 */
export class Uploader {
  readonly #outbound: Outbound;
  readonly #outbox: Outbox;
  readonly #config: UploaderConfig;
  readonly #flush: UnloadFlush;
  readonly #slot: UploadSlot;
  readonly #observer: PushObserver;
  readonly #sizer: BatchSizer;
  readonly #finder: BadEntryFinder;
  #run: PushRun | undefined;
  #pending: PendingRequest | undefined;
  /** Where requests are isolated: when the request under way has ended at the latest, on the monotonic clock. */
  #overdueAt = 0;
  #stopped: ApiException | undefined;

  /** @param slot - What its uploads wait for. */
  constructor(
    outbound: Outbound,
    config: UploaderConfig,
    flush: UnloadFlush,
    slot: UploadSlot,
    observer: PushObserver,
  ) {
    this.#outbound = outbound;
    this.#outbox = outbound.outbox;
    this.#config = config;
    this.#flush = flush;
    this.#slot = slot;
    this.#observer = observer;
    this.#sizer = outbound.sizer;
    this.#finder = outbound.finder;
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
    return this.#config.isolatesRequests ? this.#pushInTurn(signal) : this.#join(signal);
  }

  /**
   * Waits until no push is under way, by a timer of its own: a request that joins the push of another one waits for that one's
   * I/O, which a worker runtime ends as a deadlock.
   */
  async #pushInTurn(signal: Signal | undefined): Promise<PushResult> {
    const { clock } = this.#outbound;
    while (this.#run !== undefined && !signal?.aborted) {
      await new Promise<void>((resolve) => clock.setTimer(resolve, TURN_MS));
      // The request that began it was canceled, and its timers and I/O with it.
      if (this.#run !== undefined && clock.monotonic() > this.#overdueAt) this.#abandon(this.#run);
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#join(signal);
  }

  #join(signal: Signal | undefined): Promise<PushResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(pushAborted());
        return;
      }
      let stopListening = (): void => {};
      const call: Call = {
        upTo: this.#outbox.lastSequence,
        fencedCount: this.#outbox.fencedCount,
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
      if (this.#run === undefined) this.#start(run);
    });
  }

  /** Ends a push under way: its calls are rejected with `exception`, the entries stay. */
  stop(exception: ApiException): void {
    this.#stopped = exception;
    if (this.#run === undefined) return;
    this.#run.rejectAll(() => exception);
    this.#abort(this.#run);
  }

  #abort(run: PushRun): void {
    run.isAborted = true;
    if (this.#pending !== undefined) this.#pending.abort();
    else this.#slot.release();
  }

  /** Ends a push whose request was canceled; nothing resumes it but by chance, and then it finds that it is over. */
  #abandon(run: PushRun): void {
    run.rejectAll(pushAborted);
    this.#abort(run);
    this.#end(run, undefined);
  }

  #start(run: PushRun): void {
    this.#run = run;
    this.#overdueAt = Number.POSITIVE_INFINITY;
    this.#finder.begin({ queued: this.#outbox.length, maxEntries: this.#config.maxEntries });
    this.#observer.onPushStarted();
    void this.#drain(run).catch(() => {
      // Whatever threw: no call is left waiting.
      this.#fail(run, { exception: pushNotSent(), kind: 'transient' });
    });
  }

  #fail(run: PushRun, failure: Failure): void {
    if (this.#run !== run) return;
    run.rejectAll(() => failure.exception);
    this.#end(run, failure);
  }

  /** In the same turn in which its last call is answered: a later call begins a push of its own. */
  #end(run: PushRun, failure: Failure | undefined): void {
    this.#run = undefined;
    this.#slot.release();
    this.#outbox.inFlight = [];
    const { pushed: entries, requests } = run;
    const milliseconds = this.#outbound.clock.monotonic() - run.started;
    if (run.isJudged || failure !== undefined || this.#outbox.length === 0)
      this.#observer.onPushEnded({ pushed: entries, requests }, failure);
    else this.#observer.onPushAborted();
    // Last: a listener may push.
    if (entries > 0) this.#outbound.emitter.emit('push', { entries, requests, milliseconds });
  }

  async #drain(run: PushRun): Promise<void> {
    for (;;) {
      // What left with a page that lives after all is not sent twice.
      while (this.#flush.pending !== undefined) {
        this.#slot.release();
        await this.#flush.pending;
      }
      this.#outbox.reconcile();
      run.rejectAll(pushFenced, (call) => call.fencedCount !== this.#outbox.fencedCount);
      for (const call of run.calls) {
        if (this.#finder.plan(this.#outbox.upTo(call.upTo), ONE_ENTRY).length > 0) continue;
        run.settle(call, isEmpty(this.#outbox.upTo(call.upTo)));
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
      const batch = this.#finder.plan(this.#outbox.upTo(upTo), this.#sizer.limits);
      const verdict = await this.#send(run, batch);
      if (this.#run !== run) return;
      const exception = this.#judge(run, batch, verdict, upTo);
      if (exception === undefined) continue;
      this.#fail(run, { exception, kind: verdict.kind });
      return;
    }
  }

  async #send(run: PushRun, batch: readonly QueuedEntry[]): Promise<Verdict> {
    run.isAborted = false;
    this.#outbox.inFlight = batch;
    const verdict = await this.#post(run, batch);
    const confirmed = verdict.kind === 'unauthorized' && !run.isAborted ? await this.#confirm(run, verdict) : verdict;
    if (this.#run !== run) return confirmed;
    this.#slot.release();
    this.#outbox.inFlight = [];
    return confirmed;
  }

  async #post(run: PushRun, batch: readonly QueuedEntry[]): Promise<Verdict> {
    const { clock, server, clockCorrection } = this.#outbound;
    run.requests += 1;
    this.#overdueAt = clock.monotonic() + this.#config.requestTimeout * 1000 + OVERDUE_MS;
    const pending = server.postEntries(joinBody(batch, clockCorrection));
    this.#pending = pending;
    const { verdict } = await pending.outcome;
    if (this.#pending === pending) this.#pending = undefined;
    return verdict;
  }

  /** Asks with an upload without entries whether the credentials are refused, or only the content that came with them. */
  async #confirm(run: PushRun, verdict: Verdict): Promise<Verdict> {
    const { kind, ...confirmation } = await this.#post(run, []);
    if (kind === 'unauthorized') return verdict;
    // An outage that began between the two requests is no evidence against the content.
    if (kind === 'transient') return { ...confirmation, kind, suspect: undefined };
    return { ...verdict, kind: 'rejected', suspect: 'content', advice: CONTENT_REFUSED };
  }

  /** Does with a batch what its verdict says. @returns What the push ends with, if it can't go on. */
  #judge(run: PushRun, batch: QueuedEntry[], verdict: Verdict, upTo: number): PushException | undefined {
    // An aborted request failed nobody: calls that joined since are served by the next one.
    if (run.isAborted && verdict.kind !== 'stored') return undefined;
    run.isJudged = true;
    if (verdict.kind === 'unauthorized') return this.#rejectCredentials(run, verdict, upTo);
    // What another took over meanwhile is that one's to judge.
    if (verdict.kind !== 'stored') this.#outbox.reconcile();
    const [first] = batch as [QueuedEntry];
    const isOfStruck = this.#finder.hasStrikes(first);
    const { quarantine, endsPush } = this.#finder.settle(batch, outcomeOf(verdict), this.#outbound.clock.monotonic());
    if (verdict.kind === 'stored') {
      // Less than was sent, where a request that left with the page was answered first.
      run.pushed += this.#outbox.remove(batch);
      this.#sizer.grow();
    } else {
      if (verdict.suspect) this.#sizer.shrink(batch, { isCutOff: verdict.suspect === 'cut-off' });
      if (batch.length === 1) run.addFailure(verdict, { isOfStruck });
      // Entries that left meanwhile are not suspected.
      this.#finder.remove(batch.filter((entry) => !this.#outbox.has(entry)));
    }
    if (quarantine !== undefined) this.#quarantine(run, quarantine);
    return endsPush ? run.exceptionOf(verdict) : undefined;
  }

  #rejectCredentials(run: PushRun, verdict: Verdict, upTo: number): PushException {
    this.#outbox.reconcile();
    return run.exceptionOf(verdict, this.#discard(verdict, upTo));
  }

  #quarantine(run: PushRun, { entry: bad, rejection }: BadEntry): void {
    const { status, reason: message } = rejection;
    const entry = this.#outbox.moveToQuarantine(bad, { ...rejection, reason: shortText(message) });
    // Forgotten or taken over while it was under way.
    if (entry === undefined) return;
    run.addQuarantined(entry, bad.origin === undefined ? 0 : bad.sequence);
    this.#outbound.emitter.emit('quarantine', { entries: [entry], status, message });
  }

  /** Throws away what this run committed and the push was to upload; what was restored or adopted stays. */
  #discard(verdict: Verdict, upTo: number): Entry[] {
    if (this.#config.onRefusedCredentials === 'keep') return [];
    const queued = Array.from(this.#outbox.upTo(upTo)).filter((entry) => entry.origin === 'committed');
    const entries = queued.map((entry: StoredEntry) => toEntry(entry));
    if (entries.length > 0) {
      // Told before they go, so that a listener can still put them elsewhere if this process ends here.
      this.#outbound.emitter.emit('discard', { entries, status: verdict.status ?? 0, message: verdict.message });
      this.#outbox.remove(queued);
    }
    return entries;
  }
}

/** The outcome of an upload as far as its entries are concerned. */
function outcomeOf({ kind, suspect, status = 0, message }: Verdict): UploadOutcome {
  const rejection = { status, reason: message };
  switch (kind) {
    case 'stored':
      return { kind };
    case 'too-large':
      return { kind, rejection };
    case 'invalid-entries':
      return { kind: 'refused', rejection };
    default:
      return suspect === undefined ? { kind: 'transient' } : { kind: 'failed', rejection };
  }
}

const ONE_ENTRY = { maxEntries: 1, maxBytes: 0 };

const isEmpty = (entries: Iterator<QueuedEntry>): boolean => entries.next().done === true;
