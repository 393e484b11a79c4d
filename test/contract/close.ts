import { describe, expect, test } from 'vitest';
import { destination, entryOf } from '../support/builders/stored-entry.js';
import { deadWriter, type MakeStorage } from './storage-under-test.js';

/** `close`: everything that the writer holds is released at once. */
export function closeContract(make: MakeStorage): void {
  describe('close', () => {
    test('a closed writer releases at once the entries that it saved and adopted', async () => {
      const storage = make();
      await deadWriter(storage, 2);
      const first = await storage.open(destination);
      await storage.adopt(first, { isFirst: true });
      first.save(entryOf(first, 1), { clearsStaged: false });
      first.close();
      first.close();
      expect((await storage.adopt(await storage.open(destination), { isFirst: true })).entries).toHaveLength(3);
    });
  });
}
