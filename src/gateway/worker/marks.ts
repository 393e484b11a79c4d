import type { KV } from '@nats-io/kv';
import { encodeId } from '../names.js';
import { decodeRanges, encodeRanges, includes, type Ranges, rangesOf, union } from './ranges.js';

/** The most that a value may take: the oldest ranges are left out, so that their entries may be sent twice. */
const MAX_MARK_BYTES = 16_384;
/** Another worker may write between the reading and the writing of a mark, but not for ever. */
const MAX_CONFLICTS = 20;
const NOTHING: Mark = { ranges: [], revision: 0 };

interface Mark {
  readonly ranges: Ranges;
  /** 0 if there is no value. */
  readonly revision: number;
}

interface Named {
  readonly writer: string;
  readonly sequence: number;
}

/** The marks of one device at the time of a reading. */
export interface ReadMarks {
  has(entry: Named): boolean;
}

/**
 * Which entries are settled: stored upstream, or in quarantine. Sets, never a highest sequence, as devices send newer entries before
 * older ones. By device and writer: ids of writers are the device's, and another device may claim the same.
 */
export class Marks {
  readonly #bucket: KV;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** Reads the marks of the writers of entries. */
  async read(device: string, entries: readonly Named[]): Promise<ReadMarks> {
    const writers = [...new Set(entries.map(({ writer }) => writer))];
    const marks = await Promise.all(writers.map(async (writer) => this.#read(keyOf(device, writer))));
    const byWriter = new Map(writers.map((writer, index) => [writer, marks[index]?.ranges ?? []]));
    return { has: ({ writer, sequence }) => includes(byWriter.get(writer) ?? [], sequence) };
  }

  /** Adds entries. */
  async add(device: string, entries: readonly Named[]): Promise<void> {
    const sequences = new Map<string, number[]>();
    for (const { writer, sequence } of entries) {
      const others = sequences.get(writer);
      if (others === undefined) sequences.set(writer, [sequence]);
      else others.push(sequence);
    }
    await Promise.all(
      Array.from(sequences, ([writer, numbers]) => this.#add(keyOf(device, writer), rangesOf(numbers))),
    );
  }

  async #read(key: string): Promise<Mark> {
    const entry = await this.#bucket.get(key);
    if (entry?.operation !== 'PUT') return { ...NOTHING, revision: entry?.revision ?? 0 };
    return { ranges: decodeRanges(entry.string()), revision: entry.revision };
  }

  async #add(key: string, added: Ranges): Promise<void> {
    for (let conflicts = 0; ; conflicts++) {
      const { ranges, revision } = await this.#read(key);
      const text = encodeRanges(union(ranges, added), MAX_MARK_BYTES);
      try {
        await this.#bucket.put(key, text, { previousSeq: revision });
        return;
      } catch (error) {
        if (!isConflict(error) || conflicts >= MAX_CONFLICTS) throw error;
      }
    }
  }
}

const keyOf = (device: string, writer: string): string => `${encodeId(device)}.${encodeId(writer)}`;

/** The code of JetStream for another last sequence than the expected one. */
const WRONG_LAST_SEQUENCE = 10071;

/** Whether a value was written by another since it was read. */
export const isConflict = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === WRONG_LAST_SEQUENCE;
