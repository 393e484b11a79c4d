import { describe, expect, test } from 'vitest';
import { opfsStorage } from '../../../src/opfs.js';
import { crc32 } from '../../../src/storage/shared/journal/crc32.js';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeOpfs, type FakeWorker } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };
/** More than an opening, or a scan, has steps. */
const MANY_MICROTASKS = 60;

async function microtasks(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed++) await undefined;
}

/** Kills a worker before its `count`th operation of a folder, and returns whether it came so far. */
function killAt(disk: FakeOpfs, worker: FakeWorker, count: number): () => boolean {
  let calls = 0;
  disk.onOperation = (operation) => {
    const isOfFolder = ['keys', 'getFileHandle', 'createSyncAccessHandle', 'removeEntry'].includes(operation);
    if (isOfFolder && ++calls === count) worker.kill();
  };
  return () => calls >= count;
}

describe('a program that can not open files synchronously', () => {
  test.each([
    ['a page, a shared or a service worker', (disk: FakeOpfs) => disk.startPage()],
    ['a worker of an old browser', (disk: FakeOpfs) => disk.startOldWorker()],
  ])('%s: leaves no file behind', async (_program, start) => {
    const disk = new FakeOpfs();
    for (let wake = 0; wake < 3; wake++)
      expect((await opfsStorage('x', {}, start(disk).manager)).durability).toBe('none');
    expect([...disk.files.keys()]).toEqual([]);
  });
});

test.each(['getFileHandle', 'createSyncAccessHandle', 'getSize', 'read'] as const)(
  'a worker for which %s fails as it opens its files leaves no file behind',
  async (failing) => {
    for (const end of ['.a', '.b']) {
      const disk = new FakeOpfs();
      disk.onOperation = (operation, path) => {
        if (operation === failing && path.endsWith(end)) throw Object.assign(new Error('no'), { name: 'UnknownError' });
      };
      expect((await opfsStorage('x', {}, disk.startWorker().manager)).durability).toBe('none');
      expect([...disk.files.keys()]).toEqual([]);
    }
  },
);

/**
 * Kills a worker before each operation of a folder in turn, until none is left; after each the next worker leaves its own files only.
 *
 * @param begin - Starts a worker, and returns it with the action during which it is killed.
 * @returns The number of tries, and one.
 */
async function killAtEach(
  begin: (disk: FakeOpfs) => Promise<{ worker: FakeWorker; act: () => void }>,
): Promise<number> {
  let count = 1;
  for (let isKilled = true; isKilled; count++) {
    const disk = new FakeOpfs();
    const { worker, act } = await begin(disk);
    const isReached = killAt(disk, worker, count);
    act();
    await microtasks(MANY_MICROTASKS);
    isKilled = isReached();
    worker.kill();
    disk.onOperation = () => {};
    expect((await leftOn(disk)).warnings).toEqual([]);
    expect(disk.files.size).toBe(2);
  }
  return count;
}

describe('a worker that is killed', () => {
  test('as it opens its files leaves none that the next worker does not delete', async () => {
    const count = await killAtEach(async (disk) => {
      const worker = disk.startWorker();
      return { worker, act: () => void opfsStorage('x', {}, worker.manager) };
    });
    expect(count).toBeGreaterThan(5);
  });

  test('as it deletes the files of another leaves none that the next worker does not delete', async () => {
    const count = await killAtEach(async (disk) => {
      const { worker, writer } = await startRun(disk);
      (await startRun(disk)).worker.kill();
      return { worker, act: () => void writer.adopt({ isFirst: false }) };
    });
    expect(count).toBeGreaterThan(7);
  });

  test('between the deletions of two files brings back no entry, though the former file was not emptied', async () => {
    const disk = new FakeOpfs();
    const dead = await startRun(disk);
    dead.writer.save(entryOf(dead.writer, 1), KEEPS);
    dead.worker.kill();
    const [current, former] = [...disk.files.values()];
    if (current === undefined || former === undefined) throw new Error('no files');
    former.bytes = current.bytes;
    current.bytes = Buffer.from(`nikdev-iot-1 0000000002 ${crc32('0000000002').toString(16).padStart(8, '0')}\n`);
    const { worker } = await startHeir(disk);
    disk.onOperation = (operation, path) => {
      if (operation === 'removeEntry' && path.endsWith('.b')) worker.kill();
    };
    await microtasks(MANY_MICROTASKS);
    disk.onOperation = () => {};
    expect(await leftOn(disk)).toMatchObject({ entries: [], warnings: [] });
    expect(disk.files.size).toBe(2);
  });
});

/** Starts a worker that is still adopting. */
async function startHeir(disk: FakeOpfs): Promise<{ worker: FakeWorker }> {
  const worker = disk.startWorker();
  const storage = await opfsStorage('x', {}, worker.manager);
  void storage.open(destination, new FakeClock()).adopt({ isFirst: true });
  return { worker };
}

test.each([
  [
    'has opened',
    (disk: FakeOpfs, path: string) => Object.assign(disk.files.get(path) ?? {}, { owner: disk.startWorker() }),
  ],
  ['has deleted', (disk: FakeOpfs, path: string) => disk.files.delete(path)],
])(
  'a worker goes on under another name where a scan %s the file that it has just created',
  async (_what, interfere) => {
    const disk = new FakeOpfs();
    let attempts = 0;
    disk.onOperation = (operation, path) => {
      if (operation === 'createSyncAccessHandle' && path.endsWith('.a') && ++attempts < 3) interfere(disk, path);
    };
    expect((await opfsStorage('x', {}, disk.startWorker().manager)).durability).toBe('process');
    expect(attempts).toBe(3);
  },
);

test('a worker gives up where each file that it creates is opened by another', async () => {
  const disk = new FakeOpfs();
  let attempts = 0;
  disk.onOperation = (operation, path) => {
    if (operation !== 'createSyncAccessHandle' || ++attempts > 9) return;
    Object.assign(disk.files.get(path) ?? {}, { owner: disk.startWorker() });
  };
  expect((await opfsStorage('x', {}, disk.startWorker().manager)).durability).toBe('none');
  expect(attempts).toBe(3);
});

test('a worker gives up, with the reason, where its files are refused for another reason', async () => {
  const disk = new FakeOpfs();
  let attempts = 0;
  disk.onOperation = (operation) => {
    if (operation !== 'createSyncAccessHandle') return;
    attempts += 1;
    throw Object.assign(new Error('no'), { name: 'SecurityError' });
  };
  expect((await opfsStorage('x', {}, disk.startWorker().manager)).durability).toBe('none');
  expect(attempts).toBe(1);
});

test('workers that start and scan at the same time all save in files, and delete none of a living worker', async () => {
  for (let delay = 0; delay < MANY_MICROTASKS; delay++) {
    const disk = new FakeOpfs();
    const { writer: scanning } = await startRun(disk);
    const starting = disk.startWorker();
    const opening = opfsStorage('x', {}, starting.manager);
    await microtasks(delay);
    const { warnings } = await scanning.adopt({ isFirst: false });
    const storage = await opening;
    expect({ durability: storage.durability, warnings }).toEqual({ durability: 'process', warnings: [] });
    const writer = storage.open(destination, new FakeClock());
    writer.save(entryOf(writer, 1), KEEPS);
    starting.kill();
    expect(sequencesOf((await scanning.adopt({ isFirst: false })).entries)).toEqual([1]);
  }
});
