import { describe, expect, test } from 'vitest';
import { destination, entryOf } from '../support/builders/stored-entry.js';
import { deadWriter, type MakeStorage } from './storage-under-test.js';

/** `remove`: an entry is gone for everyone, and for good. */
export function removeContract(make: MakeStorage): void {
  describe('remove', () => {
    test('removed entries are gone, and removing them again, or unknown entries, is harmless', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
      writer.remove([entryOf(writer, 1), entryOf(writer, 3)]);
      writer.remove([entryOf(writer, 1), entryOf(writer, 9)]);
      await storage.crash(writer);
      const { entries } = await storage.adopt(await storage.open(destination), { isFirst: true });
      expect(entries).toEqual([entryOf(writer, 2)]);
    });

    test('adopted entries that their adopter removed are gone for every writer', async () => {
      const storage = make();
      const writer = await deadWriter(storage, 3);
      const adopter = await storage.open(destination);
      const { entries } = await storage.adopt(adopter, { isFirst: true });
      adopter.remove(entries.slice(0, 2));
      await storage.crash(adopter);
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).entries).toEqual([
        entryOf(writer, 3),
      ]);
    });
  });
}
