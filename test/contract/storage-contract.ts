import { describe, expect, test } from 'vitest';
import type { Binding } from '../../src/core/model/destination.js';
import type { StoredEntry } from '../../src/core/model/entry.js';
import { encodeValues } from '../../src/core/model/values-json.js';
import type { Adoption, Writer } from '../../src/core/ports/storage.js';
import { DEVICE_ID } from '../support/credentials.js';

/** One storage, as the runs of any number of programs see it. */
export interface StorageUnderTest {
  /** Opens a writer in a run of its own: a tab, a process, an `Api`. */
  open(binding: Binding): Writer;
  /** Ends the writer's run as its platform would end it at worst; what it saved stays. */
  crash(writer: Writer): Promise<void> | void;
  /** Calls `adopt` and lets as much time pass as it needs. */
  adopt(writer: Writer, atStart: boolean): Promise<Adoption>;
}

export const binding: Binding = { deviceId: DEVICE_ID, baseUrl: 'https://iot.nik-dev.se/api/v1/' };
export const otherBindings: readonly Binding[] = [
  { ...binding, deviceId: '33333333-3333-4333-8333-333333333333' },
  { ...binding, baseUrl: 'https://elsewhere.example/api/v1/' },
];

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

export function entryOf(writer: Writer, sequence: number, value: string | number = sequence): StoredEntry {
  const values = encodeValues([{ fieldId: 'a', value }]);
  const bytes = byteLength(values);
  return { writer: writer.id, sequence, timestamp: 1_700_000_000 + sequence, values, bytes };
}

