import { type Entry, type QueuedEntry, toEntry } from '../model/entry.js';
import type { PushResult } from '../model/events.js';
import type { ApiException } from '../model/exceptions.js';
import { causeOf, shortText } from '../model/foreign-text.js';
import { pushAborted, pushFenced, pushNotSent } from '../model/request-exceptions.js';
import type { Emitter, PushFailure } from '../notify/emitter.js';
import type { RefusedCredentialsPolicy } from '../options/options.js';
import type { Discarder } from '../outbox/discarder.js';
import type { Expiry } from '../outbox/expiry.js';
import type { Checkout } from '../outbox/outbox.js';
import type { UploadSlot } from '../ports/environment.js';
import { type AbortSignalLike, onAbort } from '../ports/web-types.js';
import type { Verdict } from '../server/verdict.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import type { Batch } from './batch.js';
import type { BatchPlanner } from './batch-planner.js';
import { ABORTED, BatchSender, type BatchSenderParts } from './batch-sender.js';
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
export interface UploaderParts extends BatchSenderParts {
  readonly discarder: Pick<Discarder, 'isBusy'>;
  readonly expiry: Pick<Expiry, 'expire'>;
  readonly planner: BatchPlanner;
  readonly finder: BadEntryFinder;
  readonly sizer: BatchSizer;
  readonly flush: Pick<UnloadFlush, 'pending'>;
  /** Each request waits for this slot. */
  readonly slot: UploadSlot;
  readonly emitter: Emitter;
  /** See {@link Environment.isolatesRequests}. */
  readonly environment: { readonly isolatesRequests?: boolean };
}

/** The manner of a call of {@link Uploader.push}. */
export interface PushManner {
  /** Whether {@link AutoPush} made it. Default: `false`. */
  readonly isAutomatic?: boolean;
}

/** The interval in which a call checks whether its turn has come, in milliseconds. */
const TURN_MS = 20;
/**
 * Uploads the queue, oldest entries first, one request at a time. Entries leave the queue only after their verdict, and by
 * identity, never by count: entries committed meanwhile stay.
 */
export class Uploader {
  readonly #parts: UploaderParts;
  readonly #config: UploaderConfig;
  readonly #sender: BatchSender;
  #run: PushRun | undefined;
  #checkout: Checkout | undefined;
  /** When the batch under way left, on the monotonic clock. */
  #sentAt = 0;
  #stopped: ApiException | undefined;

  constructor(parts: UploaderParts, config: UploaderConfig) {
    this.#parts = parts;
    this.#config = config;
    this.#sender = new BatchSender(parts);
  }

  /** Whether a push is under way. */
  get isPushing(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Uploads everything committed before this call; joins a push under way.
   *
   * @param signal - Rejects only this call; the request under way is aborted if no other call waits for it.
   * @param how - `isAutomatic`: whether the call ends early, as if all were stored, while everything automatic is on hold.
   * @throws {@link PushException} if not everything was stored.
   */
  push(signal?: AbortSignalLike, how: PushManner = {}): Promise<PushResult> {
    return this.#parts.environment.isolatesRequests ? this.#pushInTurn(signal, how) : this.#join(signal, how);
  }

  /**
   * Waits until no push is under way, by timers: a worker request that joined the push of another request would wait for that
   * request's I/O, which the runtime ends as a deadlock.
   */
  async #pushInTurn(signal: AbortSignalLike | undefined, how: PushManner): Promise<PushResult> {
    const { clock } = this.#parts;
    while (this.#run !== undefined && !signal?.aborted) {
      await new Promise<void>((resolve) => clock.setTimer(resolve, TURN_MS));
      // The worker request that began the push was canceled, with its timers and I/O.
      if (this.#run !== undefined && clock.monotonic() > this.#sender.overdueAt) this.#abandon(this.#run);
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return this.#join(signal, how);
  }

  #join(signal: AbortSignalLike | undefined, { isAutomatic = false }: PushManner): Promise<PushResult> {
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
        isAutomatic,
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
    if (this.#sender.isSending) this.#sender.abort();
    else this.#parts.slot.release();
  }

  /** Ends a push whose worker request was canceled; should it be resumed, it notices that it is over. */
  #abandon(run: PushRun): void {
    run.rejectAll(pushAborted);
    this.#abort(run);
    this.#end(run, undefined);
  }

  #start(run: PushRun): void {
    const { finder, planner, outbox, emitter } = this.#parts;
    this.#run = run;
    this.#sender.begin();
    planner.begin();
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
    const { flush, slot, outbox, expiry, discarder, planner, emitter } = this.#parts;
    // A listener that pushes while entries are being discarded does not send them.
    if (discarder.isBusy) await undefined;
    run.addExpired(expiry.expire(() => outbox));
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
      const plan = (): Batch => planner.next(upTo);
      const expired = expiry.expire(plan);
      run.addExpired(expired);
      const checkout = expired.length > 0 ? undefined : outbox.checkOut(plan());
      if (checkout === undefined) continue;
      const verdict = await this.#send(run, checkout);
      if (this.#run !== run) return;
      if (emitter.operation(() => this.#judge(run, checkout, verdict, upTo))) return;
    }
  }

  /** Settles the calls whose entries other runs have adopted, and the calls with nothing left to send. */
  #settleCalls(run: PushRun): void {
    const { outbox, finder, hold } = this.#parts;
    run.rejectAll(pushFenced, (call) => call.fencedCount !== outbox.fencedCount);
    for (const call of run.calls) {
      if ((call.isAutomatic && hold.isOn) || finder.plan(outbox.upTo(call.upTo), ONE_ENTRY).length === 0)
        run.settle(call, { isStored: isEmpty(outbox.upTo(call.upTo)) });
    }
  }

  async #send(run: PushRun, checkout: Checkout): Promise<Verdict> {
    run.beginUpload();
    this.#checkout = checkout;
    this.#sentAt = this.#parts.clock.monotonic();
    const verdict = await this.#sender.send(run, checkout.entries);
    if (this.#run === run) this.#parts.slot.release();
    return verdict;
  }

  /** Applies the verdict to the batch. @returns Whether the push has ended. */
  #judge(run: PushRun, checkout: Checkout, verdict: Verdict, upTo: number): boolean {
    const isStored = verdict.kind === 'stored';
    if (isStored) this.#accept(run, checkout.entries, verdict);
    checkout.release();
    this.#checkout = undefined;
    // An aborted request is not a failure: the next request serves the calls that joined since.
    if (isStored || run.isAborted || verdict === ABORTED) return false;
    run.addJudgement();
    const discarded = verdict.kind === 'unauthorized' ? this.#discard(verdict, upTo) : [];
    if (verdict.kind !== 'unauthorized' && !this.#reject(run, checkout.entries, verdict)) return false;
    this.#fail(run, { exception: run.exceptionOf(verdict, discarded), kind: verdict.kind });
    return true;
  }

  #accept(run: PushRun, batch: Batch, verdict: Verdict): void {
    const { finder, planner, outbox, sizer, clock } = this.#parts;
    run.addJudgement();
    const { quarantine } = finder.settle(batch, verdict, clock.monotonic());
    planner.onStored(batch, clock.monotonic() - this.#sentAt);
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
