import { readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Api, StorageException } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { describeOnSmallDisk, remount, takeAway } from '../support/disks/small-disk.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { received } from '../support/fakes/fake-server.js';
import { FilePlace } from '../support/fakes/places.js';
import { runNode } from '../support/processes/node-process.js';

const DURABILITIES = ['power', 'process'] as const;

const valuesOf = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);

/** Commits numbers from 1 until one is refused. @returns The last that was not, and why the next one was. */
function fill(api: Api): { committed: number[]; exception: StorageException } {
  for (let number = 1; ; number++) {
    api.addValue('temperature', number);
    try {
      api.commit();
    } catch (error) {
      if (!(error instanceof StorageException)) throw error;
      return { committed: Array.from({ length: number - 1 }, (_, index) => index + 1), exception: error };
    }
  }
}

const MAX_FILE = 8 * 1024;

describe.skipIf(process.platform === 'win32')('F20 a process whose files may not grow beyond 8 KiB', () => {
  const run = async (role: string) => {
    const limit = ['sh', '-c', 'ulimit -f "$0"; exec "$@"', String(MAX_FILE / 512)];
    const { lines, ended } = runNode('test/support/processes/device-in-small-files.mjs', [role, folder], {}, limit);
    await ended;
    return { lines, sizes: readdirSync(folder).map((name) => statSync(join(folder, name)).size) };
  };
  let folder = '';

  test('refuses a commit as on a full disk, and takes the next that fits', async () => {
    folder = temporaryFolder();
    const { lines, sizes } = await run('refuse');
    const [refused = '', ...others] = lines;
    expect(refused).toMatch(/disk is full \(EFBIG.*isFull true/);
    expect(others).toEqual(['committed 1 after a push']);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_FILE);
  });

  test('with "drop-oldest" goes on: each entry is kept or reported', async () => {
    folder = temporaryFolder();
    const { lines, sizes } = await run('drop-oldest');
    const [, dropped, kept] = /^dropped (\d+), kept (\d+)$/.exec(lines.join('\n')) ?? [];
    expect(Number(dropped) + Number(kept)).toBe(1000);
    expect(Number(kept)).toBeGreaterThan(20);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_FILE);
  });
});

