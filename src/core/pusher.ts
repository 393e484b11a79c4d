import { type BatchLimits, batchLength, joinBody } from './batch.js';
import type { Clock } from './clock.js';
import { toEntry } from './entry.js';
import type { Emitter } from './events.js';
import { type ApiException, PushException } from './exceptions.js';
import type { PushQueue, QueuedEntry } from './push-queue.js';
import type { Inquiry, Server } from './server.js';
import { onAbort, type Signal } from './signal.js';
import type { Verdict } from './verdict.js';

/** What a push did; for a call that joined a push under way, what that push did in all. */
export interface PushResult {
  /** How many entries the server stored. */
  readonly pushed: number;
  /** How many requests it took; 0 if nothing was queued. */
  readonly requests: number;
}

/** How a pusher sends and what it does with entries whose credentials were refused. */
export interface PusherConfig extends BatchLimits {
  readonly onRefusedCredentials: 'discard' | 'keep';
}

/** One call of `push()`. */
interface Call {
  /** The call is answered once every entry up to this sequence number is, and every adopted one. */
  readonly upTo: number;
  /** How many entries others had taken over when it was made. */
  readonly taken: number;
  resolve(result: PushResult): void;
  reject(exception: ApiException): void;
}

/** One push under way, which later calls join. */
interface Run {
  readonly calls: Set<Call>;
  pushed: number;
  requests: number;
  /** On the monotonic clock. */
  readonly started: number;
  /** No call waits for the request under way any more. */
  aborted: boolean;
}

/**
 * Uploads the queue, oldest entries first, one request at a time. An entry leaves the queue only after its verdict, and
 * by itself, never by count: what is committed meanwhile stays.
 */
export class Pusher {
  readonly #queue: PushQueue;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #emitter: Emitter;
  readonly #config: PusherConfig;
  #run: Run | undefined;
  #inquiry: Inquiry | undefined;

