import type { KV } from '@nats-io/kv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Marks } from '../../src/gateway/worker/marks.js';
import { deviceId } from '../support/gateway/worker-world.js';

/** A bucket with compare-and-set; `beforePut` is where another worker writes. */
class FakeBucket {
  readonly values = new Map<string, { text: string; revision: number }>();
  beforePut = (): Promise<void> => Promise.resolve();
  reads = 0;
  #revision = 0;

  async get(key: string) {
    this.reads += 1;
    const found = this.values.get(key);
    return found ? { operation: 'PUT', revision: found.revision, string: () => found.text } : null;
  }

  async put(key: string, text: string, { previousSeq }: { previousSeq: number }): Promise<number> {
    await this.beforePut();
    if ((this.values.get(key)?.revision ?? 0) !== previousSeq)
      throw Object.assign(new Error('wrong last sequence'), { code: 10071 });
    this.values.set(key, { text, revision: ++this.#revision });
    return this.#revision;
  }
}

const open = () => {
  const bucket = new FakeBucket();
  return { bucket, marks: new Marks(bucket as unknown as KV) };
};
const named = (writer: string, sequences: readonly number[]) => sequences.map((sequence) => ({ writer, sequence }));
const sequences = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });

describe('marks of settled entries', () => {
  test('hold what was added, in any order, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sequences, { maxLength: 6 }), fc.boolean(), async (added, readsFirst) => {
        const { marks } = open();
        for (const numbers of added) {
          const entries = named('w', numbers);
          await marks.add(deviceId(0), entries, readsFirst ? await marks.read(deviceId(0), entries) : undefined);
        }
        const all = named(
          'w',
          Array.from({ length: 50 }, (_, index) => index + 1),
        );
        const read = await marks.read(deviceId(0), all);
        const known = new Set(added.flat());
        for (const entry of all) expect(read.has(entry)).toBe(known.has(entry.sequence));
      }),
    );
  });

  test('lose nothing of what another worker adds at the same time', async () => {
    const { bucket, marks } = open();
    const entries = named('w', [1, 2]);
    const read = await marks.read(deviceId(0), entries);
    await new Marks(bucket as unknown as KV).add(deviceId(0), named('w', [7]));
    await marks.add(deviceId(0), entries, read);
    const after = await marks.read(deviceId(0), named('w', [7]));
    expect([1, 2, 7].every((sequence) => after.has({ writer: 'w', sequence }))).toBe(true);
  });

  test('are of one device and one writer', async () => {
    const { marks } = open();
    await marks.add(deviceId(0), named('w', [1]));
    expect((await marks.read(deviceId(1), named('w', [1]))).has({ writer: 'w', sequence: 1 })).toBe(false);
    expect((await marks.read(deviceId(0), named('v', [1]))).has({ writer: 'v', sequence: 1 })).toBe(false);
  });

  test('take at most 16 KiB, and forget the oldest first', async () => {
    const { bucket, marks } = open();
    const scattered = Array.from({ length: 10_000 }, (_, index) => 2 * index + 1);
    await marks.add(deviceId(0), named('w', scattered));
    const [[, { text }] = ['', { text: '' }]] = bucket.values;
    expect(text.length).toBeLessThanOrEqual(16_384);
    const read = await marks.read(deviceId(0), named('w', [1]));
    expect(read.has({ writer: 'w', sequence: 19_999 })).toBe(true);
    expect(read.has({ writer: 'w', sequence: 1 })).toBe(false);
  });

  test('are read once for a message', async () => {
    const { bucket, marks } = open();
    const entries = named('w', [1, 2, 3]);
    await marks.add(deviceId(0), entries, await marks.read(deviceId(0), entries));
    expect(bucket.reads).toBe(1);
  });
});
