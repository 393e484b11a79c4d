import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { fileStorage } from '../../src/node.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';
import { StubFetch } from '../support/fakes/stub-fetch.js';

/** A second copy of the package, as the CommonJS build is beside the ES module. */
async function otherCopy() {
  vi.resetModules();
  return import('../../src/index.js');
}

describe('F51 two copies of the package', () => {
  test("overflow 'drop-oldest' makes room in a storage of the other one", async () => {
    const { webStorage } = await otherCopy();
    const items = new FakeWebStorage();
    items.capacity = 10_000;
    const api = openApi({ storage: webStorage(items), overflow: 'drop-oldest', fetch: new StubFetch().fetch });
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(...entries));
    commitEach(api, ...Array.from({ length: 200 }, (_, index) => index));
    expect(dropped.length).toBeGreaterThan(0);
    expect(api.log().at(-1)?.values).toMatchObject([{ value: 199 }]);
  });

  test('know the exceptions of each other', async () => {
    const own = await import('../../src/index.js');
    const other = await otherCopy();
    expect(own.StorageException).not.toBe(other.StorageException);
    expect(own.isApiException(new other.StorageException('full', { isFull: true }))).toBe(true);
  });
});

describe('F51 errors of another realm', () => {
  const systemError = (code: string): Error =>
    runInNewContext('Object.assign(new Error(code), { code })', { code }) as Error;

  test.each([
    ['ENOSPC', true],
    ['EACCES', false],
  ])('%s of the file system is named, and known as full or not', async (code, isFull) => {
    const nodeFs = await import('node:fs');
    const fs = {
      ...nodeFs,
      openSync: () => {
        throw systemError(code);
      },
    };
    const storage = (fileStorage as (...args: unknown[]) => ReturnType<typeof fileStorage>)(
      '/nowhere',
      {},
      {
        fs,
        pid: 1,
        isRunning: () => true,
      },
    );
    const api = openApi({ storage, fetch: new StubFetch().fetch });
    api.addValue('a', 1);
    expect(() => api.commit()).toThrow(expect.objectContaining({ isFull, message: expect.stringContaining(code) }));
  });

  test('a full localStorage of another frame is known as full', async () => {
    const { webStorage } = await import('../../src/index.js');
    const items = new FakeWebStorage();
    items.setItem = () => {
      throw runInNewContext('Object.assign(new Error("full"), { name: "QuotaExceededError" })');
    };
    const api = openApi({ storage: webStorage(items), fetch: new StubFetch().fetch });
    api.addValue('a', 1);
    expect(() => api.commit()).toThrow(expect.objectContaining({ isFull: true }));
  });
});

test('F51 no source asks for instanceof, which is false across realms and copies', () => {
  const folder = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(100);
  const asking = files.filter((file) => /\binstanceof [A-Z(]/.test(readFileSync(join(folder, file), 'utf8')));
  expect(asking).toEqual([]);
});
