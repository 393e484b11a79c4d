import { type Entry, type QueuedEntry, toEntry } from '../model/entry.js';
import type { PushResult } from '../model/events.js';
import type { ApiException } from '../model/exceptions.js';
import { causeOf, shortText } from '../model/foreign-text.js';
import { pushAborted, pushFenced, pushNotSent } from '../model/request-exceptions.js';
import type { Emitter, PushFailure } from '../notify/emitter.js';
import type { RefusedCredentialsPolicy } from '../options/options.js';
import type { Checkout, Outbox } from '../outbox/outbox.js';
import type { UploadSlot } from '../ports/environment.js';
import { type AbortSignalLike, onAbort } from '../ports/web-types.js';
import type { PendingRequest, ServerClient } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import type { Clock } from '../time/clock.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import { type Batch, joinBody } from './batch.js';
import type { BatchSizer } from './batch-sizer.js';
import { type Call, PushRun } from './push-run.js';
import type { BadEntry } from './strikes.js';
import type { UnloadFlush } from './unload-flush.js';

/** The options that an uploader depends on. */
export interface UploaderConfig {
  readonly maxEntriesPerRequest: number;
  readonly onRefusedCredentials: RefusedCredentialsPolicy;
  /** In seconds. */
  readonly requestTimeout: number;
  /** Whether queued entries end with the process. */
  readonly isInMemory: boolean;
}

/** The parts of a client that an uploader uses. */
export interface UploaderParts {
  readonly outbox: Outbox;
  readonly server: ServerClient;
  readonly finder: BadEntryFinder;
  readonly sizer: BatchSizer;
  readonly flush: Pick<UnloadFlush, 'pending'>;
  /** Each request waits for this slot. */
  readonly slot: UploadSlot;
  readonly clock: Clock;
  readonly clockCorrection: ClockCorrection;
  readonly emitter: Emitter;
  /** See {@link Environment.isolatesRequests}. */
  readonly environment: { readonly isolatesRequests?: boolean };
}

/** The interval in which a call checks whether its turn has come, in milliseconds. */
const TURN_MS = 20;
/** A request has certainly ended this long after its deadline, in milliseconds. */
const OVERDUE_MS = 1000;

const CONTENT_REFUSED =
  'The credentials are valid, but a firewall or proxy on the way refuses the content. Smaller requests follow, to find the entry.';

/**
 * Uploads the queue, oldest entries first, one request at a time. Entries leave the queue only after their verdict, and by
 * identity, never by count: entries committed meanwhile stay.
 */
export class Uploader {
  readonly #parts: UploaderParts;
  readonly #config: UploaderConfig;
  #run: PushRun | undefined;
  #checkout: Checkout | undefined;
  #pending: PendingRequest | undefined;
  /** The latest end of the request under way, on the monotonic clock; used if the platform isolates requests. */
  #overdueAt = 0;
  #stopped: ApiException | undefined;

  constructor(parts: UploaderParts, config: UploaderConfig) {
    this.#parts = parts;
    this.#config = config;
  }

