import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../src/core/model/entry.js';
import type { Writer } from '../../src/core/ports/storage.js';
import { destination, entryOf } from '../support/builders/stored-entry.js';
import { deadWriter, type MakeStorage, type StorageUnderTest } from './storage-under-test.js';

/** `quarantine`: a rejection is kept with its entry until the entry is removed. */
export function quarantineContract(make: MakeStorage): void {
  describe('quarantine', () => {
    const rejection = { status: 422, reason: 'Bad request: "no" å€😀 \u2028\n \\ }' };
    const refused = (entry: StoredEntry): StoredEntry => ({ ...entry, rejection });

    /** A writer that saved entries 1 to `count`, of which some are in quarantine; it still lives. */
    async function living(storage: StorageUnderTest, count: number, ...bad: number[]): Promise<Writer> {
      const writer = await storage.open(destination);
      for (let sequence = 1; sequence <= count; sequence++)
        writer.save(entryOf(writer, sequence), { clearsStaged: false });
      writer.quarantine(bad.map((sequence) => refused(entryOf(writer, sequence))));
      return writer;
    }

    async function leftBy(storage: StorageUnderTest, writer: Writer): Promise<readonly StoredEntry[]> {
      await storage.crash(writer);
      return (await storage.adopt(await storage.open(destination), { isFirst: true })).entries;
    }

    test('comes back with its rejection, among the others, in the order of their commits', async () => {
      const storage = make();
      const writer = await living(storage, 4, 1, 3);
      expect(await leftBy(storage, writer)).toEqual([
        refused(entryOf(writer, 1)),
        entryOf(writer, 2),
        refused(entryOf(writer, 3)),
        entryOf(writer, 4),
      ]);
    });

    test('and removed is gone, and does not come back by being quarantined again', async () => {
      const storage = make();
      const writer = await living(storage, 3, 2);
      writer.remove([refused(entryOf(writer, 2))]);
      writer.quarantine([refused(entryOf(writer, 2))]);
      writer.remove([refused(entryOf(writer, 2))]);
      expect(await leftBy(storage, writer)).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
    });

    test('is removed whole, whether its record was written or not', async () => {
      const storage = make();
      const writer = await living(storage, 2);
      writer.remove([refused(entryOf(writer, 1))]);
      expect(await leftBy(storage, writer)).toEqual([entryOf(writer, 2)]);
    });

    test('twice, or of an unknown entry, is harmless', async () => {
      const storage = make();
      const writer = await living(storage, 2, 2, 2);
      writer.quarantine([]);
      writer.quarantine([refused(entryOf(writer, 2)), refused(entryOf(writer, 9))]);
      writer.quarantine([refused({ ...entryOf(writer, 1), writer: 'aaaaaaaaaaaaaaaa' })]);
      expect(await leftBy(storage, writer)).toEqual([entryOf(writer, 1), refused(entryOf(writer, 2))]);
    });

    test('noted again keeps the last rejection, one that is retryable and one that is not', async () => {
      const storage = make();
      let writer = await living(storage, 2, 1, 2);
      const first = writer;
      const retryable = { status: 503, reason: `Bad luck: ${'x'.repeat(280)}`, retryable: true } as const;
      for (const last of [retryable, rejection, retryable]) {
        writer.quarantine([{ ...entryOf(first, 1), rejection: last }]);
        await storage.crash(writer);
        writer = await storage.open(destination);
        const { entries } = await storage.adopt(writer, { isFirst: true });
        expect(entries).toEqual([{ ...entryOf(first, 1), rejection: last }, refused(entryOf(first, 2))]);
      }
      writer.remove([entryOf(first, 1)]);
      expect(await leftBy(storage, writer)).toEqual([refused(entryOf(first, 2))]);
    });

    test('of adopted entries is kept for the next adopter', async () => {
      const storage = make();
      const writer = await deadWriter(storage, 3);
      const adopter = await storage.open(destination);
      const { entries } = await storage.adopt(adopter, { isFirst: true });
      adopter.quarantine(entries.slice(1, 2).map(refused));
      expect(await leftBy(storage, adopter)).toEqual([
        entryOf(writer, 1),
        refused(entryOf(writer, 2)),
        entryOf(writer, 3),
      ]);
    });

    test('survives any number of runs that do not touch it, and is removed by the one that removes it', async () => {
      const storage = make();
      let writer = await living(storage, 2, 1);
      const first = writer;
      for (let run = 0; run < 3; run++) {
        await storage.crash(writer);
        writer = await storage.open(destination);
        const { entries } = await storage.adopt(writer, { isFirst: true });
        expect(entries).toEqual([refused(entryOf(first, 1)), entryOf(first, 2)]);
      }
      writer.remove([refused(entryOf(first, 1))]);
      expect(await leftBy(storage, writer)).toEqual([entryOf(first, 2)]);
    });

    test('is released at once by close()', async () => {
      const storage = make();
      const writer = await living(storage, 1, 1);
      writer.close();
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).entries).toEqual([
        refused(entryOf(writer, 1)),
      ]);
    });

    test('does not touch staged values', async () => {
      const storage = make();
      const writer = await living(storage, 2);
      writer.saveStaged([{ fieldId: 'a', value: 1 }]);
      writer.quarantine([refused(entryOf(writer, 1))]);
      await storage.crash(writer);
      const { staged, entries } = await storage.adopt(await storage.open(destination), { isFirst: true });
      expect(staged).toEqual([{ fieldId: 'a', value: 1 }]);
      expect(entries).toHaveLength(2);
    });

    test('outlives any number of entries that come and go around it', async () => {
      const storage = make();
      const writer = await living(storage, 3, 2);
      for (let sequence = 4; sequence < 1500; sequence++) {
        writer.save(entryOf(writer, sequence, `${sequence} ${'x'.repeat(100)}`), { clearsStaged: false });
        writer.remove([entryOf(writer, sequence - 1, `${sequence - 1} ${'x'.repeat(100)}`)]);
      }
      writer.remove([entryOf(writer, 1), entryOf(writer, 3)]);
      const last = entryOf(writer, 1499, `1499 ${'x'.repeat(100)}`);
      expect(await leftBy(storage, writer)).toEqual([refused(entryOf(writer, 2)), last]);
    });
  });
}
