import { describe, expect, test } from 'vitest';
import { opfsStorage } from '../../../src/opfs.js';
import type { StorageManagerLike } from '../../../src/storage/opfs/access-handles.js';
import { commitEach, openApi } from '../../support/builders/api.js';
import { leftOn, startRun } from '../../support/builders/opfs-runs.js';
import { destination, entryOf, otherDestinations } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';
import { StubFetch } from '../../support/fakes/stub-fetch.js';

const KEEPS = { clearsStaged: false };

describe('workers of one folder', () => {
  test('an Api pushes what a killed worker has committed', async () => {
    const disk = new FakeOpfs();
    const { fetch } = new StubFetch();
    const first = disk.startWorker();
    commitEach(openApi({ fetch, storage: await opfsStorage('x', {}, first.manager) }), 1, 2);
    first.kill();
    const api = openApi({ fetch, storage: await opfsStorage('x', {}, disk.startWorker().manager) });
    await api.ready;
    expect(api.status()).toMatchObject({ committed: 2, durability: 'process', warnings: [] });
    expect(await api.push()).toMatchObject({ pushed: 2, requests: 1 });
    await api.close();
    expect((await leftOn(disk)).entries).toEqual([]);
  });

  test('an Api looks for entries of killed workers twice a minute', async () => {
    const disk = new FakeOpfs();
    const clock = new FakeClock();
    const { fetch } = new StubFetch();
    const api = openApi({ fetch, storage: await opfsStorage('x', {}, disk.startWorker().manager) }, { clock });
    await api.ready;
    const other = disk.startWorker();
    commitEach(openApi({ fetch, storage: await opfsStorage('x', {}, other.manager), autoPush: false }), 1);
    other.kill();
    await clock.advance(29_000);
    expect(api.status().committed).toBe(0);
    await clock.advance(1000);
    expect(api.status().committed).toBe(1);
  });

  test('two that live adopt nothing of each other, and are not warned', async () => {
    const disk = new FakeOpfs();
    const runs = [await startRun(disk), await startRun(disk)];
    for (const { writer } of runs) writer.save(entryOf(writer, 1), KEEPS);
    for (const { writer, adoption } of runs) {
      expect(adoption).toMatchObject({ entries: [], warnings: [] });
      expect(await writer.adopt({ isFirst: false })).toMatchObject({ entries: [], warnings: [] });
    }
    expect(disk.files.size).toBe(2 * 2);
  });

  test.each([
    ['NoModificationAllowedError', []],
    ['InvalidStateError', []],
    ['NotFoundError', []],
    ['NotReadableError', [{ code: 'storage-failed', message: expect.stringContaining('(NotReadableError)') }]],
  ])(
    'a file whose opening fails by %s is reported, unless another worker has it open or has deleted it',
    async (name, expected) => {
      const disk = new FakeOpfs();
      const { writer } = await startRun(disk);
      (await startRun(disk)).worker.kill();
      disk.onOperation = (operation) => {
        if (operation === 'createSyncAccessHandle') throw Object.assign(new Error('no'), { name });
      };
      expect((await writer.adopt({ isFirst: false })).warnings).toEqual(expected);
    },
  );

  test('files that another worker deletes during a scan are not reported, and stay deleted', async () => {
    const disk = new FakeOpfs();
    const { writer } = await startRun(disk);
    const own = [...disk.files.keys()];
    (await startRun(disk)).worker.kill();
    disk.onOperation = (operation) => {
      if (operation !== 'getFileHandle') return;
      disk.onOperation = () => {};
      for (const path of disk.files.keys()) if (!own.includes(path)) disk.files.delete(path);
    };
    expect((await writer.adopt({ isFirst: false })).warnings).toEqual([]);
    expect([...disk.files.keys()]).toEqual(own);
  });

  test('foreign files of the folder are left alone', async () => {
    const disk = new FakeOpfs();
    const bytes = Buffer.from('foreign');
    const names = [
      'readme.txt',
      '1-0123456789abcdef.c',
      '1-0123456789abcdef.a.bak',
      'x1-0123456789abcdef.a',
      '1-short.b',
    ];
    for (const name of names) disk.files.set(`nikdev-iot/x/${name}`, { bytes, synced: bytes, owner: undefined });
    const opened = new Set<string>();
    disk.onOperation = (operation, path) => {
      if (operation === 'getFileHandle') opened.add(path);
    };
    const { writer, adoption } = await startRun(disk);
    const again = await writer.adopt({ isFirst: false });
    expect(opened.size).toBe(2);
    expect([...adoption.warnings, ...again.warnings]).toEqual([]);
    for (const name of names) expect(disk.texts[`nikdev-iot/x/${name}`]).toBe('foreign');
    expect(disk.files.size).toBe(names.length + 2);
  });

  test('a storage can be used again at once after its last Api was closed with entries queued', async () => {
    const { fetch } = new StubFetch();
    const storage = await opfsStorage('x', {}, new FakeOpfs().startWorker().manager);
    const first = openApi({ fetch, storage });
    commitEach(first, 1);
    await first.close();
    const second = openApi({ fetch, storage });
    commitEach(second, 2);
    await second.ready;
    expect(second.status()).toMatchObject({ committed: 2, warnings: [] });
  });

  test('two of different folders see nothing of each other', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    writer.save(entryOf(writer, 1), KEEPS);
    worker.kill();
    const other = (await opfsStorage('y', {}, disk.startWorker().manager)).open(destination, new FakeClock());
    expect((await other.adopt({ isFirst: true })).entries).toEqual([]);
    const [ends, names] = [
      ['a', 'b'],
      ['x', 'x', 'y', 'y'],
    ];
    const patterns = names.map((name, index) => new RegExp(`^nikdev-iot/${name}/1-[\\da-z]{16}\\.${ends[index % 2]}$`));
    expect([...disk.files.keys()]).toEqual(patterns.map((pattern) => expect.stringMatching(pattern)));
  });

  test('each of many that come and go leaves no file behind but its own', async () => {
    const disk = new FakeOpfs();
    for (let run = 0; run < 20; run++) {
      const { worker, writer, adoption } = await startRun(disk);
      writer.remove(adoption.entries);
      writer.save(entryOf(writer, 1), KEEPS);
      writer.saveStaged([{ fieldId: 'a', value: run }]);
      worker.kill();
    }
    const { writer, adoption } = await startRun(disk);
    expect(adoption).toMatchObject({ entries: [{ sequence: 1 }], staged: [{ fieldId: 'a', value: 19 }], warnings: [] });
    writer.remove(adoption.entries);
    await writer.adopt({ isFirst: false });
    expect(disk.files.size).toBe(2);
  });

  test('staged values that were removed leave no file behind', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    writer.saveStaged([]);
    worker.kill();
    expect(await leftOn(disk)).toMatchObject({ staged: [], warnings: [] });
    expect(disk.files.size).toBe(2);
  });

  test('of the staged values of two Apis in one worker, those of the later Api are adopted', async () => {
    const disk = new FakeOpfs();
    const worker = disk.startWorker();
    const storage = await opfsStorage('x', {}, worker.manager);
    for (const value of [1, 2]) storage.open(destination, new FakeClock()).saveStaged([{ fieldId: 'a', value }]);
    worker.kill();
    expect((await leftOn(disk)).staged).toEqual([{ fieldId: 'a', value: 2 }]);
  });

  test('many entries that come and go do not let the files grow', async () => {
    const disk = new FakeOpfs();
    const { writer } = await startRun(disk);
    let largest = 0;
    writer.save(entryOf(writer, 1), KEEPS);
    for (let sequence = 2; sequence < 3000; sequence++) {
      writer.save(entryOf(writer, sequence), KEEPS);
      writer.remove([entryOf(writer, sequence)]);
      largest = Math.max(largest, disk.size);
    }
    expect(largest).toBeLessThan(128 * 1024);
  });

  test('entries of a dead worker for another device wait, with a warning', async () => {
    const disk = new FakeOpfs();
    const worker = disk.startWorker();
    for (const other of otherDestinations) {
      const writer = (await opfsStorage('x', {}, worker.manager)).open(other, new FakeClock());
      writer.save(entryOf(writer, 1), KEEPS);
    }
    worker.kill();
    const { writer, adoption } = await startRun(disk);
    expect(adoption.warnings.map(({ code }) => code)).toEqual(['entries-waiting']);
    const again = await writer.adopt({ isFirst: false });
    expect(again.warnings.map(({ code }) => code)).toEqual(['entries-waiting', 'entries-waiting']);
  });
});

