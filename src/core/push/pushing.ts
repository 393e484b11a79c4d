import type { QueuedEntry } from '../model/entry.js';
import type { ApiException } from '../model/exceptions.js';
import { pushClosed } from '../model/request-exceptions.js';
import type { LastPush, Status } from '../model/status.js';
import type { Config } from '../options/options.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Environment, LifecycleEvent } from '../ports/environment.js';
import type { Signal } from '../ports/web-types.js';
import type { Clock } from '../time/clock.js';
import { AutoPush } from './auto-push.js';
import { BadEntryFinder } from './bad-entry-finder.js';
import { BatchSizer } from './batch-sizer.js';
import { drain } from './drain.js';
import type { Failure, Outbound, PushResult } from './push-run.js';
import { UnloadFlush } from './unload-flush.js';
import { type PushObserver, Uploader } from './uploader.js';

/**
 * Brings what is queued to the server: pushes when asked to, by itself where that is wanted, and as the page goes away or
 * the process ends; and knows how the last push went.
 */
export class Pushing implements PushObserver {
  /** What the last push failed with, unless that was forgotten or stored since. */
  lastFailure: Failure | undefined;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #flushOnHide: boolean | undefined;
  readonly #onChange: () => void;
  readonly #finder = new BadEntryFinder();
  readonly #flush: UnloadFlush;
  readonly #pusher: Uploader;
  readonly #autoPush: AutoPush | undefined;
  #lastPush: LastPush | undefined;
  #hasPushedBeforeExit = false;

  /** @param onChange - Told whenever what {@link Status} shows of pushes, or of the queue, may have changed. */
  constructor(
    parts: Omit<Outbound, 'sizer' | 'finder'>,
    config: Config,
    environment: Environment,
    onChange: () => void,
  ) {
    const { outbox, clock, clockCorrection, emitter } = parts;
    const { maxEntriesPerRequest: maxEntries, maxBytesPerRequest: maxBytes, autoPush } = config;
    const finder = this.#finder;
    const outbound = { ...parts, sizer: new BatchSizer({ maxEntries, maxBytes }), finder };
    this.#outbox = outbox;
    this.#clock = clock;
    this.#flushOnHide = config.flushOnHide;
    this.#onChange = onChange;
    this.#flush = new UnloadFlush(outbound, environment.keepalive, () => {
      if (outbox.length === 0) this.lastFailure = undefined;
    });
    const { onRefusedCredentials, requestTimeout } = config;
    this.#pusher = new Uploader(
      outbound,
      { maxEntries, onRefusedCredentials, isolatesRequests: environment.isolatesRequests ?? false, requestTimeout },
      this.#flush,
      environment.uploads.open(config.baseUrl),
      this,
    );
    this.#autoPush = autoPush
      ? new AutoPush(autoPush, clock, emitter, {
          push: () => this.push(),
          queued: () => outbox.length,
          struck: () => finder.struckCount,
          onChange,
        })
      : undefined;
    emitter.on('push', (push) => {
      this.#lastPush = Object.freeze({ ...push, at: clockCorrection.seconds });
    });
  }

  /** How pushes stand. */
  get status(): Pick<Status, 'pushing' | 'lastPush' | 'nextTry' | 'lastException'> {
    return {
      pushing: this.#pusher.pushing,
      lastPush: this.#lastPush,
      nextTry: this.#autoPush?.nextTry,
      lastException: this.lastFailure?.exception,
    };
  }

  /** See {@link Uploader.push}. */
  push(signal?: Signal): Promise<PushResult> {
    return this.#pusher.push(signal);
  }

  /** Entries were queued. */
  onEnqueued(): void {
    this.#autoPush?.onEnqueued();
  }

  /** The queue or the quarantine changed. */
  onQueueChange(): void {
    if (this.#outbox.length === 0) this.#autoPush?.onEmptied();
    this.#onChange();
  }

  /** Entries left the queue. */
  onRemoved(entries: readonly QueuedEntry[]): void {
    this.#finder.remove(entries);
  }

  /** See {@link AutoPush.resume}. */
  resume(): void {
    this.#autoPush?.resume();
  }

  /** @param isInMemory - Whether what is queued ends with the page or the process. */
  onLifecycle(turn: LifecycleEvent, isInMemory: boolean): void {
    this.#onChange();
    switch (turn) {
      case 'online':
      case 'visible':
        this.#autoPush?.wake();
        return;
      case 'hidden':
      case 'pagehide':
        if (this.#flushOnHide ?? isInMemory) this.#flush.send(turn === 'pagehide');
        return;
      case 'before-exit':
        // The process ends, and with it what is in memory alone: one push more. It comes to its end again after that.
        if (isInMemory && !this.#hasPushedBeforeExit)
          this.#hasPushedBeforeExit = this.#autoPush?.pushBeforeExit() ?? false;
    }
  }

  /** Nothing is pushed by itself any more. */
  stopAutoPush(): void {
    this.#autoPush?.close();
  }

  /** See {@link drain}. */
  drain(seconds: number): Promise<void> {
    return drain(this, this.#clock, seconds);
  }

  /** Ends a push under way. @param exception - What its calls are rejected with. */
  stop(exception: ApiException = pushClosed()): void {
    this.#pusher.stop(exception);
  }

  onPushStarted(): void {
    this.#autoPush?.onPushStarted();
    this.#onChange();
  }

  onPushEnded(result: PushResult, failure: Failure | undefined): void {
    if (failure !== undefined || result.pushed > 0 || this.#outbox.length === 0) this.lastFailure = failure;
    this.#autoPush?.onPushEnded(result, failure);
    this.#onChange();
  }

  onPushAborted(): void {
    this.#autoPush?.onPushAborted();
    this.#onChange();
  }
}
