import { describe, expect, test } from 'vitest';
import type { OwnershipLoss, StorageAdapter, Writer } from '../../../src/core/ports/storage.js';
import { Api, memoryStorage, StorageException } from '../../../src/index.js';
import { credentials } from '../../support/builders/credentials.js';

/** An `Api` whose storage loses its ownership, at its next check, or at its next write, which then fails. */
function opened() {
  const memory = memoryStorage();
  const next: { check?: OwnershipLoss | undefined; write?: OwnershipLoss | undefined } = {};
  let id = '';
  const storage: StorageAdapter = {
    ...memory,
    open(...args) {
      const writer: Writer = memory.open(...args);
      id = writer.id;
      const save = writer.save.bind(writer);
      return Object.assign(writer, {
        check() {
          const { check } = next;
          next.check = undefined;
          return check;
        },
        save(...saved: Parameters<Writer['save']>) {
          if (next.write !== undefined) {
            next.check = next.write;
            next.write = undefined;
            throw new StorageException('the file is gone');
          }
          save(...saved);
        },
      });
    },
  };
  const api = new Api({ ...credentials, storage });
  return { api, next, fenced: (): OwnershipLoss => ({ kind: 'fenced', writers: new Set([id]), isStagedFenced: true }) };
}

describe('a commit', () => {
  test('checks ownership before it reads the staged values, which another run may have adopted', async () => {
    const { api, next, fenced } = opened();
    api.addValue('a', 1);
    await Promise.resolve();
    next.check = fenced();
    expect(api.commit()).toBeUndefined();
    expect(api.status().staged).toBe(0);
    await api.close();
  });

  test('saves the entry where the failed write was the first to find that saved entries are gone', async () => {
    const { api, next } = opened();
    api.addValue('a', 1);
    next.write = { kind: 'cleared' };
    expect(api.commit()?.values).toEqual([{ fieldId: 'a', value: 1 }]);
    expect(api.log()).toHaveLength(1);
    await api.close();
  });

  test('reads the staged values again where the failed write was the first to find them adopted', async () => {
    const { api, next, fenced } = opened();
    api.addValue('a', 1);
    await Promise.resolve();
    next.write = fenced();
    expect(api.commit()).toBeUndefined();
    await api.close();
  });
});
