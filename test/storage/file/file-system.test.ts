import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FileStorageOptions, fileStorage } from '../../../src/node.js';
import { type FileSystem, systemPlatform } from '../../../src/storage/file/journal/file-system.js';
import { SafeFiles } from '../../../src/storage/file/journal/safe-files.js';
import { MAX_RECORD_BYTES } from '../../../src/storage/shared/journal/lines.js';
import { PLANTED, plantedJournal } from '../../support/builders/planted-journal.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { adoptAtStart, type JournalFolder, journalFolder } from '../../support/fakes/journal-folder.js';

const hasRights = process.getuid !== undefined;
const modeOf = (path: string): string => (fs.statSync(path).mode & 0o777).toString(8);

/** Adopts in a folder where something lies under a journal's name, and commits there. @returns The messages of the warnings. */
async function warningsWith(plant: (path: string, setting: JournalFolder) => void): Promise<string[]> {
  const setting = journalFolder();
  const path = join(setting.folder, PLANTED);
  plant(path, setting);
  const writer = setting.open();
  const { entries, warnings } = await writer.adopt({ isFirst: true });
  expect(entries).toEqual([]);
  writer.save(entryOf(writer, 1), { clearsStaged: false });
  writer.close();
  return warnings.map(({ message }) => message.replace(path, '<path>'));
}

describe.runIf(hasRights)('under the name of a journal', () => {
  test.each([
    ['a named pipe, which would block', 'is not a regular file', (path: string) => void spawnSync('mkfifo', [path])],
    ['a folder', 'is not a regular file', (path: string) => fs.mkdirSync(path)],
    ['a link to a device without end', 'is a link', (path: string) => fs.symlinkSync('/dev/zero', path)],
    ['a link to nothing', 'is a link', (path: string) => fs.symlinkSync(`${path}.gone`, path)],
    [
      'a link to a journal',
      'is a link',
      (path: string) => {
        const elsewhere = join(temporaryFolder(), 'file');
        fs.writeFileSync(elsewhere, plantedJournal());
        fs.symlinkSync(elsewhere, path);
      },
    ],
    [
      'another name of a file that lies elsewhere',
      'has another name, in the folder or elsewhere (a hard link)',
      (path: string) => {
        const elsewhere = join(temporaryFolder(), 'file');
        fs.writeFileSync(elsewhere, plantedJournal());
        fs.linkSync(elsewhere, path);
      },
    ],
  ])('%s is neither read nor changed, and a warning names it', async (_what, why, plant) => {
    expect(await warningsWith(plant)).toEqual([`<path> ${why}: it is neither read nor changed.`]);
  });

  test('700 MiB of zeros take no more memory than the longest record', async () => {
    let largest = 0;
    const setting = journalFolder();
    fs.writeFileSync(join(setting.folder, PLANTED), '');
    fs.truncateSync(join(setting.folder, PLANTED), 700 * 2 ** 20);
    const { fs: real, ...process } = setting.machine.start();
    const readSync = ((fd: number, target: Buffer, ...rest: [number, number, number]) => {
      largest = Math.max(largest, target.length);
      return real.readSync(fd, target, ...rest);
    }) as FileSystem['readSync'];
    const { entries, warnings } = await setting
      .open({ ...process, fs: { ...real, readSync } })
      .adopt({ isFirst: true });
    expect(entries).toEqual([]);
    expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
    expect(largest).toBe(MAX_RECORD_BYTES);
  });
});

describe.runIf(hasRights)('a file that is exchanged between a look at it and its opening', () => {
  /** Opens a file through a file system that is called back between the two. */
  function openWith(exchange: (path: string) => void): () => number {
    const folder = temporaryFolder();
    const path = join(folder, 'file');
    fs.writeFileSync(path, 'own');
    const lstatSync = ((of: string) => {
      const stats = fs.lstatSync(of);
      // Not deleted: a new file could have its inode.
      fs.renameSync(of, `${of}.before`);
      exchange(of);
      return stats;
    }) as FileSystem['lstatSync'];
    const files = new SafeFiles({ ...systemPlatform(), fs: { ...fs, lstatSync } }, folder);
    return () => files.open(path, 'append');
  }

  test('for a link is not opened', () => {
    const open = openWith((path) => {
      fs.writeFileSync(`${path}.victim`, 'precious');
      fs.symlinkSync(`${path}.victim`, path);
    });
    expect(open).toThrow(/ELOOP/);
  });

  test('for a named pipe does not block', () => {
    expect(openWith((path) => void spawnSync('mkfifo', [path]))).toThrow(
      expect.objectContaining({ code: 'UNTRUSTED_FILE' }),
    );
  });

  test('for another file is refused', () => {
    const open = openWith((path) => {
      fs.writeFileSync(`${path}.other`, 'other');
      fs.renameSync(`${path}.other`, path);
    });
    expect(open).toThrow(expect.objectContaining({ code: 'UNTRUSTED_FILE' }));
  });
});