describe('a dead worker with entries for two devices', () => {
  const [other = destination] = otherDestinations;

  async function leaveOfBoth() {
    const disk = new FakeOpfs();
    const worker = disk.startWorker();
    const storage = await opfsStorage('x', {}, worker.manager);
    for (const device of [destination, other]) {
      const writer = storage.open(device, new FakeClock());
      writer.save(entryOf(writer, device === other ? 2 : 1), KEEPS);
      writer.saveStaged([{ fieldId: 'a', value: device === other ? 2 : 1 }]);
    }
    worker.kill();
    return disk;
  }

  test('leaves each of them to one Api of its device, in one worker', async () => {
    const disk = await leaveOfBoth();
    const storage = await opfsStorage('x', {}, disk.startWorker().manager);
    const writers = [destination, other].map((device) => storage.open(device, new FakeClock()));
    const adoptions = await Promise.all(writers.map((writer) => writer.adopt({ isFirst: true })));
    expect(adoptions).toMatchObject([
      { entries: [{ sequence: 1 }], staged: [{ value: 1 }], warnings: [] },
      { entries: [{ sequence: 2 }], staged: [{ value: 2 }], warnings: [] },
    ]);
    for (const writer of writers) expect((await writer.adopt({ isFirst: false })).entries).toEqual([]);
    writers[0]?.close();
    const [again, ofOther] = [destination, other].map((device) => storage.open(device, new FakeClock()));
    expect((await again?.adopt({ isFirst: true }))?.entries).toMatchObject([{ sequence: 1 }]);
    expect((await ofOther?.adopt({ isFirst: true }))?.entries).toEqual([]);
  });

  test('is read again, and deleted, once a worker of the other device has removed its entries', async () => {
    const disk = await leaveOfBoth();
    const { writer, adoption } = await startRun(disk);
    writer.remove(adoption.entries);
    await writer.adopt({ isFirst: false });
    const waiting = await writer.adopt({ isFirst: false });
    expect(waiting.warnings.map(({ code }) => code)).toEqual(['entries-waiting']);
    const worker = disk.startWorker();
    const heir = (await opfsStorage('x', {}, worker.manager)).open(other, new FakeClock());
    heir.remove((await heir.adopt({ isFirst: true })).entries);
    worker.kill();
    expect(await writer.adopt({ isFirst: false })).toMatchObject({ entries: [], warnings: [] });
    expect(disk.files.size).toBe(2);
  });

  test('keeps staged values of the other device', async () => {
    const disk = new FakeOpfs();
    const worker = disk.startWorker();
    (await opfsStorage('x', {}, worker.manager)).open(other, new FakeClock()).saveStaged([{ fieldId: 'a', value: 1 }]);
    worker.kill();
    expect(await leftOn(disk)).toMatchObject({ staged: [], warnings: [] });
    const heir = (await opfsStorage('x', {}, disk.startWorker().manager)).open(other, new FakeClock());
    expect((await heir.adopt({ isFirst: true })).staged).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('is not read again while it waits unchanged', async () => {
    const disk = await leaveOfBoth();
    const { writer, adoption } = await startRun(disk);
    writer.remove(adoption.entries);
    await writer.adopt({ isFirst: false });
    let reads = 0;
    disk.onOperation = (operation) => {
      if (operation === 'read') reads += 1;
    };
    await writer.adopt({ isFirst: false });
    // The headers of its two files.
    expect(reads).toBe(2);
  });

  test('is found anew if its files were away', async () => {
    const disk = await leaveOfBoth();
    const files = [...disk.files];
    const { writer, adoption } = await startRun(disk);
    writer.remove(adoption.entries);
    const scan = async (): Promise<string[]> =>
      (await writer.adopt({ isFirst: false })).warnings.map(({ code }) => code);
    expect([await scan(), await scan()]).toEqual([[], ['entries-waiting']]);
    for (const [path] of files) disk.files.delete(path);
    expect(await scan()).toEqual([]);
    for (const [path, file] of files) disk.files.set(path, file);
    expect([await scan(), await scan()]).toEqual([[], ['entries-waiting']]);
  });
});

test('entries of an Api that was closed are not read for an Api of another device', async () => {
  const [other = destination] = otherDestinations;
  const disk = new FakeOpfs();
  const storage = await opfsStorage('x', {}, disk.startWorker().manager);
  const [first, second] = [storage.open(other, new FakeClock()), storage.open(destination, new FakeClock())];
  first.save(entryOf(first, 1), KEEPS);
  first.close();
  const reads: string[] = [];
  disk.onOperation = (operation, path) => {
    if (operation === 'read') reads.push(path);
  };
  expect((await second.adopt({ isFirst: true })).entries).toEqual([]);
  expect(reads).toEqual([]);
});

describe('where files can not be written synchronously', () => {
  const refusing = (name: string): StorageManagerLike => ({
    getDirectory: () => Promise.reject(Object.assign(new Error('no'), { name })),
  });

  test.each([
    ['no private file system', {}, /https/],
    ['no access handles', new FakeOpfs().startPage().manager, /dedicated worker.*new Worker/],
    ['a private window', refusing('SecurityError'), /SecurityError.*commitAndPush/],
  ])('%s: entries are kept in memory, and a warning says what to do', async (_place, manager, message) => {
    const { fetch } = new StubFetch();
    const api = openApi({ fetch, storage: await opfsStorage('x', {}, manager) });
    await api.ready;
    const { durability, warnings } = api.status();
    expect({ durability, warnings }).toEqual({
      durability: 'none',
      warnings: [{ code: 'storage-unavailable', message: expect.stringMatching(message) }],
    });
    commitEach(api, 1);
    expect(await api.push()).toMatchObject({ pushed: 1 });
  });

  test('Node: the same', async () => {
    expect((await opfsStorage('x')).durability).toBe('none');
  });
});

test.each(['', 'a/b', '..', 'ä', 'x'.repeat(65), undefined, 7])('refuses the name %o', async (name) => {
  await expect(opfsStorage(name as never)).rejects.toThrow(/^name must be 1 to 64 letters, digits, "_" and "-", got /);
});

test('refuses another durability', async () => {
  await expect(opfsStorage('x', { durability: 'tab' as never })).rejects.toMatchObject({ name: 'ConfigException' });
});
