import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../src/node.js';
import { SystemClock } from '../../src/platform/system-clock.js';
import { storageContract } from '../contract/storage-contract.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';

/** @param folder - Where a killed process has committed 1 and 2, and one that is still alive something else. */
export function fileSuite(folder: string): void {
  for (const durability of ['power', 'process'] as const) {
    storageContract(`fileStorage (${durability})`, () => {
      const storage = fileStorage(temporaryFolder(), { durability });
      return {
        open: (destination) => storage.open(destination, new SystemClock()),
        crash: (writer) => writer.close(),
        adopt: (writer, options) => writer.adopt(options),
      };
    });
  }

  describe('an Api with fileStorage', () => {
    test('adopts the entries of a killed process, and none of a living one', async () => {
      const api = openApi({ storage: fileStorage(folder) });
      await api.ready;
      expect(api.log().map(({ values }) => values[0]?.value)).toEqual([1, 2]);
      expect(api.status().warnings).toEqual([]);
      api.resetUnpushedEntries();
    });

    test('leaves what it committed and what is staged to the next run', async () => {
      const folder = temporaryFolder();
      const first = openApi({ storage: fileStorage(folder) });
      commitEach(first, 1, 2);
      first.addValue('temperature', 3);
      expect(first.status()).toMatchObject({ durability: 'power', warnings: [] });
      await first.close();
      expect(readdirSync(folder).length === 0).toBe(false);

      const next = openApi({ storage: fileStorage(folder) });
      await next.ready;
      expect(next.status()).toMatchObject({ committed: 2, staged: 1, warnings: [] });
      expect(next.log().map(({ values }) => values[0]?.value)).toEqual([1, 2]);
    });
  });
}