describe.runIf(hasRights)('rights', () => {
  function save(options: FileStorageOptions, umask: number) {
    const folder = join(temporaryFolder(), 'readings');
    const before = process.umask(umask);
    onTestFinished(() => void process.umask(before));
    const writer = fileStorage(folder, options, new FakeMachine().start()).open(destination, new FakeClock());
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const paths = fs.readdirSync(folder).map((name) => join(folder, name));
    return { folder, paths, writer };
  }

  test.each(['000', '022', '077', '277'])(
    'are 0700 of the folder and 0600 of the files under the umask %s',
    (umask) => {
      const { folder, paths } = save({}, Number.parseInt(umask, 8));
      expect(modeOf(folder)).toBe('700');
      expect(paths.map(modeOf)).toEqual(['600', '600']);
    },
  );

  test.each([
    ['640', '750'],
    ['660', '770'],
    ['644', '755'],
  ])('are those of the option mode %s, whatever the umask', (mode, folderMode) => {
    const { folder, paths } = save({ mode: Number.parseInt(mode, 8) }, 0o077);
    expect(modeOf(folder)).toBe(folderMode);
    expect(paths.map(modeOf)).toEqual([mode, mode]);
  });

  test('of a folder that is there stay', () => {
    const folder = temporaryFolder();
    fs.chmodSync(folder, 0o755);
    const writer = fileStorage(folder, {}, new FakeMachine().start()).open(destination, new FakeClock());
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    expect(modeOf(folder)).toBe('755');
  });

  test.each(['power', 'process'] as const)('of a journal outlast its rewriting (%s)', (durability) => {
    const { paths, writer } = save({ durability, mode: 0o640 }, 0o022);
    const [journal = ''] = paths.filter((path) => path.endsWith('.journal'));
    fs.chmodSync(journal, 0o600);
    const { ino } = fs.statSync(journal);
    const entries = Array.from({ length: 200 }, (_, index) => entryOf(writer, index + 2, 'x'.repeat(1000)));
    for (const entry of entries) writer.save(entry, { clearsStaged: false });
    writer.remove(entries.slice(0, 190));
    expect(fs.statSync(journal).ino).not.toBe(ino);
    expect(modeOf(journal)).toBe('600');
  });
});

test('the name of a journal shows neither the boot id nor the process id, and another process can judge by it', async () => {
  const setting = journalFolder();
  setting.machine.boot = '0f1e2d3c-boot';
  const owner = setting.machine.start('4026531836', 123_456, '987654321');
  const writer = setting.open(owner);
  writer.save(entryOf(writer, 1), { clearsStaged: false });
  const [name = ''] = setting.journals();
  for (const part of ['0f1e2d3c', '4026531836', '123456', (123_456).toString(16), '987654321'])
    expect(name).not.toContain(part);
  expect((await adoptAtStart(setting.open())).entries).toEqual([]);
  owner.kill();
  expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1)]);
});

test('an entry that is longer than a record may be is refused, and the file is as before', () => {
  const setting = journalFolder();
  const writer = setting.open();
  writer.save(entryOf(writer, 1), { clearsStaged: false });
  const before = fs.readFileSync(setting.journal());
  const values = `[{"a":"${'x'.repeat(MAX_RECORD_BYTES)}"}]`;
  const entry = { ...entryOf(writer, 2), values, bytes: values.length };
  expect(() => writer.save(entry, { clearsStaged: false })).toThrow(/larger than a file's record may be/);
  expect(fs.readFileSync(setting.journal())).toEqual(before);
});
