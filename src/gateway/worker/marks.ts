import type { KV } from '@nats-io/kv';
import { encodeId, encodeName } from '../names.js';
import { decodeRanges, encodeRanges, includes, type Ranges, rangesOf, union } from './ranges.js';

/** The most that a value may take: the oldest ranges are left out, so that their entries may be sent twice. */
const MAX_MARK_BYTES = 16_384;
/** Another worker may write between the reading and the writing of a mark; after so many conflicts something else is wrong. */
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

/** The marks of the writers of one device at the time of a reading. */
export class ReadMarks {
  readonly #marks: ReadonlyMap<string, Mark>;

  constructor(marks: ReadonlyMap<string, Mark>) {
    this.#marks = marks;
  }

  has({ writer, sequence }: Named): boolean {
    return includes(this.of(writer)?.ranges ?? [], sequence);
  }

  /** @returns `undefined` if the marks of the writer were not read. */
  of(writer: string): Mark | undefined {
    return this.#marks.get(writer);
  }
}

/**
 * The settled entries, stored upstream or in quarantine: sets, never a highest sequence, as devices send newer entries before older
 * ones. By device and writer: ids of writers are the device's, and another device may claim the same.
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
    return new ReadMarks(new Map(writers.map((writer, index) => [writer, marks[index] ?? NOTHING])));
  }

  /** Adds entries. @param read - The marks that were read before, which saves the reading unless another worker has written since. */
  async add(device: string, entries: readonly Named[], read?: ReadMarks): Promise<void> {
    const sequences = new Map<string, number[]>();
    for (const { writer, sequence } of entries) {
      const others = sequences.get(writer);
      if (others === undefined) sequences.set(writer, [sequence]);
      else others.push(sequence);
    }
    await Promise.all(
      Array.from(sequences, ([writer, numbers]) =>
        this.#add(keyOf(device, writer), rangesOf(numbers), read?.of(writer)),
      ),
    );
  }

  async #read(key: string): Promise<Mark> {
    const entry = await this.#bucket.get(key);
    if (entry?.operation !== 'PUT') return { ...NOTHING, revision: entry?.revision ?? 0 };
    return { ranges: decodeRanges(entry.string()), revision: entry.revision };
  }

  async #add(key: string, added: Ranges, read: Mark | undefined): Promise<void> {
    let known = read;
    for (let conflicts = 0; ; conflicts++) {
      const { ranges, revision } = known ?? (await this.#read(key));
      known = undefined;
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

const keyOf = (device: string, writer: string): string => `${encodeId(device)}.${encodeName(writer)}`;

/** The code of JetStream for another last sequence than the expected one. */
const WRONG_LAST_SEQUENCE = 10071;

/** Whether a value was written by another since it was read. */
const isConflict = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === WRONG_LAST_SEQUENCE;
