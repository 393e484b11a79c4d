import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../../src/node.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { adoptAtStart, failingProcess, failWith, journalFolder } from '../../support/fakes/journal-folder.js';

describe('F20 a disk that fails', () => {
  test.each([
    ['is full', 'writeSync', 'ENOSPC', /disk is full \(ENOSPC/],
    ['lets no file grow', 'writeSync', 'EFBIG', /disk is full \(EFBIG/],
    ['fails to write', 'writeSync', 'EIO', /could not be written \(EIO/],
    ['fails to sync', 'fdatasyncSync', 'EIO', /could not be written \(EIO/],
  ] as const)(
    'that %s: StorageException, the file as before, and the next commit is saved',
    async (_how, name, code, message) => {
      const setting = journalFolder();
      const { broken, platform, kill } = failingProcess(setting.machine);
      const writer = setting.open(platform);
      writer.save(entryOf(writer, 1), { clearsStaged: false });
      const before = fs.readFileSync(setting.journal());
      broken[name] = failWith(code) as never;
      expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(message);
      expect(fs.readFileSync(setting.journal())).toEqual(before);
      delete broken[name];
      writer.save(entryOf(writer, 3), { clearsStaged: false });
      kill();
      const { entries, warnings } = await adoptAtStart(setting.open());
      expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
      expect(warnings).toEqual([]);
    },
  );

  test('where no file can be opened any more: the advice names that, not the disk', () => {
    for (const code of ['EMFILE', 'ENFILE']) {
      const setting = journalFolder();
      const { broken, platform } = failingProcess(setting.machine);
      broken.openSync = failWith(code) as never;
      const writer = setting.open(platform);
      const save = () => writer.save(entryOf(writer, 1), { clearsStaged: false });
      expect(save).toThrow(
        expect.objectContaining({
          message: expect.stringContaining(`could not be written (${code}`),
          advice: expect.stringMatching(/^Too many files are open: .*ulimit -n/),
        }),
      );
      delete broken.openSync;
      save();
    }
  });

  test('that takes only a part and then is full: the part is taken back', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const before = fs.readFileSync(setting.journal());
    let calls = 0;
    broken.writeSync = ((fd: number, text: string) => {
      calls += 1;
      return calls === 1 ? fs.writeSync(fd, Buffer.from(text).subarray(0, 10)) : failWith('ENOSPC')();
    }) as never;
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(/disk is full/);
    expect(fs.readFileSync(setting.journal())).toEqual(before);
    kill();
  });

  test('that takes a record in parts: it is whole', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    broken.writeSync = ((fd: number, data: string | Buffer, offset = 0) =>
      fs.writeSync(fd, Buffer.from(data as string).subarray(offset, offset + 7))) as never;
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('and can not be truncated either: records after a half-written one are read anyway', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    let calls = 0;
    broken.writeSync = ((fd: number, text: string) => {
      calls += 1;
      return calls === 1 ? fs.writeSync(fd, Buffer.from(text).subarray(0, 20)) : failWith('EIO')();
    }) as never;
    broken.ftruncateSync = failWith('EIO') as never;
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(/EIO/);
    delete broken.writeSync;
    writer.save(entryOf(writer, 3), { clearsStaged: false });
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
  });

  test('and yet writes: a refused entry is not saved with the next one', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    broken.fdatasyncSync = failWith('EIO') as never;
    broken.ftruncateSync = failWith('EIO') as never;
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(/EIO/);
    delete broken.fdatasyncSync;
    writer.save(entryOf(writer, 3), { clearsStaged: false });
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
  });

  test.each(['EACCES', 'EROFS', 'ENOTDIR'])('whose folder cannot be made (%s): StorageException', (code) => {
    const setting = journalFolder();
    const { broken, platform } = failingProcess(setting.machine);
    broken.mkdirSync = failWith(code) as never;
    const writer = fileStorage(join(setting.folder, 'missing'), {}, platform).open(destination, setting.clock);
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow(new RegExp(code));
  });

  test('a missing folder is made', () => {
    const { folder, machine, clock } = journalFolder();
    const deep = join(folder, 'a', 'b');
    const writer = fileStorage(deep, {}, machine.start()).open(destination, clock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    expect(fs.readdirSync(deep)).toHaveLength(1);
  });

  test('and then the folder could not be synced: the next commit syncs it, and the one that holds it', () => {
    const setting = journalFolder();
    const { broken, platform } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    broken.fsyncSync = failWith('EIO') as never;
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow(/EIO/);
    let synced = 0;
    broken.fsyncSync = ((fd: number) => {
      synced += 1;
      fs.fsyncSync(fd);
    }) as never;
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    expect(synced).toBe(2);
  });

  test('to sync: the next commit goes into another file, with all entries queued before it', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const first = setting.journal();
    broken.fdatasyncSync = failWith('EIO') as never;
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(/EIO/);
    delete broken.fdatasyncSync;
    writer.save(entryOf(writer, 3), { clearsStaged: false });
    expect(setting.journals()).toHaveLength(1);
    expect(setting.journal()).not.toBe(first);
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
  });

  test('to sync, for good: saved entries stay in their file, and no files pile up', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const before = fs.readdirSync(setting.folder);
    broken.fdatasyncSync = failWith('EIO') as never;
    broken.fsyncSync = failWith('EIO') as never;
    for (let sequence = 2; sequence < 6; sequence++)
      expect(() => writer.save(entryOf(writer, sequence), { clearsStaged: false })).toThrow(/EIO/);
    expect(fs.readdirSync(setting.folder).length).toBeLessThanOrEqual(before.length + 1);
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1)]);
    expect(fs.readdirSync(setting.folder)).toHaveLength(before.length);
  });

  test('that is full while values are staged: once everything is pushed, it works again', () => {
    const setting = journalFolder();
    const { broken, platform } = failingProcess(setting.machine);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const room = fs.statSync(setting.journal()).size;
    broken.writeSync = ((fd: number, text: string) =>
      fs.fstatSync(fd).size + text.length > room ? failWith('ENOSPC')() : fs.writeSync(fd, text)) as never;
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: true })).toThrow(/disk is full/);
    writer.remove([entryOf(writer, 1)]);
    writer.save(entryOf(writer, 3), { clearsStaged: true });
  });

  test('that is full at the start: orphans are queued anyway, though their staged values must wait', async () => {
    const setting = journalFolder();
    const dead = setting.machine.start();
    const writer = setting.open(dead);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    dead.kill();
    const { broken, platform } = failingProcess(setting.machine);
    broken.writeSync = failWith('ENOSPC') as never;
    const { entries, staged } = await adoptAtStart(setting.open(platform));
    expect(entries).toEqual([entryOf(writer, 1)]);
    expect(staged).toEqual([]);
  });
});