  constructor(queue: PushQueue, server: Server, clock: Clock, emitter: Emitter, config: PusherConfig) {
    this.#queue = queue;
    this.#server = server;
    this.#clock = clock;
    this.#emitter = emitter;
    this.#config = config;
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
      if (signal?.aborted) {
        reject(abortedBySignal());
        return;
      }
      const underWay = this.#run;
      const run = underWay ?? {
        calls: new Set(),
        pushed: 0,
        requests: 0,
        started: this.#clock.monotonic(),
        aborted: false,
      };
      run.calls.add(call);
      stopListening = onAbort(signal, () => {
        run.calls.delete(call);
        call.reject(abortedBySignal());
        if (run.calls.size === 0) this.#abort(run);
      });
      if (underWay === undefined) {
        this.#run = run;
        void this.#drain(run).catch(() => this.#abandon(run));
      }
    });
  }

  /** Ends a push under way: its calls are rejected with `exception`, the entries stay. */
  stop(exception: ApiException): void {
    if (this.#run === undefined) return;
    this.#rejectAll(this.#run, exception);
    this.#abort(this.#run);
  }

  #abort(run: Run): void {
    run.aborted = true;
    this.#inquiry?.abort();
  }

  async #drain(run: Run): Promise<void> {
    for (;;) {
      this.#queue.check();
      this.#rejectRobbed(run);
      if (!this.#settle(run)) break;
      let upTo = 0;
      for (const call of run.calls) upTo = Math.max(upTo, call.upTo);
      const batch = this.#upTo(upTo, this.#config.maxEntries);
      batch.length = batchLength(batch, this.#config);
      run.aborted = false;
      run.requests += 1;
      this.#queue.inFlight = batch;
      this.#inquiry = this.#server.postEntries(joinBody(batch, Math.floor(this.#clock.now() / 1000)));
      const { verdict } = await this.#inquiry.outcome;
      this.#inquiry = undefined;
      this.#queue.inFlight = [];
      if (verdict.kind === 'stored') {
        this.#queue.remove(batch);
        run.pushed += batch.length;
      } else if (!run.aborted) {
        this.#fail(run, verdict, upTo);
      }
      // An aborted request failed nobody: calls that joined since are served by the next one.
    }
    this.#run = undefined;
    if (run.pushed > 0) {
      const milliseconds = this.#clock.monotonic() - run.started;
      this.#emitter.emit('push', { entries: run.pushed, requests: run.requests, milliseconds });
    }
  }

  /** What no verdict foresees: a body that is longer than any string can be, or a clock or transport that throws. */
  #abandon(run: Run): void {
    this.#run = undefined;
    this.#queue.inFlight = [];
    this.#rejectAll(
      run,
      new PushException(
        'Bad luck: the push failed before its request could be sent.',
        'Everything is still queued. Lower maxBytesPerRequest or maxEntriesPerRequest, and push again.',
      ),
    );
  }

  /** Resolves the calls that are answered. @returns Whether any call is left. */
  #settle(run: Run): boolean {
    for (const call of run.calls) {
      if (this.#upTo(call.upTo, 1).length > 0) continue;
      run.calls.delete(call);
      call.resolve({ pushed: run.pushed, requests: run.requests });
    }
    return run.calls.size > 0;
  }

  /** The oldest entries up to a sequence number, adopted ones included; `count` at most. */
  #upTo(sequence: number, count: number): QueuedEntry[] {
    const oldest = this.#queue.oldest(count);
    // What is later than asked for stands at the end, and mostly nothing is.
    while (oldest.length > 0 && isLater(oldest[oldest.length - 1] as QueuedEntry, sequence)) oldest.pop();
    return oldest;
  }

  #fail(run: Run, verdict: Verdict, upTo: number): void {
    const discarded = verdict.kind === 'credentials-refused' ? this.#discard(verdict, upTo) : [];
    this.#rejectAll(
      run,
      new PushException(verdict.message, adviceFor(verdict, discarded.length), { ...verdict, discarded }),
    );
  }

  /** Throws away what this run committed and the push was to upload; what was restored or adopted stays. */
  #discard(verdict: Verdict, upTo: number) {
    if (this.#config.onRefusedCredentials === 'keep') return [];
    const queued = this.#upTo(upTo, this.#queue.length).filter((entry) => entry.origin === 'committed');
    const entries = queued.map((entry) => toEntry(entry));
    if (entries.length > 0) {
      // Told before they go, so that a listener can still put them elsewhere if this process ends here.
      this.#emitter.emit('discard', { entries, status: verdict.status ?? 0, message: verdict.message });
      this.#queue.remove(queued);
    }
    return entries;
  }

  #rejectRobbed(run: Run): void {
    for (const call of run.calls) {
      if (call.taken === this.#queue.taken) continue;
      run.calls.delete(call);
      call.reject(takenOver());
    }
  }

  #rejectAll(run: Run, exception: ApiException): void {
    for (const call of run.calls) {
      run.calls.delete(call);
      call.reject(exception);
    }
  }
}

function isLater(entry: QueuedEntry, sequence: number): boolean {
  return entry.origin !== 'adopted' && entry.sequence > sequence;
}

function abortedBySignal(): PushException {
  return new PushException(
    'Bad luck: the push was aborted by its signal.',
    'Everything is still queued; the server may have stored the request that was under way. Push again later.',
  );
}

function takenOver(): PushException {
  return new PushException(
    'Bad luck: this page or process was hidden, frozen or stopped, and another took over what it had queued.',
    'That one pushes it. What is committed here from now on is pushed here.',
  );
}

function adviceFor(verdict: Verdict, discarded: number): string {
  const fate =
    discarded > 0
      ? `This exception's "discarded" holds what was thrown away (${discarded} in all); restore() puts it back.`
      : 'Everything that was not stored is still queued.';
  return `${verdict.advice} ${fate}`;
}
