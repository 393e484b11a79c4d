import { partitionSubject, UPLOADS } from '../names.js';
import type { Nats } from '../nats.js';

/** The messages that wait in a partition. */
export interface PartitionDepth {
  /** The number of the partition, from 0. */
  readonly partition: number;
  /** The messages in it. */
  readonly messages: number;
  /** The age of the oldest message in seconds; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** Messages are read to know their age, so not at each call. */
const CACHED_MS = 10_000;

/** Reads how much waits in each partition. */
export class QueueDepth {
  readonly #nats: Nats;
  readonly #partitions: number;
  #last: { readonly at: number; readonly depth: Promise<PartitionDepth[]> } | undefined;

  constructor(nats: Nats, partitions: number) {
    this.#nats = nats;
    this.#partitions = partitions;
  }

  /** @throws if the cluster does not answer. */
  read(): Promise<PartitionDepth[]> {
    const now = performance.now();
    if (this.#last && now - this.#last.at < CACHED_MS) return this.#last.depth;
    const depth = this.#read();
    this.#last = { at: now, depth };
    depth.catch(() => {
      this.#last = undefined;
    });
    return depth;
  }

  async #read(): Promise<PartitionDepth[]> {
    const { state } = await this.#nats.jsm.streams.info(UPLOADS, { subjects_filter: 'gw.*.*' });
    const counts = Array.from({ length: this.#partitions }, () => 0);
    for (const [subject, count] of Object.entries(state.subjects ?? {})) {
      const partition = Number(subject.split('.')[1]);
      counts[partition] = (counts[partition] ?? 0) + count;
    }
    return Promise.all(
      counts.map(async (messages, partition) => ({
        partition,
        messages,
        oldestSeconds: messages === 0 ? 0 : await this.#ageOfOldest(partition),
      })),
    );
  }

  async #ageOfOldest(partition: number): Promise<number> {
    const query = { next_by_subj: partitionSubject(partition), seq: 1 };
    const oldest = await this.#nats.jsm.streams.getMessage(UPLOADS, query).catch(() => null);
    return oldest === null ? 0 : Math.max((Date.now() - Date.parse(oldest.timestamp)) / 1000, 0);
  }
}