/** What every storage keeps to, whatever it is made of. */
export function storageContract(name: string, make: () => StorageUnderTest): void {
  describe(`the storage contract, kept by ${name}`, () => {
    /** A writer that saved entries 1 to `count` and whose run has ended. */
    async function dead(storage: StorageUnderTest, count: number, of = binding): Promise<Writer> {
      const writer = storage.open(of);
      for (let sequence = 1; sequence <= count; sequence++) writer.save(entryOf(writer, sequence), false);
      await storage.crash(writer);
      return writer;
    }

    test('what a dead writer saved is adopted whole, in the order of its commits, under its own ids', async () => {
      const storage = make();
      const writer = await dead(storage, 12);
      const { entries } = await storage.adopt(storage.open(binding), true);
      expect(entries).toEqual(Array.from({ length: 12 }, (_, index) => entryOf(writer, index + 1)));
    });

    test('text comes back as it was saved', async () => {
      const storage = make();
      const writer = storage.open(binding);
      const values = encodeValues([
        { fieldId: '__proto__', value: 'line\nbreaks\r\n\u0000 and \u2028 "quotes" \\' },
        { fieldId: 'Å 😀', value: 'ångström 😀' },
        { fieldId: 'constructor', value: true },
        { fieldId: 'length', value: -1.5e-300 },
      ]);
      const entry = { writer: writer.id, sequence: 1, timestamp: 0, values, bytes: byteLength(values) };
      writer.save(entry, false);
      await storage.crash(writer);
      const { entries } = await storage.adopt(storage.open(binding), true);
      expect(entries).toEqual([entry]);
    });

    test('each writer has an id of its own', () => {
      const storage = make();
      const ids = Array.from({ length: 50 }, () => storage.open(binding).id);
      expect(new Set(ids).size).toBe(50);
    });

    test('what was removed is gone, and removing it again or what never was is harmless', async () => {
      const storage = make();
      const writer = storage.open(binding);
      for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), false);
      writer.remove([entryOf(writer, 1), entryOf(writer, 3)]);
      writer.remove([entryOf(writer, 1), entryOf(writer, 9)]);
      await storage.crash(writer);
      const { entries } = await storage.adopt(storage.open(binding), true);
      expect(entries).toEqual([entryOf(writer, 2)]);
    });

    test('adopted entries that their adopter removed are gone for everyone', async () => {
      const storage = make();
      const writer = await dead(storage, 3);
      const adopter = storage.open(binding);
      const { entries } = await storage.adopt(adopter, true);
      adopter.remove(entries.slice(0, 2));
      await storage.crash(adopter);
      expect((await storage.adopt(storage.open(binding), true)).entries).toEqual([entryOf(writer, 3)]);
    });

    test('what an adopter had not removed when it died is adopted again, and its own entries too', async () => {
      const storage = make();
      const writer = await dead(storage, 2);
      const adopter = storage.open(binding);
      await storage.adopt(adopter, true);
      adopter.save(entryOf(adopter, 1), false);
      await storage.crash(adopter);
      const { entries } = await storage.adopt(storage.open(binding), true);
      expect(entries).toHaveLength(3);
      expect(entries.filter((entry) => entry.writer === writer.id)).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
      expect(entries.filter((entry) => entry.writer === adopter.id)).toEqual([entryOf(adopter, 1)]);
    });

    test('the entries of a living writer are never taken', async () => {
      const storage = make();
      const living = storage.open(binding);
      living.save(entryOf(living, 1), false);
      const other = storage.open(binding);
      expect((await storage.adopt(other, true)).entries).toEqual([]);
      expect((await storage.adopt(other, false)).entries).toEqual([]);
    });

    test('what one writer has adopted no other takes', async () => {
      const storage = make();
      await dead(storage, 3);
      const first = storage.open(binding);
      const second = storage.open(binding);
      const taken = await storage.adopt(first, true);
      expect(taken.entries).toHaveLength(3);
      expect((await storage.adopt(second, true)).entries).toEqual([]);
      expect((await storage.adopt(first, false)).entries).toEqual([]);
    });

    test('two writers that look at once share what is there: nothing twice, nothing left', async () => {
      const storage = make();
      await dead(storage, 3);
      await dead(storage, 4);
      const [one, other] = [storage.open(binding), storage.open(binding)];
      const [ofOne, ofOther] = await Promise.all([storage.adopt(one, true), storage.adopt(other, true)]);
      const ids = [...ofOne.entries, ...ofOther.entries].map(({ writer, sequence }) => `${writer}-${sequence}`);
      expect(ids).toHaveLength(7);
      expect(new Set(ids).size).toBe(7);
    });

    test('a closed writer releases at once what it saved and what it had adopted', async () => {
      const storage = make();
      await dead(storage, 2);
      const first = storage.open(binding);
      await storage.adopt(first, true);
      first.save(entryOf(first, 1), false);
      first.close();
      first.close();
      expect((await storage.adopt(storage.open(binding), true)).entries).toHaveLength(3);
    });

    test.each(otherBindings)('entries for another device or server are never taken (%o)', async (other) => {
      const storage = make();
      const writer = await dead(storage, 2, other);
      expect((await storage.adopt(storage.open(binding), true)).entries).toEqual([]);
      const { entries } = await storage.adopt(storage.open(other), true);
      expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
    });

    test('while it runs, a writer takes what dies later', async () => {
      const storage = make();
      const living = storage.open(binding);
      await storage.adopt(living, true);
      const writer = await dead(storage, 2);
      expect((await storage.adopt(living, false)).entries).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
    });

    describe('staged values', () => {
      const staged = [
        { fieldId: '10', value: 'ä\n' },
        { fieldId: '2', value: false },
      ];

      test('come back at the start of the next run, once', async () => {
        const storage = make();
        const writer = storage.open(binding);
        writer.saveStaged([{ fieldId: 'x', value: 1 }]);
        writer.saveStaged(staged);
        await storage.crash(writer);
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual(staged);
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual([]);
      });

      test('come back in the next run where one before it is closed in the task that opened it', async () => {
        const storage = make();
        const writer = storage.open(binding);
        writer.saveStaged(staged);
        await storage.crash(writer);
        const brief = storage.open(binding);
        const adoption = storage.adopt(brief, true);
        brief.close();
        expect((await adoption).staged).toEqual([]);
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual(staged);
      });

      test('come back beside the entries of their run', async () => {
        const storage = make();
        const writer = storage.open(binding);
        writer.save(entryOf(writer, 1), true);
        writer.saveStaged(staged);
        await storage.crash(writer);
        expect(await storage.adopt(storage.open(binding), true)).toMatchObject({
          entries: [entryOf(writer, 1)],
          staged,
        });
      });

      test('never come into a run that has started', async () => {
        const storage = make();
        const living = storage.open(binding);
        await storage.adopt(living, true);
        const writer = storage.open(binding);
        writer.save(entryOf(writer, 1), true);
        writer.saveStaged(staged);
        await storage.crash(writer);
        const { entries, staged: taken } = await storage.adopt(living, false);
        expect(taken).toEqual([]);
        living.remove(entries);
        living.close();
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual(staged);
      });

      test('of the most recent of several runs come back', async () => {
        const storage = make();
        for (const value of [1, 2, 3]) {
          const writer = storage.open(binding);
          writer.saveStaged([{ fieldId: 'a', value }]);
          await storage.crash(writer);
        }
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual([{ fieldId: 'a', value: 3 }]);
      });

      test('are forgotten by the commit that is made of them, and by an empty save', async () => {
        const storage = make();
        const writer = storage.open(binding);
        writer.saveStaged(staged);
        writer.save(entryOf(writer, 1), true);
        await storage.crash(writer);
        const next = storage.open(binding);
        expect((await storage.adopt(next, true)).staged).toEqual([]);
        next.saveStaged(staged);
        next.saveStaged([]);
        await storage.crash(next);
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual([]);
      });

      test('stay when another entry is put back', async () => {
        const storage = make();
        const writer = storage.open(binding);
        writer.saveStaged(staged);
        writer.save(entryOf(writer, 1), false);
        await storage.crash(writer);
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual(staged);
      });

      test.each(otherBindings)('of another device or server stay where they are (%o)', async (other) => {
        const storage = make();
        const writer = storage.open(other);
        writer.saveStaged(staged);
        await storage.crash(writer);
        expect((await storage.adopt(storage.open(binding), true)).staged).toEqual([]);
        expect((await storage.adopt(storage.open(other), true)).staged).toEqual(staged);
      });
    });

    describe('quarantine', () => {
      const refusal = { status: 422, reason: 'Bad request: "no" å€😀 \u2028\n \\ }' };
      const refused = (entry: StoredEntry): StoredEntry => ({ ...entry, refusal });

      /** A writer that saved entries 1 to `count`, of which some are in quarantine; it still lives. */
      function living(storage: StorageUnderTest, count: number, ...bad: number[]): Writer {
        const writer = storage.open(binding);
        for (let sequence = 1; sequence <= count; sequence++) writer.save(entryOf(writer, sequence), false);
        writer.quarantine(bad.map((sequence) => refused(entryOf(writer, sequence))));
        return writer;
      }

      async function leftBy(storage: StorageUnderTest, writer: Writer): Promise<readonly StoredEntry[]> {
        await storage.crash(writer);
        return (await storage.adopt(storage.open(binding), true)).entries;
      }

      test('comes back with its refusal, among the others, in the order of their commits', async () => {
        const storage = make();
        const writer = living(storage, 4, 1, 3);
        expect(await leftBy(storage, writer)).toEqual([
          refused(entryOf(writer, 1)),
          entryOf(writer, 2),
          refused(entryOf(writer, 3)),
          entryOf(writer, 4),
        ]);
      });

      test('and removed is gone, and does not come back by being noted again', async () => {
        const storage = make();
        const writer = living(storage, 3, 2);
        writer.remove([refused(entryOf(writer, 2))]);
        writer.quarantine([refused(entryOf(writer, 2))]);
        writer.remove([refused(entryOf(writer, 2))]);
        expect(await leftBy(storage, writer)).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
      });

      test('whose note failed or not, is removed whole', async () => {
        const storage = make();
        const writer = living(storage, 2);
        writer.remove([refused(entryOf(writer, 1))]);
        expect(await leftBy(storage, writer)).toEqual([entryOf(writer, 2)]);
      });

      test('noted twice, or of what never was, is harmless', async () => {
        const storage = make();
        const writer = living(storage, 2, 2, 2);
        writer.quarantine([]);
        writer.quarantine([refused(entryOf(writer, 2)), refused(entryOf(writer, 9))]);
        writer.quarantine([refused({ ...entryOf(writer, 1), writer: 'aaaaaaaaaaaaaaaa' })]);
        expect(await leftBy(storage, writer)).toEqual([entryOf(writer, 1), refused(entryOf(writer, 2))]);
      });

      test('of adopted entries is kept for the next adopter', async () => {
        const storage = make();
        const writer = await dead(storage, 3);
        const adopter = storage.open(binding);
        const { entries } = await storage.adopt(adopter, true);
        adopter.quarantine(entries.slice(1, 2).map(refused));
        expect(await leftBy(storage, adopter)).toEqual([
          entryOf(writer, 1),
          refused(entryOf(writer, 2)),
          entryOf(writer, 3),
        ]);
      });

      test('survives any number of runs that do nothing about it, and is removed by the one that does', async () => {
        const storage = make();
        let writer = living(storage, 2, 1);
        const first = writer;
        for (let run = 0; run < 3; run++) {
          await storage.crash(writer);
          writer = storage.open(binding);
          const { entries } = await storage.adopt(writer, true);
          expect(entries).toEqual([refused(entryOf(first, 1)), entryOf(first, 2)]);
        }
        writer.remove([refused(entryOf(first, 1))]);
        expect(await leftBy(storage, writer)).toEqual([entryOf(first, 2)]);
      });

      test('is released at once by close()', async () => {
        const storage = make();
        const writer = living(storage, 1, 1);
        writer.close();
        expect((await storage.adopt(storage.open(binding), true)).entries).toEqual([refused(entryOf(writer, 1))]);
      });

      test('leaves staged values alone', async () => {
        const storage = make();
        const writer = living(storage, 2);
        writer.saveStaged([{ fieldId: 'a', value: 1 }]);
        writer.quarantine([refused(entryOf(writer, 1))]);
        await storage.crash(writer);
        const { staged, entries } = await storage.adopt(storage.open(binding), true);
        expect(staged).toEqual([{ fieldId: 'a', value: 1 }]);
        expect(entries).toHaveLength(2);
      });

      test('outlives any number of entries that come and go around it', async () => {
        const storage = make();
        const writer = living(storage, 3, 2);
        for (let sequence = 4; sequence < 1500; sequence++) {
          writer.save(entryOf(writer, sequence, `${sequence} ${'x'.repeat(100)}`), false);
          writer.remove([entryOf(writer, sequence - 1, `${sequence - 1} ${'x'.repeat(100)}`)]);
        }
        writer.remove([entryOf(writer, 1), entryOf(writer, 3)]);
        const last = entryOf(writer, 1499, `1499 ${'x'.repeat(100)}`);
        expect(await leftBy(storage, writer)).toEqual([refused(entryOf(writer, 2)), last]);
      });
    });
  });
}
