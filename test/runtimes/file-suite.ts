import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../src/node.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { storageContract } from '../contract/storage-contract.js';
import { temporaryFolder } from '../support/fake-processes.js';
import { commitEach, openApi } from '../support/open-api.js';

export function fileSuite(): void {
  for (const durability of ['power', 'process'] as const) {
    storageContract(`fileStorage (${durability})`, () => {
      const storage = fileStorage(temporaryFolder(), { durability });
      return {
        open: (binding) => storage.open(binding, systemClock),
        crash: (writer) => writer.close(),
        adopt: (writer, atStart) => writer.adopt(atStart),
      };
    });
  }

  describe('an Api with fileStorage', () => {
    test('leaves what it committed to the next run, which pushes it', async () => {
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
