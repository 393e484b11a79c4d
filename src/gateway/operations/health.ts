import type { StreamInfo } from '@nats-io/jetstream';
import { BUCKETS, UPLOADS } from '../names.js';
import type { Nats } from '../nats.js';
import { findMissing, type Need } from '../needs.js';
import type { GatewayNews } from '../news.js';
import { isStreamMissing, RESTORE } from '../stream-failure.js';

/** A gateway whose last acknowledgement is older is not ready. */
const MAX_AGE_MS = 10_000;
const EVERY_MS = 4000;
const PROBE_KEY = 'probe';
const NO_ANSWER = 'the cluster does not answer';

/** Whether a gateway is ready, and the reason if it is not. */
export type Readiness = { readonly isReady: true } | { readonly isReady: false; readonly reason: string };

/**
 * Watches the stream: whether it is there, has a leader, and acknowledges. A gateway without traffic writes a value every few seconds,
 * as only a replicated write shows that a majority is there.
 */
export class Health {
  /** Besides the stream, which is read for its leader. */
  readonly #needs: readonly Need[];
  readonly #nats: Nats;
  readonly #news: GatewayNews;
  #timer: NodeJS.Timeout | undefined;
  #ackAt = Number.NEGATIVE_INFINITY;
  #problem: string | undefined = 'the gateway starts';
  /** The streams and buckets that do not exist. */
  #missing: string | undefined;
  #isClosed = false;

  constructor(nats: Nats, news: GatewayNews, needs: readonly Need[]) {
    this.#needs = needs.filter(({ name }) => name !== UPLOADS);
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
    const [isQueueMissing, missing] = await Promise.all([this.#look(), findMissing(this.#nats, this.#needs)]);
    this.#report([...(isQueueMissing ? [`the stream ${UPLOADS}`] : []), ...missing.map(({ title }) => title)]);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.start(), EVERY_MS);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  get readiness(): Readiness {
    if (this.#isClosed) return { isReady: false, reason: 'the gateway is closing' };
    const problem = this.#missing ?? this.#problem;
    if (problem !== undefined) return { isReady: false, reason: problem };
    return performance.now() - this.#ackAt <= MAX_AGE_MS
      ? { isReady: true }
      : { isReady: false, reason: 'the last acknowledgement is older than 10 s' };
  }

  /** @returns Whether the stream does not exist. */
  async #look(): Promise<boolean> {
    try {
      const info = await this.#nats.jsm.streams.info(UPLOADS);
      this.#problem = hasLeader(info) ? undefined : 'the stream has no leader';
    } catch (error) {
      this.#problem = NO_ANSWER;
      return isStreamMissing(error);
    }
    if (performance.now() - this.#ackAt > EVERY_MS) await this.#probe();
    return false;
  }

  #report(missing: readonly string[]): void {
    for (const title of missing) this.#news.emit('alarm', { alarm: 'stream-missing', message: lossOf(title) });
    this.#missing = missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined;
  }

  async #probe(): Promise<void> {
    try {
      await (await this.#nats.kv(BUCKETS.config)).put(PROBE_KEY, '');
      this.#ackAt = performance.now();
    } catch {
      this.#problem = NO_ANSWER;
    }
  }
}

/** Without the queue or the keys nothing is accepted, without the others nothing is forwarded. */
const lossOf = (title: string): string =>
  `${title} is missing. Devices keep the uploads that are answered with 503, and those that were accepted stay in the queue. ${RESTORE}`;

/** A single server is its own leader. */
const hasLeader = ({ cluster }: StreamInfo): boolean => cluster === undefined || cluster.leader !== undefined;