  /** Whether a push is under way. */
  get isPushing(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Uploads everything committed before this call; joins a push under way.
   *
   * @param signal - Rejects only this call; the request under way is aborted if no other call waits for it.
   * @throws {@link PushException} if not everything was stored.
   */
  push(signal?: AbortSignalLike): Promise<PushResult> {
    return this.#parts.environment.isolatesRequests ? this.#pushInTurn(signal) : this.#join(signal);
  }

  /**
   * Waits until no push is under way, by timers: a worker request that joined the push of another request would wait for that
   * request's I/O, which the runtime ends as a deadlock.
   */
  async #pushInTurn(signal: AbortSignalLike | undefined): Promise<PushResult> {
    const { clock } = this.#parts;
    while (this.#run !== undefined && !signal?.aborted) {
      await new Promise<void>((resolve) => clock.setTimer(resolve, TURN_MS));
      // The worker request that began the push was canceled, with its timers and I/O.
      if (this.#run !== undefined && clock.monotonic() > this.#overdueAt) this.#abandon(this.#run);
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#join(signal);
  }

  #join(signal: AbortSignalLike | undefined): Promise<PushResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(pushAborted());
        return;
      }
      const { outbox, clock } = this.#parts;
      let stopListening = (): void => {};
      const call: Call = {
        upTo: outbox.lastSequence,
        fencedCount: outbox.fencedCount,
        resolve: (result) => {
          stopListening();
          resolve(result);
        },
        reject: (exception) => {
          stopListening();
          reject(exception);
        },
      };
      const run = this.#run ?? new PushRun(clock.monotonic(), this.#config);
      run.join(call);
      stopListening = onAbort(signal, () => {
        run.leave(call);
        call.reject(pushAborted());
        if (!run.hasCalls) this.#abort(run);
      });
      if (this.#run === undefined) this.#start(run);
    });
  }

  /** Ends a push under way: rejects its calls with `exception`; the entries stay queued. */
  stop(exception: ApiException): void {
    this.#stopped = exception;
    if (this.#run === undefined) return;
    this.#run.rejectAll(() => exception);
    this.#abort(this.#run);
  }

  #abort(run: PushRun): void {
    run.abort();
    if (this.#pending !== undefined) this.#pending.abort();
    else this.#parts.slot.release();
  }

  /** Ends a push whose worker request was canceled; should it be resumed, it notices that it is over. */
  #abandon(run: PushRun): void {
    run.rejectAll(pushAborted);
    this.#abort(run);
    this.#end(run, undefined);
  }

  #start(run: PushRun): void {
    const { finder, outbox, emitter } = this.#parts;
    this.#run = run;
    this.#overdueAt = Number.POSITIVE_INFINITY;
    finder.begin({ queued: outbox.length, maxEntries: this.#config.maxEntriesPerRequest });
    emitter.emit('push-started');
    void this.#work(run).catch((error: unknown) => {
      // Every call is settled, whatever threw.
      this.#fail(run, {
        exception: pushNotSent(causeOf(error, (text) => this.#parts.server.redact(text))),
        kind: 'transient',
      });
    });
  }

  #fail(run: PushRun, failure: PushFailure): void {
    if (this.#run !== run) return;
    run.rejectAll(() => failure.exception);
    this.#end(run, failure);
  }

  /** Called in the task that settles the last call: a later call begins a new push. */
  #end(run: PushRun, failure: PushFailure | undefined): void {
    const { slot, outbox, clock, emitter } = this.#parts;
    const { result } = run;
    emitter.operation(() => {
      this.#run = undefined;
      slot.release();
      this.#checkout?.release();
      if (run.isJudged || failure !== undefined || outbox.length === 0) emitter.emit('push-ended', { result, failure });
      else emitter.emit('push-aborted');
      const { pushed: entries, requests } = result;
      if (entries > 0) emitter.emit('push', { entries, requests, milliseconds: clock.monotonic() - run.started });
    });
  }

  async #work(run: PushRun): Promise<void> {
    const { flush, slot, outbox, finder, sizer, emitter } = this.#parts;
    for (;;) {
      // Entries sent at pagehide are not sent twice if the page survives.
      while (flush.pending !== undefined) {
        slot.release();
        await flush.pending;
      }
      this.#settleCalls(run);
      if (!run.hasCalls) {
        this.#end(run, run.outcome);
        return;
      }
      const waiting = slot.take();
      if (waiting !== undefined) {
        await waiting;
        // The queue may have changed.
        continue;
      }
      const { upTo } = run;
      const checkout = outbox.checkOut(finder.plan(outbox.upTo(upTo), sizer.limits));
      if (checkout === undefined) continue;
      const verdict = await this.#send(run, checkout);
      if (this.#run !== run) return;
      if (emitter.operation(() => this.#judge(run, checkout, verdict, upTo))) return;
    }
  }

  /** Settles the calls whose entries other runs have adopted, and the calls with nothing left to send. */
  #settleCalls(run: PushRun): void {
    const { outbox, finder } = this.#parts;
    run.rejectAll(pushFenced, (call) => call.fencedCount !== outbox.fencedCount);
    for (const call of run.calls) {
      if (finder.plan(outbox.upTo(call.upTo), ONE_ENTRY).length === 0)
        run.settle(call, { isStored: isEmpty(outbox.upTo(call.upTo)) });
    }
  }

  async #send(run: PushRun, checkout: Checkout): Promise<Verdict> {
    run.beginUpload();
    this.#checkout = checkout;
    const verdict = await this.#post(run, checkout.entries);
    const confirmed = verdict.kind === 'unauthorized' && !run.isAborted ? await this.#confirm(run, verdict) : verdict;
    if (this.#run === run) this.#parts.slot.release();
    return confirmed;
  }

  async #post(run: PushRun, batch: Batch): Promise<Verdict> {
    const { clock, server, clockCorrection } = this.#parts;
    run.addRequest();
    this.#overdueAt = clock.monotonic() + this.#config.requestTimeout * 1000 + OVERDUE_MS;
    const pending = server.postEntries(joinBody(batch, clockCorrection));
    this.#pending = pending;
    const { verdict } = await pending.outcome;
    if (this.#pending === pending) this.#pending = undefined;
    return verdict;
  }

  /** Tests by an upload without entries whether the credentials are refused, or only the content of the batch. */
  async #confirm(run: PushRun, verdict: Verdict): Promise<Verdict> {
    const { kind, ...confirmation } = await this.#post(run, []);
    if (kind === 'unauthorized') return verdict;
    // An outage that began between the two requests is no evidence against the content.
    if (kind === 'transient') return { ...confirmation, kind, suspect: undefined };
    return { ...verdict, kind: 'rejected', suspect: 'content', advice: CONTENT_REFUSED };
  }

  /** Applies the verdict to the batch. @returns Whether the push has ended. */
  #judge(run: PushRun, checkout: Checkout, verdict: Verdict, upTo: number): boolean {
    const isStored = verdict.kind === 'stored';
    if (isStored) this.#accept(run, checkout.entries, verdict);
    checkout.release();
    this.#checkout = undefined;
    // An aborted request is not a failure: the next request serves the calls that joined since.
    if (isStored || run.isAborted) return false;
    run.addJudgement();
    const discarded = verdict.kind === 'unauthorized' ? this.#discard(verdict, upTo) : [];
    if (verdict.kind !== 'unauthorized' && !this.#reject(run, checkout.entries, verdict)) return false;
    this.#fail(run, { exception: run.exceptionOf(verdict, discarded), kind: verdict.kind });
    return true;
  }

  #accept(run: PushRun, batch: Batch, verdict: Verdict): void {
    const { finder, outbox, sizer, clock } = this.#parts;
    run.addJudgement();
    const { quarantine } = finder.settle(batch, verdict, clock.monotonic());
    // Fewer than were sent if the unload flush sent the same entries and was answered first.
    run.addPushed(outbox.remove(batch));
    sizer.grow();
    if (quarantine !== undefined) this.#quarantine(run, quarantine);
  }

  /** @returns Whether the push ends. */
  #reject(run: PushRun, batch: Batch, verdict: Verdict): boolean {
    const { finder, outbox, sizer, clock } = this.#parts;
    const isOfStruck = finder.hasStrikes(batch[0] as QueuedEntry);
    const { quarantine, endsPush } = finder.settle(batch, verdict, clock.monotonic());
    if (verdict.suspect) sizer.shrink(batch, { isCutOff: verdict.suspect === 'cut-off' });
    if (batch.length === 1) run.addFailure(verdict, { isOfStruck });
    // Entries that left the queue meanwhile are not suspected.
    finder.remove(batch.filter((entry) => !outbox.has(entry)));
    if (quarantine !== undefined) this.#quarantine(run, quarantine);
    return endsPush;
  }

  #quarantine(run: PushRun, { entry: bad, rejection }: BadEntry): void {
    const { outbox, emitter } = this.#parts;
    const { status, reason: message } = rejection;
    const entry = outbox.moveToQuarantine(bad, { ...rejection, reason: shortText(message) });
    // It may have been removed or adopted during the request.
    if (entry === undefined) return;
    run.addQuarantined(entry, bad.origin === undefined ? 0 : bad.sequence);
    emitter.emit('quarantine', { entries: [entry], status, message });
  }

  /** Discards the entries up to `upTo` that this run committed; restored and adopted entries stay. */
  #discard(verdict: Verdict, upTo: number): Entry[] {
    if (this.#config.onRefusedCredentials === 'keep') return [];
    const { outbox, emitter } = this.#parts;
    const queued = Array.from(outbox.upTo(upTo)).filter((entry) => entry.origin === 'committed');
    const entries = queued.map((entry) => toEntry(entry));
    if (entries.length === 0) return entries;
    emitter.emit('discard', { reason: 'unauthorized', entries, message: verdict.message, status: verdict.status ?? 0 });
    // Before the removal: a listener can save the entries elsewhere, even if this process ends now.
    emitter.flush();
    outbox.remove(queued);
    return entries;
  }
}

const ONE_ENTRY = { maxEntries: 1, maxBytes: 0 };

const isEmpty = (entries: Iterator<QueuedEntry>): boolean => entries.next().done === true;
