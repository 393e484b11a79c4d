import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Writer } from '../../../src/core/ports/storage.js';
import { fileStorage } from '../../../src/node.js';
import { PLANTED, plantedJournal } from '../../support/builders/planted-journal.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { asNobody, describeWithSecondUser, NOBODY } from '../../support/processes/second-user.js';

/** A folder with these rights, below one that everybody may enter. */
function folderWith(mode: number, owner = process.geteuid?.() ?? 0): string {
  const parent = temporaryFolder();
  fs.chmodSync(parent, 0o755);
  const folder = join(parent, 'readings');
  fs.mkdirSync(folder);
  fs.chmodSync(folder, mode);
  fs.chownSync(folder, owner, owner);
  return folder;
}

const open = (folder: string, uid = process.geteuid?.()): Writer =>
  fileStorage(folder, {}, { ...new FakeMachine().start(), uid }).open(destination, new FakeClock());

/** The messages of the warnings that a device has in a folder. */
async function warningsIn(folder: string, uid?: number): Promise<string[]> {
  const writer = open(folder, uid);
  const { warnings } = await writer.adopt({ isFirst: true });
  for (const { code } of warnings) expect(code).toBe('unsafe-storage');
  writer.close();
  return warnings.map(({ message }) => message);
}

describeWithSecondUser('a folder that another user may write to', () => {
  test('a journal which that user planted is not adopted and not changed, and a warning names it', async () => {
    const folder = folderWith(0o777);
    asNobody('printf %s "$2" > "$1"', join(folder, PLANTED), plantedJournal());
    const writer = open(folder);
    for (const isFirst of [true, false]) {
      const { entries, warnings } = await writer.adopt({ isFirst });
      expect(entries).toEqual([]);
      const messages = warnings.map(({ message }) => message);
      expect(messages).toContain(`${join(folder, PLANTED)} belongs to another user: it is neither read nor changed.`);
    }
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.close();
    expect(fs.readFileSync(join(folder, PLANTED), 'utf8')).toBe(plantedJournal());
  });

  test.each(['666', '660', '602'])(
    'an own journal with the rights %s, to which others may write, is not adopted',
    async (rights) => {
      const folder = folderWith(0o755);
      const journal = join(folder, PLANTED);
      fs.writeFileSync(journal, plantedJournal());
      fs.chmodSync(journal, Number.parseInt(rights, 8));
      const { entries, warnings } = await open(folder).adopt({ isFirst: true });
      expect(entries).toEqual([]);
      expect(warnings.map(({ message }) => message)).toEqual([
        `${journal} may be written to by other users: it is neither read nor changed.`,
      ]);
      expect(fs.readdirSync(folder)).toEqual([PLANTED]);
    },
  );

  test('a journal to which the group may write is adopted where the option mode allows that', async () => {
    const folder = folderWith(0o700);
    const journal = join(folder, PLANTED);
    fs.writeFileSync(journal, plantedJournal());
    fs.chmodSync(journal, 0o660);
    const storage = fileStorage(folder, { mode: 0o660 }, new FakeMachine().start());
    expect(await storage.open(destination, new FakeClock()).adopt({ isFirst: true })).toMatchObject({
      entries: [{}],
      warnings: [],
    });
  });

  test('links which that user planted lead to no other file', async () => {
    const folder = folderWith(0o777);
    const victim = join(folder, '..', 'victim');
    fs.writeFileSync(victim, 'precious');
    const writer = open(folder);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const [journal = ''] = fs.readdirSync(folder);
    const file = journal.slice(-24, -'.journal'.length);
    const names = ['nikdev-iot-1.runs', `${journal}.tmp`, `nikdev-iot-1_${file}.unreadable`, PLANTED];
    for (const name of names) asNobody('ln -s "$2" "$1"', join(folder, name), victim);
    writer.saveStaged([{ fieldId: 't', value: 1 }]);
    await writer.adopt({ isFirst: true });
    for (let sequence = 2; sequence < 300; sequence++) {
      const entry = entryOf(writer, sequence, 'x'.repeat(1000));
      writer.save(entry, { clearsStaged: false });
      writer.remove([entry]);
    }
    writer.close();
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious');
    const next = open(folder);
    expect((await next.adopt({ isFirst: true })).entries).toEqual([entryOf(writer, 1)]);
  });

  test.each(['777', '1777', '770'])('is named in a warning: %s', async (rights) => {
    const folder = folderWith(Number.parseInt(rights, 8));
    expect(await warningsIn(folder)).toEqual([expect.stringContaining(`Other users may write to ${folder},`)]);
  });

  test('is not warned of where the option mode lets that group write', async () => {
    const folder = folderWith(0o770);
    const writer = fileStorage(folder, { mode: 0o660 }, new FakeMachine().start()).open(destination, new FakeClock());
    expect(await writer.adopt({ isFirst: true })).toMatchObject({ warnings: [] });
  });

  test.each(['700', '750', '755', '711'])('with the rights %s is not one', async (rights) => {
    expect(await warningsIn(folderWith(Number.parseInt(rights, 8)))).toEqual([]);
  });
});

