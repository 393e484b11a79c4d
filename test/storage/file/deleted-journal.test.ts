import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { StorageException } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { adoptAtStart, failingProcess, failWith, journalFolder } from '../../support/fakes/journal-folder.js';

describe('F20 a deleted journal on a disk that fails', () => {
  test('is saved again once writing works', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
    fs.rmSync(setting.journal());
    broken.writeSync = failWith('ENOSPC') as never;
    await setting.clock.advance(61_000);
    delete broken.writeSync;
    await setting.clock.advance(61_000);
    kill();
    expect((await adoptAtStart(setting.open())).entries).toHaveLength(3);
  });

  test('is reported as cleared until it is saved again', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    const all = [1, 2, 3].map((sequence) => entryOf(writer, sequence));
    for (const entry of all) writer.save(entry, { clearsStaged: false });
    fs.rmSync(setting.journal());
    broken.writeSync = failWith('EIO') as never;
    await setting.clock.advance(61_000);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(() => writer.saveAgain(all)).toThrow(StorageException);
    delete broken.writeSync;
    writer.saveAgain(all);
    expect(writer.check()).toBeUndefined();
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual(all);
  });

  test('gets no new entries: a commit fails until a new journal can be opened', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    const all = [1, 2].map((sequence) => entryOf(writer, sequence));
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    fs.rmSync(setting.journal());
    broken.openSync = failWith('EACCES') as never;
    await setting.clock.advance(61_000);
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(StorageException);
    delete broken.openSync;
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual(all);
  });

  test.each([
    ['removed', (path: string) => fs.rmSync(path)],
    [
      'replaced',
      (path: string) => {
        fs.renameSync(path, `${path}.old`);
        fs.writeFileSync(path, '');
        fs.rmSync(`${path}.old`);
      },
    ],
  ])('a journal that another program %s is saved again within two minutes', async (_how, harm) => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    harm(setting.journal());
    await setting.clock.advance(61_000);
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    process.kill();
    const { entries } = await adoptAtStart(setting.open());
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});

describe('F26 a deleted journal', () => {
  test('is saved again with all queued entries', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    fs.rmSync(setting.folder, { recursive: true });
    await setting.clock.advance(60_000);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(writer.check()).toBeUndefined();
    process.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('is neither reported nor saved again once the writer is closed', () => {
    const setting = journalFolder();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    fs.rmSync(setting.journal());
    writer.close();
    expect(setting.journals()).toHaveLength(1);
    expect(writer.check()).toBeUndefined();
    writer.saveAgain([entryOf(writer, 1)]);
    expect(setting.journals()).toHaveLength(1);
  });

  test('is saved again durably', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const synced: string[] = [];
    const paths = new Map<number, string>();
    const openSync: FileSystem['openSync'] = (path, flags) => {
      const fd = process.fs.openSync(path, flags);
      paths.set(fd, String(path));
      return fd;
    };
    const fsyncSync: FileSystem['fsyncSync'] = (fd) => {
      process.fs.fsyncSync(fd);
      if (paths.get(fd) === setting.folder) synced.push(...setting.journals());
    };
    const writer = setting.open({ ...process, fs: { ...process.fs, openSync, fsyncSync } });
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    fs.rmSync(setting.folder, { recursive: true });
    await setting.clock.advance(60_000);
    expect(synced).toContain(setting.journals()[0]);
  });

  test('without entries is replaced at the next commit, folder included', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    fs.rmSync(setting.folder, { recursive: true });
    writer.save(entryOf(writer, 1), { clearsStaged: true });
    process.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('that was empty is not written to', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.remove([entryOf(writer, 1)]);
    fs.rmSync(setting.journal());
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    process.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });
});

test('close() deletes no file that another program put under the path of its own', async () => {
  const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const clock = new FakeClock();
  const machine = new FakeMachine();
  const process = machine.start();
  const writer = fileStorage(folder, {}, process).open(destination, clock);
  writer.save(entryOf(writer, 1), { clearsStaged: false });
  const [name] = fs.readdirSync(folder) as [string];
  // A backup with entries of an earlier run is put back under this name, as mv or rsync do.
  const other = fileStorage(elsewhere, {}, machine.start()).open(destination, clock);
  other.save(entryOf(other, 1), { clearsStaged: false });
  fs.renameSync(join(elsewhere, fs.readdirSync(elsewhere)[0] as string), join(folder, name));
  writer.remove([entryOf(writer, 1)]);
  writer.close();
  process.kill();
  const next = fileStorage(folder, {}, machine.start()).open(destination, clock);
  expect((await next.adopt({ isFirst: true })).entries).toEqual([entryOf(other, 1)]);
});
