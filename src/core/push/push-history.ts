import type { PushEvent } from '../model/events.js';
import type { LastPush } from '../model/status.js';
import type { PushEnd, PushFailure } from '../notify/emitter.js';
import type { Outbox } from '../outbox/outbox.js';
import type { ClockCorrection } from '../time/clock-correction.js';

/** The last push, and the last failure that no success has followed. */
export class PushHistory {
  readonly #outbox: Pick<Outbox, 'length'>;
  readonly #clock: ClockCorrection;
  #lastPush: LastPush | undefined;
  #lastFailure: PushFailure | undefined;

  constructor(outbox: Pick<Outbox, 'length'>, clock: ClockCorrection) {
    this.#outbox = outbox;
    this.#clock = clock;
  }

  /** The last push of which the server stored at least one entry. */
  get lastPush(): LastPush | undefined {
    return this.#lastPush;
  }

  /** `undefined` once a push has succeeded or nothing is queued. */
  get lastFailure(): PushFailure | undefined {
    return this.#lastFailure;
  }

  /** The server stored entries. */
  onPush(push: PushEvent): void {
    this.#lastPush = Object.freeze({ ...push, at: this.#clock.seconds });
  }

  onPushEnded({ result, failure }: PushEnd): void {
    if (failure !== undefined || result.pushed > 0 || this.#outbox.length === 0) this.#lastFailure = failure;
  }

  /** Entries left the outbox. */
  onRemoved(): void {
    if (this.#outbox.length === 0) this.#lastFailure = undefined;
  }
}
