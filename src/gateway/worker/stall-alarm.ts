import type { Clock } from '../../core/time/clock.js';
import type { GatewayNews } from '../news.js';
import { classOf, streamFailureOf } from '../stream-failure.js';

/** An election of JetStream takes about half of this time. */
const PATIENCE_MS = 10_000;
const EVERY_MS = 30_000;

export interface StallAlarmParts {
  readonly news: GatewayNews;
  readonly clock: Clock;
}

/** Reports that a partition stands still, as requests to the cluster fail. */
export class StallAlarm {
  readonly #partition: number;
  readonly #parts: StallAlarmParts;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(partition: number, parts: StallAlarmParts) {
    this.#partition = partition;
    this.#parts = parts;
  }

  /**
   * Reports a failure that waiting does not end at once, and any other after 10 s of failures.
   *
   * @param milliseconds - The time for which requests have failed.
   * @param name - Of the stream or bucket, if it is known.
   */
  onFailure(error: unknown, milliseconds: number, name?: string): void {
    const { news, clock } = this.#parts;
    const { reason, alarm } = streamFailureOf(error) ?? { reason: classOf(error) };
    const now = clock.monotonic();
    if ((alarm === undefined && milliseconds < PATIENCE_MS) || now - this.#reportedAt < EVERY_MS) return;
    this.#reportedAt = now;
    const place = name === undefined ? 'a request to the cluster' : `a request to ${name}`;
    const message = `partition ${this.#partition} stands still, as ${place} fails: ${reason}. ${SAFE}`;
    news.emit('alarm', { alarm: 'worker-stalled', message });
  }
}

const SAFE =
  'Its uploads stay in the queue, and are forwarded once the request succeeds: see "nikdev-iot gateway status" and docs/gateway.md';
