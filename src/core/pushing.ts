import { pushClosed } from './bad-luck.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { drain } from './drain.js';
import type { ApiException } from './exceptions.js';
import { Flush } from './flush.js';
import { Isolation } from './isolation.js';
import { LearnedSize } from './learned-size.js';
import type { Outbound } from './outbound.js';
import type { PushQueue } from './push-queue.js';
import type { Failure, PushResult } from './push-run.js';
import { Pusher, type PushObserver } from './pusher.js';
import type { QueuedEntry } from './queued-entry.js';
import { Scheduler } from './scheduler.js';
import type { Signal } from './signal.js';
import type { LastPush, Status } from './status.js';
import type { Surroundings, Turn } from './surroundings.js';

/**
 * Brings what is queued to the server: pushes when asked to, by itself where that is wanted, and as the page goes away or
 * the process ends; and knows how the last push went.
 */
export class Pushing implements PushObserver {
  /** What the last push failed with, unless that was forgotten or stored since. */
  lastFailure: Failure | undefined;
  readonly #queue: PushQueue;
  readonly #clock: Clock;
  readonly #flushOnHide: boolean | undefined;
  readonly #onChange: () => void;
  readonly #isolation = new Isolation();
  readonly #flush: Flush;
  readonly #pusher: Pusher;
  readonly #scheduler: Scheduler | undefined;
  #lastPush: LastPush | undefined;
  #hasSaidGoodbye = false;

  /** @param onChange - Told whenever what {@link Status} shows of pushes, or of the queue, may have changed. */
  constructor(
    parts: Omit<Outbound, 'size' | 'isolation'>,
    config: Config,
    surroundings: Surroundings,
    onChange: () => void,
  ) {
    const { queue, clock, wallClock, emitter } = parts;
    const { maxEntriesPerRequest: maxEntries, maxBytesPerRequest: maxBytes, autoPush } = config;
    const isolation = this.#isolation;
    const outbound = { ...parts, size: new LearnedSize({ maxEntries, maxBytes }), isolation };
    this.#queue = queue;
    this.#clock = clock;
    this.#flushOnHide = config.flushOnHide;
    this.#onChange = onChange;
    this.#flush = new Flush(outbound, surroundings.keepalive, () => {
      if (queue.length === 0) this.lastFailure = undefined;
    });
    const { onRefusedCredentials } = config;
    this.#pusher = new Pusher(
      outbound,
      { maxEntries, onRefusedCredentials },
      this.#flush,
      surroundings.uploads.open(config.baseUrl),
      this,
    );
    this.#scheduler = autoPush
      ? new Scheduler(autoPush, clock, emitter, {
          push: () => this.push(),
          queued: () => queue.length,
          stumblers: () => isolation.stumblers,
          onChange,
        })
      : undefined;
    emitter.on('push', (push) => {
      this.#lastPush = Object.freeze({ ...push, at: wallClock.seconds });
    });
  }

  /** How pushes stand. */
  get status(): Pick<Status, 'pushing' | 'lastPush' | 'nextTry' | 'lastException'> {
    return {
      pushing: this.#pusher.pushing,
      lastPush: this.#lastPush,
      nextTry: this.#scheduler?.nextTry,
      lastException: this.lastFailure?.exception,
    };
  }

  /** See {@link Pusher.push}. */
  push(signal?: Signal): Promise<PushResult> {
    return this.#pusher.push(signal);
  }

  /** Entries were queued. */
  queued(): void {
    this.#scheduler?.queued();
  }

  /** The queue or the quarantine changed. */
  onQueueChange(): void {
    if (this.#queue.length === 0) this.#scheduler?.emptied();
    this.#onChange();
  }

  /** Entries left the queue. */
  onLeave(entries: readonly QueuedEntry[]): void {
    this.#isolation.forget(entries);
  }

  /** See {@link Scheduler.resume}. */
  resume(): void {
    this.#scheduler?.resume();
  }

  /** @param isInMemory - Whether what is queued ends with the page or the process. */
  onTurn(turn: Turn, isInMemory: boolean): void {
    this.#onChange();
    switch (turn) {
      case 'online':
      case 'shown':
        this.#scheduler?.wake();
        return;
      case 'hidden':
      case 'leaving':
        if (this.#flushOnHide ?? isInMemory) this.#flush.send(turn === 'leaving');
        return;
      case 'idle':
        // The process ends, and with it what is in memory alone: one push more. It comes to its end again after that.
        if (isInMemory && !this.#hasSaidGoodbye) this.#hasSaidGoodbye = this.#scheduler?.lastTry() ?? false;
    }
  }

  /** Nothing is pushed by itself any more. */
  endSchedule(): void {
    this.#scheduler?.close();
  }

  /** See {@link drain}. */
  drain(seconds: number): Promise<void> {
    return drain(this, this.#clock, seconds);
  }

  /** Ends a push under way. @param exception - What its calls are rejected with. */
  stop(exception: ApiException = pushClosed()): void {
    this.#pusher.stop(exception);
  }

  begun(): void {
    this.#scheduler?.begun();
    this.#onChange();
  }

  ended(result: PushResult, failure: Failure | undefined): void {
    if (failure !== undefined || result.pushed > 0 || this.#queue.length === 0) this.lastFailure = failure;
    this.#scheduler?.ended(result, failure);
    this.#onChange();
  }

  givenUp(): void {
    this.#scheduler?.givenUp();
    this.#onChange();
  }
}
