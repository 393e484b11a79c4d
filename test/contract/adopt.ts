import { describe, expect, test } from 'vitest';
import { destination, entryOf, otherDestinations } from '../support/builders/stored-entry.js';
import { deadWriter, type MakeStorage } from './storage-under-test.js';

/** `adopt`: entries of writers that have ended are taken over once, and only by a writer of their destination. */
export function adoptContract(make: MakeStorage): void {
  describe('adopt', () => {
    test('entries that a dead adopter had not removed are adopted again, and its own entries too', async () => {
      const storage = make();
      const writer = await deadWriter(storage, 2);
      const adopter = await storage.open(destination);
      await storage.adopt(adopter, { isFirst: true });
      adopter.save(entryOf(adopter, 1), { clearsStaged: false });
      await storage.crash(adopter);
      const { entries } = await storage.adopt(await storage.open(destination), { isFirst: true });
      expect(entries).toHaveLength(3);
      expect(entries.filter((entry) => entry.writer === writer.id)).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
      expect(entries.filter((entry) => entry.writer === adopter.id)).toEqual([entryOf(adopter, 1)]);
    });

    test('the entries of a living writer are never adopted', async () => {
      const storage = make();
      const living = await storage.open(destination);
      living.save(entryOf(living, 1), { clearsStaged: false });
      const other = await storage.open(destination);
      expect((await storage.adopt(other, { isFirst: true })).entries).toEqual([]);
      expect((await storage.adopt(other, { isFirst: false })).entries).toEqual([]);
    });

    test('adopted entries are not adopted by another writer', async () => {
      const storage = make();
      await deadWriter(storage, 3);
      const first = await storage.open(destination);
      const second = await storage.open(destination);
      const taken = await storage.adopt(first, { isFirst: true });
      expect(taken.entries).toHaveLength(3);
      expect((await storage.adopt(second, { isFirst: true })).entries).toEqual([]);
      expect((await storage.adopt(first, { isFirst: false })).entries).toEqual([]);
    });

    test('two writers that look at once share the orphans: none twice, none left', async () => {
      const storage = make();
      await deadWriter(storage, 3);
      await deadWriter(storage, 4);
      const [one, other] = [await storage.open(destination), await storage.open(destination)];
      const [ofOne, ofOther] = await Promise.all([
        storage.adopt(one, { isFirst: true }),
        storage.adopt(other, { isFirst: true }),
      ]);
      const ids = [...ofOne.entries, ...ofOther.entries].map(({ writer, sequence }) => `${writer}-${sequence}`);
      expect(ids).toHaveLength(7);
      expect(new Set(ids).size).toBe(7);
    });

    test.each(otherDestinations)('entries for another device or server are never adopted (%o)', async (other) => {
      const storage = make();
      const writer = await deadWriter(storage, 2, other);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).entries).toEqual([]);
      const { entries } = await storage.adopt(await storage.open(other), { isFirst: true });
      expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
    });

    test('while it runs, a writer adopts entries of writers that die later', async () => {
      const storage = make();
      const living = await storage.open(destination);
      await storage.adopt(living, { isFirst: true });
      const writer = await deadWriter(storage, 2);
      expect((await storage.adopt(living, { isFirst: false })).entries).toEqual([
        entryOf(writer, 1),
        entryOf(writer, 2),
      ]);
    });
  });
}
