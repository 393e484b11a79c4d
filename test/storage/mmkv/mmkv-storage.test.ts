import { describe, expect, test } from 'vitest';
import type { Writer } from '../../../src/core/ports/storage.js';
import { mmkvStorage } from '../../../src/react-native.js';
import { storageContract } from '../../contract/storage-contract.js';
import { commitEach, openApi } from '../../support/builders/api.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { endApp, fakeMmkv } from '../../support/fakes/fake-mmkv.js';
import { StubFetch } from '../../support/fakes/stub-fetch.js';

const KEEPS = { clearsStaged: false };
const FIRST = { isFirst: true };

for (const version of [3, 4]) {
  storageContract(`mmkvStorage, over version ${version}`, () => {
    const mmkv = fakeMmkv(temporaryFolder(), { version });
    // It never moves: all that is adopted is adopted at once.
    const clock = new FakeClock();
    const held = new Map<Writer, string[]>();
    return {
      open(destination) {
        const writer = mmkvStorage(mmkv).open(destination, clock);
        held.set(writer, [`nikdev-iot/1/${writer.id}`]);
        return writer;
      },
      crash(writer) {
        for (const lock of held.get(writer) ?? []) livingLocks().delete(lock);
      },
      async adopt(writer, options) {
        const before = new Set(livingLocks());
        const adoption = await writer.adopt(options);
        held.get(writer)?.push(...[...livingLocks()].filter((lock) => !before.has(lock)));
        return adoption;
      },
    };

    function livingLocks(): Set<string> {
      const living = Reflect.get(globalThis, Symbol.for('nikdev-iot.living'));
      return living.get(mmkv.id ?? 'mmkv.default').locks;
    }
  });
}

describe('mmkvStorage', () => {
  test('has saved an entry when commit() returns: after the end of the app the next run pushes it', async () => {
    const folder = temporaryFolder();
    const { fetch } = new StubFetch();
    commitEach(openApi({ fetch, storage: mmkvStorage(fakeMmkv(folder)) }), 1, 2);
    endApp();
    const api = openApi({ fetch, storage: mmkvStorage(fakeMmkv(folder)) });
    await api.ready;
    expect(api.status()).toMatchObject({ committed: 2, durability: 'process', warnings: [] });
    expect(await api.push()).toMatchObject({ pushed: 2, requests: 1 });
    expect(
      fakeMmkv(folder)
        .getAllKeys()
        .filter((key) => /\/\d+$/.test(key)),
    ).toEqual([]);
  });

  test('opened a second time in one app warns, and adopts nothing that the first holds', async () => {
    const folder = temporaryFolder();
    const { fetch } = new StubFetch();
    const first = openApi({ fetch, storage: mmkvStorage(fakeMmkv(folder)) });
    commitEach(first, 1, 2);
    const second = openApi({ fetch, storage: mmkvStorage(fakeMmkv(folder)) });
    await second.ready;
    expect(second.status()).toMatchObject({ committed: 0, warnings: [{ code: 'storage-opened-twice' }] });
    expect(first.status()).toMatchObject({ committed: 2, warnings: [] });
    await first.close();
    const third = openApi({ fetch, storage: mmkvStorage(fakeMmkv(folder)) });
    await third.ready;
    expect(third.status().committed).toBe(2);
  });

  test('shared by several Apis, or opened again after the first was closed, does not warn', async () => {
    const mmkv = fakeMmkv();
    const { fetch } = new StubFetch();
    const storage = mmkvStorage(mmkv);
    const apis = [openApi({ fetch, storage }), openApi({ fetch, storage })];
    await Promise.all(apis.map((api) => api.close()));
    const next = openApi({ fetch, storage: mmkvStorage(mmkv) });
    await next.ready;
    expect(next.status().warnings).toEqual([]);
  });

  test('does not touch other data of its store', async () => {
    const mmkv = fakeMmkv();
    mmkv.set('theme', 'dark');
    const writer = mmkvStorage(mmkv).open(destination, new FakeClock());
    writer.save(entryOf(writer, 1), KEEPS);
    writer.remove([entryOf(writer, 1)]);
    await writer.adopt(FIRST);
    writer.close();
    expect(mmkv.getAllKeys()).toEqual(['theme']);
    expect(mmkv.getString('theme')).toBe('dark');
  });

  test('F19 reports a write that the store refuses, and the values stay staged', () => {
    const mmkv = {
      ...fakeMmkv(),
      set() {
        throw new Error('Failed to set value.');
      },
    };
    const api = openApi({ fetch: new StubFetch().fetch, storage: mmkvStorage(mmkv) });
    api.addValue('a', 1);
    expect(() => api.commit()).toThrow(/react-native-mmkv refused to write/);
    expect(api.status()).toMatchObject({ staged: 1, committed: 0 });
  });

  test.each([undefined, null, 'x', {}, { set() {}, getString() {}, getAllKeys() {} }])('refuses %o', (mmkv) => {
    expect(() => mmkvStorage(mmkv as never)).toThrow(/^mmkv must be an instance of react-native-mmkv, got /);
  });
});