describeWithSecondUser('a folder that belongs to another user', () => {
  test('is named in a warning, and what root saves there is its own and comes back', async () => {
    const folder = folderWith(0o755, NOBODY);
    expect(await warningsIn(folder)).toEqual([expect.stringContaining(`${folder} belongs to another user,`)]);
    const writer = open(folder);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.close();
    const [journal = ''] = fs.readdirSync(folder);
    expect(fs.statSync(join(folder, journal))).toMatchObject({ uid: 0, mode: 0o100600 });
    expect((await open(folder).adopt({ isFirst: true })).entries).toEqual([entryOf(writer, 1)]);
  });

  test('is no reason for a warning where it is the device’s own, below a folder of root', async () => {
    expect(await warningsIn(folderWith(0o700, NOBODY), NOBODY)).toEqual([]);
  });

  test('is no reason for a warning where it is root’s, whom everybody has to trust', async () => {
    expect(await warningsIn(folderWith(0o755, 0), NOBODY)).toEqual([]);
  });
});

describeWithSecondUser('a link in the place of the folder', () => {
  test('is followed, and no reason for a warning where both are the operator’s', async () => {
    const folder = folderWith(0o700);
    const link = join(folder, '..', 'link');
    fs.symlinkSync(folder, link);
    expect(await warningsIn(link)).toEqual([]);
    const writer = open(link);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.close();
    expect((await open(folder).adopt({ isFirst: true })).entries).toEqual([entryOf(writer, 1)]);
  });

  test('is named in a warning where another user owns it, who can lead it elsewhere', async () => {
    const folder = folderWith(0o700);
    fs.chmodSync(join(folder, '..'), 0o777);
    const link = join(folder, '..', 'link');
    asNobody('ln -s "$2" "$1"', link, folder);
    expect(await warningsIn(link)).toEqual([expect.stringContaining(`${link} belongs to another user,`)]);
  });
});

test('a file system without rights, which gives all rights to every file, holds own files', async () => {
  const folder = folderWith(0o700);
  const left = open(folder);
  left.save(entryOf(left, 1), { clearsStaged: false });
  left.close();
  const { fs: real, ...process } = new FakeMachine().start();
  const withAllRights = <Found>(stats: Found): Found =>
    new Proxy(stats as object, {
      get: (target, name) => (name === 'mode' ? 0o100777 : Reflect.get(target, name)),
    }) as Found;
  const stick = {
    ...real,
    lstatSync: (path: string) => withAllRights(real.lstatSync(path)),
    fstatSync: (fd: number) => withAllRights(real.fstatSync(fd)),
  } as unknown as typeof real;
  const writer = fileStorage(folder, {}, { fs: stick, ...process }).open(destination, new FakeClock());
  expect((await writer.adopt({ isFirst: true })).entries).toEqual([entryOf(left, 1)]);
});

describeWithSecondUser('a file system that gives all files to one user, as a share or a stick does', () => {
  test.each([undefined, 4711])('holds own files, whatever this process’s user (%o) is', async (uid) => {
    const folder = folderWith(0o700);
    const left = open(folder);
    left.save(entryOf(left, 1), { clearsStaged: false });
    left.close();
    const storage = fileStorage(folder, {}, { ...new FakeMachine().start(), uid });
    expect(await storage.open(destination, new FakeClock()).adopt({ isFirst: true })).toMatchObject({
      entries: [entryOf(left, 1)],
      warnings: [],
    });
    expect(fs.readdirSync(folder)).toHaveLength(1);
  });
});
