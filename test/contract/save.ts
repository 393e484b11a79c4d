import { describe, expect, test } from 'vitest';
import { encodeValues } from '../../src/core/model/values-json.js';
import { byteLength, destination, entryOf } from '../support/builders/stored-entry.js';
import { deadWriter, type MakeStorage } from './storage-under-test.js';

/** `save`: an entry comes back whole, under its own id. */
export function saveContract(make: MakeStorage): void {
  describe('save', () => {
    test('entries saved by a dead writer are adopted whole, in the order of its commits, under its own ids', async () => {
      const storage = make();
      const writer = await deadWriter(storage, 12);
      const { entries } = await storage.adopt(await storage.open(destination), { isFirst: true });
      expect(entries).toEqual(Array.from({ length: 12 }, (_, index) => entryOf(writer, index + 1)));
    });

    test('text comes back as it was saved', async () => {
      const storage = make();
      const writer = await storage.open(destination);
      const values = encodeValues([
        { fieldId: '__proto__', value: 'line\nbreaks\r\n\u0000 and \u2028 "quotes" \\' },
        { fieldId: 'Å 😀', value: 'ångström 😀' },
        { fieldId: 'constructor', value: true },
        { fieldId: 'length', value: -1.5e-300 },
      ]);
      const entry = { writer: writer.id, sequence: 1, timestamp: 0, values, bytes: byteLength(values) };
      writer.save(entry, { clearsStaged: false });
      await storage.crash(writer);
      const { entries } = await storage.adopt(await storage.open(destination), { isFirst: true });
      expect(entries).toEqual([entry]);
    });

    test('each writer has an id of its own', async () => {
      const storage = make();
      const writers = await Promise.all(Array.from({ length: 50 }, () => storage.open(destination)));
      const ids = writers.map(({ id }) => id);
      expect(new Set(ids).size).toBe(50);
    });
  });
}
