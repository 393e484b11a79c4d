import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StorageAdapter, Writer } from '../../../src/core/ports/storage.js';
import { fileStorage } from '../../../src/node.js';
import type { FilePlatform, FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { failingProcess, failWith, journalFolder, leaveJournal } from '../../support/fakes/journal-folder.js';

const LOOK_MS = 30_000;

/** Looks every half a minute, as an `Api` does. @returns After how many seconds something was adopted, and what. */
async function adoptWithin(seconds: number, writer: Writer, clock: FakeClock) {
  for (let passed = 0; ; passed += LOOK_MS / 1000) {
    const { entries } = await writer.adopt({ isFirst: passed === 0 });
    if (entries.length > 0 || passed >= seconds) return { passed, entries };
    await clock.advance(LOOK_MS);
  }
}

/** A process with number 1 that may not read `/proc`, as in a container with a runtime of scoped rights. */
function processWithoutProc(): FilePlatform {
  const { fs } = new FakeMachine().start('4026531836', 1);
  const refuse = () => {
    throw Object.assign(new Error('no access'), { code: 'ERR_ACCESS_DENIED' });
  };
  const readFileSync = ((from: string | number) =>
    String(from).startsWith('/proc') ? refuse() : fs.readFileSync(from)) as FileSystem['readFileSync'];
  return {
    fs: { ...fs, readFileSync, readlinkSync: refuse as never },
    pid: 1,
    isRunning: () => true,
    openStores: new Set(),
  };
}

describe('F46 an owner whose process id lives on, where /proc can not be read', () => {
  test('that is dead is adopted after three minutes without a heartbeat, and not before', async () => {
    const folder = temporaryFolder();
    const dead = fileStorage(folder, {}, processWithoutProc()).open(destination, new FakeClock());
    dead.save(entryOf(dead, 1), { clearsStaged: false });
    const clock = new FakeClock();
    const next = fileStorage(folder, {}, processWithoutProc()).open(destination, clock);
    expect(await adoptWithin(240, next, clock)).toEqual({ passed: 180, entries: [entryOf(dead, 1)] });
  });

  test('that lives is not dispossessed', async () => {
    const folder = temporaryFolder();
    const clock = new FakeClock();
    const living = fileStorage(folder, {}, processWithoutProc()).open(destination, clock);
    living.save(entryOf(living, 1), { clearsStaged: false });
    const other = fileStorage(folder, {}, processWithoutProc()).open(destination, clock);
    expect(await adoptWithin(1800, other, clock)).toMatchObject({ entries: [] });
    expect(living.check()).toBeUndefined();
  });

  test('that turns out to live learns of it, and its later entries are its own', async () => {
    const folder = temporaryFolder();
    const [stopped, clock] = [new FakeClock(), new FakeClock()];
    const owner = fileStorage(folder, {}, processWithoutProc()).open(destination, stopped);
    owner.save(entryOf(owner, 1), { clearsStaged: false });
    const { id } = owner;
    const other = fileStorage(folder, {}, processWithoutProc()).open(destination, clock);
    const { entries } = await adoptWithin(240, other, clock);
    expect(entries).toHaveLength(1);
    stopped.jump(300_000);
    expect(owner.check()).toMatchObject({ kind: 'fenced', writers: new Set([id]) });
    owner.save(entryOf(owner, 2), { clearsStaged: false });
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe('F46 two storage objects of one thread', () => {
  const open = (storage: StorageAdapter, clock: FakeClock): Writer => storage.open(destination, clock);

  test('never take from each other, however long the clock of one stands still', async () => {
    const folder = temporaryFolder();
    const living = open(fileStorage(folder), new FakeClock());
    living.save(entryOf(living, 1), { clearsStaged: false });
    const clock = new FakeClock();
    const other = open(fileStorage(folder), clock);
    expect(await adoptWithin(900, other, clock)).toMatchObject({ entries: [] });
    living.close();
    expect(await adoptWithin(0, other, clock)).toMatchObject({ entries: [entryOf(living, 1)] });
    other.close();
  });

  test('never take from each other, also where they are of two copies of this package', async () => {
    const folder = temporaryFolder();
    const { fileStorage: ofBuild } = (await import(new URL('../../../dist/node.js', import.meta.url).href)) as {
      fileStorage: typeof fileStorage;
    };
    const living = open(ofBuild(folder), new FakeClock());
    living.save(entryOf(living, 1), { clearsStaged: false });
    const clock = new FakeClock();
    const other = open(fileStorage(folder), clock);
    expect(await adoptWithin(900, other, clock)).toMatchObject({ entries: [] });
    living.close();
    other.close();
  });

  test('one that could not give back its file leaves it to the other, after three minutes', async () => {
    const folder = temporaryFolder();
    const machine = new FakeMachine();
    const { fs, ...process } = machine.start();
    const platform = { fs: { ...fs }, ...process, openStores: new Set<string>() };
    const first = fileStorage(folder, {}, platform).open(destination, new FakeClock());
    first.save(entryOf(first, 1), { clearsStaged: false });
    platform.fs.renameSync = () => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    };
    first.close();
    platform.fs.renameSync = fs.renameSync;
    const clock = new FakeClock();
    const other = fileStorage(folder, {}, platform).open(destination, clock);
    expect(await adoptWithin(240, other, clock)).toEqual({ passed: 180, entries: [entryOf(first, 1)] });
  });
});

describe('two journals of dead owners that differ in their owner only', () => {
  test.each(['sort', 'reverse'] as const)('do not replace each other, whichever is listed first: %s', async (order) => {
    const folder = journalFolder();
    const { left } = leaveJournal(folder);
    const file = /_([^_]+)\.journal$/.exec(folder.journal())?.[1];
    writeFileSync(join(folder.folder, `nikdev-iot-1_free_${file}.journal`), '');
    const { broken, platform, kill } = failingProcess(folder.machine);
    broken.readdirSync = ((path: string) => readdirSync(path).sort()[order]()) as unknown as FileSystem['readdirSync'];
    const writer = folder.open(platform);
    const adopted = [await writer.adopt({ isFirst: true }), await writer.adopt({ isFirst: false })].flatMap(
      ({ entries }) => entries,
    );
    expect(adopted).toEqual(left);
    kill();
    expect(await folder.open().adopt({ isFirst: true })).toMatchObject({ entries: left });
  });

  test('are not made by an owner whose first journal was adopted while it could not be synced', () => {
    const { folder, machine, open, journals, journal } = journalFolder();
    const { broken, platform } = failingProcess(machine);
    const writer = open(platform, { durability: 'power' });
    broken.fdatasyncSync = failWith('EIO');
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow('EIO');
    renameSync(journal(), join(folder, journals()[0]?.replace(/_.*_/, '_free_') ?? ''));
    Object.assign(broken, { fdatasyncSync: undefined });
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    expect(new Set(journals().map((name) => name.split('_').at(-1))).size).toBe(2);
  });
});

test('a journal whose descriptor died is left to others by its last writer, though nothing new can be written', async () => {
  const { machine, open, journals } = journalFolder();
  const { broken, platform } = failingProcess(machine);
  const writer = open(platform, { durability: 'power' });
  writer.save(entryOf(writer, 1), { clearsStaged: false });
  Object.assign(broken, { fstatSync: failWith('EBADF'), fdatasyncSync: failWith('EIO') });
  writer.close();
  expect(journals()).toEqual([expect.stringContaining('_free_')]);
  expect((await open().adopt({ isFirst: true })).entries).toEqual([entryOf(writer, 1)]);
});
