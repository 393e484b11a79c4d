import { partitionSubject, UPLOADS } from '../names.js';
import type { Nats } from '../nats.js';
import type { GatewayNews } from '../news.js';

/** The messages that wait in a partition. */
export interface PartitionDepth {
  /** The number of the partition, from 0. */
  readonly partition: number;
  /** The messages in it. */
  readonly messages: number;
  /** The age of the oldest message in seconds; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** The messages that wait in the queue. */
export interface Depths {
  readonly partitions: readonly PartitionDepth[];
  /** The messages on subjects of no partition, which nothing takes: no gateway wrote them. */
  readonly strays: number;
}

/** Messages are read to know their age, so not at each call. */
const CACHED_MS = 10_000;

/** Reads how much waits in each partition. */
export class QueueDepth {
  readonly #nats: Nats;
  readonly #partitions: number;
  readonly #news: GatewayNews | undefined;
  #last: { readonly at: number; readonly depth: Promise<Depths> } | undefined;

  /** @param news - Gets an alarm if there are messages that nothing takes. Default: none. */
  constructor(nats: Nats, partitions: number, news?: GatewayNews) {
    this.#nats = nats;
    this.#partitions = partitions;
    this.#news = news;
  }

  /** @throws if the cluster does not answer. */
  read(): Promise<Depths> {
    const now = performance.now();
    if (this.#last && now - this.#last.at < CACHED_MS) return this.#last.depth;
    const depth = this.#read();
    this.#last = { at: now, depth };
    depth.catch(() => {
      this.#last = undefined;
    });
    return depth;
  }

  async #read(): Promise<Depths> {
    const { counts, strays } = await this.#count();
    if (strays > 0) this.#news?.emit('alarm', { alarm: 'forged-message', message: strayText(strays) });
    const partitions = await Promise.all(
      counts.map(async (messages, partition) => ({
        partition,
        messages,
        oldestSeconds: messages === 0 ? 0 : await this.#ageOfOldest(partition),
      })),
    );
    return { partitions, strays };
  }

  /** Any client of the cluster may publish on a subject such as `gw.1e9.x`. */
  async #count(): Promise<{ readonly counts: readonly number[]; readonly strays: number }> {
    const { state } = await this.#nats.jsm.streams.info(UPLOADS, { subjects_filter: 'gw.*.*' });
    const counts = Array.from({ length: this.#partitions }, () => 0);
    const partitions = new Map(counts.map((_, partition) => [String(partition), partition]));
    let strays = 0;
    for (const [subject, count] of Object.entries(state.subjects ?? {})) {
      const partition = partitions.get(subject.split('.')[1] ?? '');
      if (partition === undefined) strays += count;
      else counts[partition] = (counts[partition] ?? 0) + count;
    }
    return { counts, strays };
  }

  async #ageOfOldest(partition: number): Promise<number> {
    const query = { next_by_subj: partitionSubject(partition), seq: 1 };
    const oldest = await this.#nats.jsm.streams.getMessage(UPLOADS, query).catch(() => null);
    return oldest === null ? 0 : Math.max((Date.now() - Date.parse(oldest.timestamp)) / 1000, 0);
  }
}

const strayText = (strays: number): string =>
  `messages in no partition, which stay in the queue: ${strays}; see "Messages in no partition" in docs/gateway.md`;