describeOnSmallDisk('F20 a disk of 64 KiB', (mountDisk) => {
  /** A folder on such a disk; what it holds is seen by the next run as after a `kill -9` of this one. */
  const makePlace = (): FilePlace => new FilePlace(mountDisk(64));

  test.each(DURABILITIES)(
    '(%s) refuses a commit when it is full: says so, what is safe and what is staged',
    (durability) => {
      const place = makePlace();
      const api = place.open({}, {}, { durability });
      const { committed, exception } = fill(api);
      expect(exception.message).toMatch(/disk is full \(ENOSPC.*The values are still staged/);
      expect(exception.message).toContain(`Still queued and safe: ${committed.length} `);
      expect(exception.isFull).toBe(true);
      expect(exception.advice).toMatch(/\w/);
      expect(api.status()).toMatchObject({ staged: 1, committed: committed.length });
      // Else it was something smaller that was full.
      expect(statfsSync(place.folder).bavail).toBe(0);
    },
  );

  test.each(DURABILITIES)(
    '(%s) holds after a crash all that was committed, in order, and nothing that was refused',
    async (durability) => {
      const place = makePlace();
      const api = place.open({}, {}, { durability });
      const { committed } = fill(api);
      expect(committed.length).toBeGreaterThan(300);
      for (let attempt = 0; attempt < 20; attempt++) expect(() => api.commit()).toThrow(StorageException);
      place.crash(api);
      const next = await place.reopen();
      expect(valuesOf(next)).toEqual(committed);
      expect(next.status().warnings).toEqual([]);
      await next.push();
      expect(place.server.uploads.flat()).toEqual(committed.map((temperature) => [{ temperature }]));
    },
  );

  test('removes pushed entries though a removal record does not fit: a crash brings nothing back', async () => {
    const place = makePlace();
    const api = place.open({ maxEntriesPerRequest: 50 });
    const { committed } = fill(api);
    place.server.answerWith(() => received(place.server.requests.length <= 3 ? 200 : 500));
    await api.push().catch(() => {});
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual(committed.slice(150));
  });

  test('takes commits again once something was pushed', async () => {
    const place = makePlace();
    const api = place.open();
    const { committed } = fill(api);
    await api.push();
    expect(api.commit()?.values).toEqual([{ fieldId: 'temperature', value: committed.length + 1 }]);
    commitEach(api, ...committed.slice(0, 100));
    place.crash(api);
    expect((await place.reopen()).status().committed).toBe(101);
  });

  test('accepts commits again once another program has freed space', async () => {
    const place = makePlace();
    const others = join(place.folder, 'others.log');
    writeFileSync(others, 'x'.repeat(32_000));
    const api = place.open();
    const { committed } = fill(api);
    rmSync(others);
    expect(api.commit()).toBeDefined();
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([...committed, committed.length + 1]);
  });

  test('that somebody else has filled up is a StorageException at the first commit, and holds nothing of it', async () => {
    const place = makePlace();
    const others = join(place.folder, 'others.log');
    expect(() => writeFileSync(others, 'x'.repeat(100_000))).toThrow(/ENOSPC/);
    const api = place.open();
    expect(fill(api).committed).toEqual([]);
    const { size } = statSync(others);
    expect(size).toBe(65_536);
    place.crash(api);
    rmSync(others);
    expect((await place.reopen()).status()).toMatchObject({ committed: 0, warnings: [] });
  });

  test('refuses an entry that is larger than it, whole, and takes the next one that fits', async () => {
    const place = makePlace();
    const api = place.open();
    commitEach(api, 1);
    api.addValue('text', 'x'.repeat(100_000));
    expect(() => api.commit()).toThrow(/disk is full/);
    api.reset();
    commitEach(api, 2);
    place.crash(api);
    const next = await place.reopen();
    expect(valuesOf(next)).toEqual([1, 2]);
    expect(next.status().warnings).toEqual([]);
  });

  test('with "drop-oldest" accepts thousands of commits: each is kept or reported, and a crash leaves the newest', {
    timeout: 60_000,
  }, async () => {
    const place = makePlace();
    const api = place.open({ overflow: 'drop-oldest' });
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(...entries.map(({ values }) => values[0]?.value)));
    const committed = Array.from({ length: 5000 }, (_, index) => index);
    commitEach(api, ...committed);
    const kept = valuesOf(api);
    expect([...dropped, ...kept]).toEqual(committed);
    // The number of kept entries may not shrink with time.
    expect(kept.length).toBeGreaterThan(200);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual(kept);
  });

  test('with "drop-oldest" goes on while values are staged and entries pushed, too', { timeout: 60_000 }, async () => {
    const place = makePlace();
    const api = place.open({ overflow: 'drop-oldest', maxEntriesPerRequest: 100 });
    let dropped = 0;
    api.on('discard', ({ entries }) => {
      dropped += entries.length;
    });
    for (let round = 0; round < 20; round++) {
      for (let number = 0; number < 250; number++) {
        api.addValue('temperature', number);
        if (number % 7 === 0) await undefined;
        api.commit();
      }
      place.server.answerWith(() => received(place.server.requests.length % 2 === 0 ? 500 : 200));
      await api.push().catch(() => {});
    }
    const uploaded = place.server.uploads.filter((_, index) => (index + 1) % 2 !== 0).flat();
    expect(dropped + uploaded.length + api.status().committed).toBe(5000);
    const kept = valuesOf(api);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual(kept);
  });

  test('that a crashed run has filled up: the next one adopts, pushes, and commits', async () => {
    const place = makePlace();
    const before = place.open();
    const { committed } = fill(before);
    place.crash(before);
    const api = await place.reopen();
    await api.push();
    commitEach(api, 1001, 1002);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1001, 1002]);
    expect(place.server.uploads.flat()).toHaveLength(committed.length);
  });

  test('that a crashed run has filled up: refuses the commits of the next one, and stays as it is', async () => {
    const place = makePlace();
    const before = place.open();
    const { committed } = fill(before);
    place.crash(before);
    const api = await place.reopen();
    expect(fill(api).committed).toEqual([]);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual(committed);
  });

  test('that a crashed run has filled up: with "drop-oldest" the next one drops of what that left, and goes on', {
    timeout: 60_000,
  }, async () => {
    const place = makePlace();
    const before = place.open();
    const { committed } = fill(before);
    place.crash(before);
    const api = await place.reopen({ overflow: 'drop-oldest' });
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(...entries.map(({ values }) => values[0]?.value)));
    const later = Array.from({ length: 2000 }, (_, index) => 10_000 + index);
    commitEach(api, ...later);
    const kept = valuesOf(api);
    expect([...dropped, ...kept]).toEqual([...committed, ...later]);
    expect(kept.length).toBeGreaterThan(150);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual(kept);
  });

  test('that two Apis share: with "drop-oldest" one drops only its own entries', { timeout: 60_000 }, async () => {
    const folder = mountDisk(64);
    const storage = fileStorage(folder, { durability: 'process' });
    const [quiet, busy] = [openApi({ storage }), openApi({ storage, overflow: 'drop-oldest' })];
    commitEach(quiet, 1, 2, 3);
    commitEach(busy, ...Array.from({ length: 2000 }, (_, index) => 10_000 + index));
    expect(valuesOf(quiet)).toEqual([1, 2, 3]);
    const kept = valuesOf(busy);
    expect(kept.length).toBeGreaterThan(150);
    await Promise.all([quiet.close(), busy.close()]);
    const next = openApi({ storage: fileStorage(folder) });
    await next.ready;
    expect(new Set(valuesOf(next))).toEqual(new Set([1, 2, 3, ...kept]));
  });

  test('leaves nothing behind when all was pushed and it is closed', async () => {
    const place = makePlace();
    const api = place.open();
    fill(api);
    await api.push();
    api.reset();
    await api.close();
    expect(readdirSync(place.folder).filter((name) => name.endsWith('.journal'))).toEqual([]);
  });
});

