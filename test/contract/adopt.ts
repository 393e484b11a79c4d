import { describe, expect, test } from 'vitest';
import { binding, entryOf, otherBindings } from '../support/builders/stored-entry.js';
import { deadWriter, type MakeStorage } from './storage-under-test.js';

/** `adopt`: entries of writers that have ended are taken over once, and only by a writer of their binding. */
export function adoptContract(make: MakeStorage): void {
  describe('adopt', () => {
    test('entries that a dead adopter had not removed are adopted again, and its own entries too', async () => {
      const storage = make();
      const writer = await deadWriter(storage, 2);
      const adopter = storage.open(binding);
      await storage.adopt(adopter, true);
      adopter.save(entryOf(adopter, 1), false);
      await storage.crash(adopter);
      const { entries } = await storage.adopt(storage.open(binding), true);
      expect(entries).toHaveLength(3);
      expect(entries.filter((entry) => entry.writer === writer.id)).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
      expect(entries.filter((entry) => entry.writer === adopter.id)).toEqual([entryOf(adopter, 1)]);
    });

    test('the entries of a living writer are never adopted', async () => {
      const storage = make();
      const living = storage.open(binding);
      living.save(entryOf(living, 1), false);
      const other = storage.open(binding);
      expect((await storage.adopt(other, true)).entries).toEqual([]);
      expect((await storage.adopt(other, false)).entries).toEqual([]);
    });

    test('adopted entries are not adopted by another writer', async () => {
      const storage = make();
      await deadWriter(storage, 3);
      const first = storage.open(binding);
      const second = storage.open(binding);
      const taken = await storage.adopt(first, true);
      expect(taken.entries).toHaveLength(3);
      expect((await storage.adopt(second, true)).entries).toEqual([]);
      expect((await storage.adopt(first, false)).entries).toEqual([]);
    });

    test('two writers that look at once share the orphans: none twice, none left', async () => {
      const storage = make();
      await deadWriter(storage, 3);
      await deadWriter(storage, 4);
      const [one, other] = [storage.open(binding), storage.open(binding)];
      const [ofOne, ofOther] = await Promise.all([storage.adopt(one, true), storage.adopt(other, true)]);
      const ids = [...ofOne.entries, ...ofOther.entries].map(({ writer, sequence }) => `${writer}-${sequence}`);
      expect(ids).toHaveLength(7);
      expect(new Set(ids).size).toBe(7);
    });

    test.each(otherBindings)('entries for another device or server are never adopted (%o)', async (other) => {
      const storage = make();
      const writer = await deadWriter(storage, 2, other);
      expect((await storage.adopt(storage.open(binding), true)).entries).toEqual([]);
      const { entries } = await storage.adopt(storage.open(other), true);
      expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
    });

    test('while it runs, a writer adopts entries of writers that die later', async () => {
      const storage = make();
      const living = storage.open(binding);
      await storage.adopt(living, true);
      const writer = await deadWriter(storage, 2);
      expect((await storage.adopt(living, false)).entries).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
    });
  });
}
