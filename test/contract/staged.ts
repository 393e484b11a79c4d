import { describe, expect, test } from 'vitest';
import { destination, entryOf, otherDestinations } from '../support/builders/stored-entry.js';
import type { MakeStorage } from './storage-under-test.js';

/** `saveStaged`: staged values come back at the start of the next run, once. */
export function stagedContract(make: MakeStorage): void {
  describe('staged values', () => {
    const staged = [
      { fieldId: '10', value: 'ä\n' },
      { fieldId: '2', value: false },
    ];

    test('come back at the start of the next run, once', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      writer.saveStaged([{ fieldId: 'x', value: 1 }]);
      writer.saveStaged(staged);
      await storage.crash(writer);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual(staged);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual([]);
    });

    test('come back in the next run where one before it is closed in the task that opened it', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      writer.saveStaged(staged);
      await storage.crash(writer);
      const brief = await storage.open(destination);
      const adoption = storage.adopt(brief, { isFirst: true });
      brief.close();
      expect((await adoption).staged).toEqual([]);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual(staged);
    });

    test('come back beside the entries of their run', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      writer.save(entryOf(writer, 1), { clearsStaged: true });
      writer.saveStaged(staged);
      await storage.crash(writer);
      expect(await storage.adopt(await storage.open(destination), { isFirst: true })).toMatchObject({
        entries: [entryOf(writer, 1)],
        staged,
      });
    });

    test('never come into a run that has started', async () => {
      const storage = make();
      const living = await storage.open(destination);
      await storage.adopt(living, { isFirst: true });
      const writer = await storage.open(destination);
      writer.save(entryOf(writer, 1), { clearsStaged: true });
      writer.saveStaged(staged);
      await storage.crash(writer);
      const { entries, staged: taken } = await storage.adopt(living, { isFirst: false });
      expect(taken).toEqual([]);
      living.remove(entries);
      living.close();
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual(staged);
    });

    test('of the most recent of several runs come back', async () => {
      const storage = make();
      for (const value of [1, 2, 3]) {
        const writer = await storage.open(destination);
        writer.saveStaged([{ fieldId: 'a', value }]);
        await storage.crash(writer);
      }
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual([
        { fieldId: 'a', value: 3 },
      ]);
    });

    test('are removed by the commit that is made of them, and by an empty save', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      writer.saveStaged(staged);
      writer.save(entryOf(writer, 1), { clearsStaged: true });
      await storage.crash(writer);
      const next = await storage.open(destination);
      expect((await storage.adopt(next, { isFirst: true })).staged).toEqual([]);
      next.saveStaged(staged);
      next.saveStaged([]);
      await storage.crash(next);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual([]);
    });

    test('stay when another entry is restored', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      writer.saveStaged(staged);
      writer.save(entryOf(writer, 1), { clearsStaged: false });
      await storage.crash(writer);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual(staged);
    });

    test.each(otherDestinations)('of another device or server stay where they are (%o)', async (other) => {
      const storage = make();
      const writer = await storage.open(other);
      writer.saveStaged(staged);
      await storage.crash(writer);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).staged).toEqual([]);
      expect((await storage.adopt(await storage.open(other), { isFirst: true })).staged).toEqual(staged);
    });
  });
}
