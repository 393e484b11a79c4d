import { describe, expect, test } from 'vitest';
import { opfsStorage } from '../../../src/opfs.js';
import type { StorageManagerLike } from '../../../src/storage/opfs/access-handles.js';
import { commitEach, openApi } from '../../support/builders/api.js';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
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
    expect(disk.files.size).toBeLessThanOrEqual(2 * 2);
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

describe('a worker whose files are deleted while it lives', () => {
  test('saves its queued entries again, adopted ones too', async () => {
    const disk = new FakeOpfs();
    const dead = await startRun(disk);
    dead.writer.save(entryOf(dead.writer, 1), KEEPS);
    dead.worker.kill();
    const { worker, writer, adoption } = await startRun(disk);
    writer.save(entryOf(writer, 1), KEEPS);
    writer.save(entryOf(writer, 2), KEEPS);
    disk.clear();
    await writer.adopt({ isFirst: false });
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(writer.check()).toBeUndefined();
    const queued = [...adoption.entries, entryOf(writer, 2)];
    writer.saveAgain(queued);
    writer.saveAgain(queued);
    writer.remove([entryOf(writer, 1)]);
    worker.kill();
    const { entries } = await leftOn(disk);
    expect(entries).toEqual(expect.arrayContaining(queued));
    expect(entries).toHaveLength(2);
  });
});

describe('a damaged file', () => {
  test('F22 is read around the damage, which is reported, and kept by a rewriting', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    for (let sequence = 1; sequence <= 3; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    worker.kill();
    const [file] = [...disk.files.values()].filter(({ bytes }) => bytes.length > 0);
    const text = Buffer.from(file?.bytes ?? []).toString();
    if (file) file.bytes = Buffer.from(text.replace('"a":2', '"a":7'));
    const { writer: next, adoption, worker: second } = await startRun(disk);
    expect(sequencesOf(adoption.entries)).toEqual([1, 3]);
    expect(adoption.warnings).toMatchObject([{ code: 'unreadable-records' }]);
    next.remove(adoption.entries);
    second.kill();
    expect(await leftOn(disk)).toMatchObject({ entries: [], warnings: [{ code: 'unreadable-records' }] });
    expect(Object.values(disk.texts).join()).toContain('"a":7');
  });

  test('F22 is read whole where its header is damaged', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    for (let sequence = 1; sequence <= 3; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    worker.kill();
    for (const file of disk.files.values()) if (file.bytes.length > 0) file.bytes[20] = 0;
    expect(sequencesOf((await leftOn(disk)).entries)).toEqual([1, 2, 3]);
  });
});

describe('where files can not be written synchronously', () => {
  const refusing = (name: string): StorageManagerLike => ({
    getDirectory: () => Promise.reject(Object.assign(new Error('no'), { name })),
  });
  /** Of a page, a shared or a service worker. */
  const withoutHandles = (): StorageManagerLike => {
    const folder = {
      getDirectoryHandle: async () => folder,
      getFileHandle: async () => ({}),
      removeEntry: async () => {},
      async *keys() {},
    };
    return { getDirectory: async () => folder };
  };

  test.each([
    ['no private file system', {}, /https/],
    ['no access handles', withoutHandles(), /dedicated worker.*new Worker/],
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
