import type { Clock } from '../../core/time/clock.js';
import type { StallAlarm } from './stall-alarm.js';

/** The parts of a message of a consumer that a turn uses. */
export interface HeldMessage {
  working(): void;
}

export interface TurnParts {
  readonly clock: Clock;
  /** Aborts the attempts under way. */
  readonly closing: AbortSignal;
  readonly stallAlarm: StallAlarm;
}

const WORKING_MS = 5000;
/** Less than the 15 s after which JetStream delivers the message to another worker. */
const LOST_MS = 12_000;
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 2000;

/**
 * The time in which a worker holds a message, and with it the partition. JetStream gives the message to another worker when it has
 * not heard of this one for 15 s: a process that was frozen has lost its turn, and must not park or send anything any more.
 */
export class Turn {
  readonly #message: HeldMessage;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #stallAlarm: StallAlarm;
  #cancel: () => void;
  #heardAt: number;
  #isLost = false;

  constructor(message: HeldMessage, { clock, closing, stallAlarm }: TurnParts) {
    this.#message = message;
    this.#clock = clock;
    this.#closing = closing;
    this.#stallAlarm = stallAlarm;
    this.#heardAt = clock.monotonic();
    this.#cancel = clock.setTimer(() => this.#work(), WORKING_MS);
  }

  get isLost(): boolean {
    this.#isLost ||= this.#clock.monotonic() - this.#heardAt > LOST_MS;
    return this.#isLost;
  }

  /** @throws if the turn is lost. */
  check(): void {
    if (this.isLost) throw new Error('another worker has the turn');
  }

  /** Runs an attempt. Its signal aborts after a time, and when the worker closes. */
  async attempt<Result>(milliseconds: number, run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const cancel = this.#clock.setTimer(abort, milliseconds);
    if (this.#closing.aborted) abort();
    this.#closing.addEventListener('abort', abort);
    try {
      return await run(controller.signal);
    } finally {
      cancel();
      this.#closing.removeEventListener('abort', abort);
    }
  }

  /**
   * Repeats a write to the cluster, which may elect a leader, as long as this worker has the turn.
   *
   * @param name - Of the stream or bucket.
   */
  async persist<Result>(name: string, write: () => Promise<Result>): Promise<Result> {
    const started = this.#clock.monotonic();
    for (let delay = MIN_RETRY_MS; ; delay = Math.min(2 * delay, MAX_RETRY_MS)) {
      try {
        return await write();
      } catch (error) {
        if (this.isLost || this.#closing.aborted) throw error;
        this.#stallAlarm.onFailure(error, this.#clock.monotonic() - started, name);
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(resolve, delay));
    }
  }

  end(): void {
    this.#cancel();
  }

  #work(): void {
    if (this.isLost) return;
    this.#message.working();
    this.#heardAt = this.#clock.monotonic();
    this.#cancel = this.#clock.setTimer(() => this.#work(), WORKING_MS);
  }
}
