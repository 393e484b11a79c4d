import type { StreamInfo } from '@nats-io/jetstream';
import { BUCKETS, UPLOADS } from '../names.js';
import type { Nats } from '../nats.js';
import type { GatewayNews } from '../news.js';
import { isMissing } from '../settings.js';

/** A gateway whose last acknowledgement is older is not ready. */
const MAX_AGE_MS = 10_000;
const EVERY_MS = 4000;
const PROBE_KEY = 'probe';

/** Whether a gateway is ready, and the reason if it is not. */
export type Readiness = { readonly isReady: true } | { readonly isReady: false; readonly reason: string };

/**
 * Watches the stream: whether it is there, has a leader, and acknowledges. A gateway without traffic writes a value every few seconds,
 * as only a replicated write shows that a majority is there.
 */
export class Health {
  readonly #nats: Nats;
  readonly #news: GatewayNews;
  #timer: NodeJS.Timeout | undefined;
  #ackAt = Number.NEGATIVE_INFINITY;
  #problem: string | undefined = 'the gateway starts';
  #isClosed = false;

  constructor(nats: Nats, news: GatewayNews) {
    this.#nats = nats;
    this.#news = news;
    news.on('accepted', () => {
      this.#ackAt = performance.now();
    });
    news.on('unacknowledged', ({ isOfDevice }) => {
      if (!isOfDevice) this.#ackAt = Number.NEGATIVE_INFINITY;
    });
  }

  async start(): Promise<void> {
    await this.#look();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.start(), EVERY_MS);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  get readiness(): Readiness {
    if (this.#isClosed) return { isReady: false, reason: 'the gateway is closing' };
    if (this.#problem !== undefined) return { isReady: false, reason: this.#problem };
    return performance.now() - this.#ackAt <= MAX_AGE_MS
      ? { isReady: true }
      : { isReady: false, reason: 'the last acknowledgement is older than 10 s' };
  }

  async #look(): Promise<void> {
    try {
      const info = await this.#nats.jsm.streams.info(UPLOADS);
      this.#problem = hasLeader(info) ? undefined : 'the stream has no leader';
      if (performance.now() - this.#ackAt > EVERY_MS) await this.#probe();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  async #probe(): Promise<void> {
    await (await this.#nats.kv(BUCKETS.config)).put(PROBE_KEY, '');
    this.#ackAt = performance.now();
  }

  #onFailure(error: unknown): void {
    const isGone = isMissing(error) && (error as { code?: number }).code === 10_059;
    this.#problem = isGone ? 'the stream is missing' : 'the cluster does not answer';
    if (isGone) this.#news.emit('alarm', { alarm: 'stream-missing', message: STREAM_MISSING });
  }
}

const STREAM_MISSING =
  'The stream NIKDEV is missing. Uploads are refused with 503, and devices keep theirs. It is not made again automatically: restore a backup, or run "nikdev-iot gateway init" for an empty one.';

/** A single server is its own leader. */
const hasLeader = ({ cluster }: StreamInfo): boolean => cluster === undefined || cluster.leader !== undefined;