describeOnSmallDisk('F20 a disk of 1 MiB', (mountDisk) => {
  test('that is read-only: StorageException, staged values kept, and saved once it is not any more', async () => {
    const folder = mountDisk(1024);
    const place = new FilePlace(folder);
    remount(folder, 'ro');
    const api = place.open();
    expect(fill(api).exception.message).toMatch(/EROFS.*still staged/);
    expect(api.status()).toMatchObject({ staged: 1, committed: 0 });
    remount(folder, 'rw');
    expect(api.commit()).toBeDefined();
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1]);
  });

  test('that is read-only, with entries of an earlier run on it: they are pushed once it is not any more', async () => {
    const folder = mountDisk(1024);
    const place = new FilePlace(folder);
    const before = place.open();
    commitEach(before, 1, 2);
    await before.close();
    remount(folder, 'ro');
    const api = await place.reopen();
    expect(api.status()).toMatchObject({ committed: 0, warnings: [{ code: 'storage-failed' }] });
    remount(folder, 'rw');
    await place.clock.advance(60_000);
    expect(await api.push()).toMatchObject({ pushed: 2 });
    place.crash(api);
    expect((await place.reopen()).status().committed).toBe(0);
  });

  test('that is taken away: what is queued is saved again, within two minutes, in what its folder is then', async () => {
    const folder = mountDisk(1024);
    const place = new FilePlace(folder);
    const api = place.open();
    commitEach(api, 1, 2);
    takeAway(folder);
    await place.clock.advance(120_000);
    commitEach(api, 3);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1, 2, 3]);
  });
});
