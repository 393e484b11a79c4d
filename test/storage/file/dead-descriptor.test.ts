import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Api, type ApiOptions, StorageException } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import type { FileStorageOptions } from '../../../src/storage/file/file-storage.js';
import { encodeOwner } from '../../../src/storage/file/ownership/process-identity.js';
import { commitEach } from '../../support/builders/api.js';
import { credentials } from '../../support/builders/credentials.js';
import { describeOnFailingDisk } from '../../support/disks/failing-disk.js';
import { staleFileSystem } from '../../support/disks/stale-descriptors.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { FakeServer } from '../../support/fakes/fake-server.js';

const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';

/** A folder, and processes whose descriptors in it can die. */
function setUp(folder = temporaryFolder(), options: FileStorageOptions = {}) {
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const server = new FakeServer();
  /** @param clockOfIts - One of its own for a process that is killed before the time passes. */
  const start = (clockOfIts = clock) => {
    const { fs: real, kill, ...process } = machine.start();
    const stale = staleFileSystem(real, folder);
    const storage = fileStorage(folder, options, { ...process, fs: stale.fs });
    const open = (given: Partial<ApiOptions> = {}): Api => {
      const api = new Api({ ...credentials, storage, ...given }, { clock: clockOfIts, transport: server });
      onTestFinished(() => api.close());
      return api;
    };
    return { ...stale, kill, open };
  };
  const journals = (): string[] => fs.readdirSync(folder).filter((name) => name.endsWith('.journal'));
  return { folder, clock, server, start, journals };
}

/** The values that a run which starts now adopts. */
async function adopted({ start }: ReturnType<typeof setUp>, options: Partial<ApiOptions> = {}): Promise<unknown[]> {
  const api = start().open(options);
  await api.ready;
  const values = valuesOf(api);
  await api.close();
  return values;
}

const valuesOf = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);
const codesOf = (api: Api): string[] => api.status().warnings.map(({ code }) => code);

/** Takes the journals out of the folder, as a disk that is gone for good. @returns A function that puts them back. */
function hideJournals({ folder, journals }: ReturnType<typeof setUp>): () => void {
  const names = journals();
  for (const name of names) fs.renameSync(join(folder, name), join(folder, `${name}.hidden`));
  return () => {
    for (const name of names) fs.renameSync(join(folder, `${name}.hidden`), join(folder, name));
  };
}

const CODES = ['EIO', 'ESTALE', 'EBADF', 'ENODEV', 'ENXIO'];

describe.each(['power', 'process'] as const)('F44 a descriptor that dies (durability: %s)', (durability) => {
  test.each(CODES)('with %s: the next commit is saved in a new file, with all that is queued', async (code) => {
    const setting = setUp(undefined, { durability });
    const { open, goStale, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    goStale(code);
    hideJournals(setting);
    commitEach(api, 3);
    kill();
    expect(await adopted(setting)).toEqual([1, 2, 3]);
    expect(codesOf(api)).toEqual(['storage-cleared']);
  });

  test('with nothing queued: the next commit is saved', async () => {
    const setting = setUp(undefined, { durability });
    const { open, goStale, kill } = setting.start();
    const api = open();
    commitEach(api, 1);
    await api.push();
    goStale('EIO');
    commitEach(api, 2);
    kill();
    expect(await adopted(setting)).toEqual([2]);
  });

  test.each(CODES)('while the folder fails too (%s): commits are refused, and saved once it works', async (code) => {
    const setting = setUp(undefined, { durability });
    const { open, goStale, goAway, comeBack, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    goStale(code);
    goAway(code);
    api.addValue('temperature', 3);
    for (let attempt = 0; attempt < 3; attempt++) expect(() => api.commit()).toThrow(StorageException);
    await setting.clock.advance(200_000);
    expect(() => api.commit()).toThrow(StorageException);
    comeBack();
    hideJournals(setting);
    api.commit();
    commitEach(api, 4);
    kill();
    expect(await adopted(setting)).toEqual([1, 2, 3, 4]);
  });
});

describe('F44 a descriptor that dies', () => {
  test('is found within a minute, without a commit', async () => {
    const setting = setUp();
    const { open, goStale, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    goStale('ESTALE');
    hideJournals(setting);
    await setting.clock.advance(90_000);
    kill();
    expect(await adopted(setting)).toEqual([1, 2]);
  });

  test('costs no other Api on the same storage what it has queued', async () => {
    const setting = setUp();
    const { open, goStale, kill } = setting.start();
    const [one, other] = [open(), open({ deviceId: OTHER_DEVICE })];
    commitEach(one, 1);
    commitEach(other, 2);
    goStale('EIO');
    hideJournals(setting);
    commitEach(one, 3);
    commitEach(other, 4);
    kill();
    expect(await adopted(setting)).toEqual([1, 3]);
    expect(await adopted(setting, { deviceId: OTHER_DEVICE })).toEqual([2, 4]);
  });

  test('loses no entry of a deleted file because another process adopts the file that was left', async () => {
    const setting = setUp();
    const { folder, clock, journals, server } = setting;
    const { open, goStale } = setting.start();
    const api = open();
    commitEach(api, 1);
    goStale('EIO');
    commitEach(api, 2);
    await clock.advance(31_000);
    const holdsSecond = (name: string): boolean =>
      fs.readFileSync(join(folder, name), 'utf8').includes('"temperature":2');
    const [left = '', successor = ''] = journals().sort((name) => (holdsSecond(name) ? 1 : -1));
    fs.unlinkSync(join(folder, successor));
    const owner = encodeOwner({ boot: 'boot1', namespace: '9', pid: 9, start: '9' }, 'anotherstore0000');
    fs.renameSync(join(folder, left), join(folder, left.replace(/(?<=^nikdev-iot-1_).*(?=_)/, owner)));
    await clock.advance(200_000);
    expect(valuesOf(api)).toContain(2);
    await api.push();
    expect(server.uploads.flat().flat()).toContainEqual({ temperature: 2 });
  });

  test('costs nothing of what was adopted', async () => {
    const setting = setUp();
    const dead = setting.start(new FakeClock());
    commitEach(dead.open(), 1, 2);
    dead.kill();
    const { open, goStale, kill } = setting.start();
    const api = open();
    await api.ready;
    commitEach(api, 3);
    goStale('EIO');
    hideJournals(setting);
    commitEach(api, 4);
    kill();
    expect(await adopted(setting)).toEqual([1, 2, 3, 4]);
  });

  test('keeps nothing back that was stored meanwhile', async () => {
    const setting = setUp();
    const { open, goStale, goAway, comeBack, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    goStale('EIO');
    goAway('EIO');
    await api.push();
    comeBack();
    hideJournals(setting);
    commitEach(api, 3);
    kill();
    expect(await adopted(setting)).toEqual([3]);
  });

  test('saves nothing newer as long as what is older finds no room', async () => {
    const setting = setUp();
    const { faults, open, goStale, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2, 3);
    goStale('EIO');
    hideJournals(setting);
    faults.writeSync = (_fd, data) => (String(data).length > 300 ? 'ENOSPC' : undefined);
    api.addValue('temperature', 4);
    expect(() => api.commit()).toThrow(StorageException);
    expect(setting.journals().map((name) => fs.statSync(join(setting.folder, name)).size)).toEqual([0]);
    delete faults.writeSync;
    api.commit();
    kill();
    expect(await adopted(setting)).toEqual([1, 2, 3, 4]);
  });

  test('that somebody else closed, and whose number is another file’s by now, does that no harm', async () => {
    const setting = setUp();
    const { fs: real, kill, ...process } = new FakeMachine().start();
    let journal = -1;
    const openSync: typeof real.openSync = (path, flags) => {
      const fd = real.openSync(path, flags);
      if (String(path).endsWith('.journal')) journal = fd;
      return fd;
    };
    const storage = fileStorage(setting.folder, {}, { ...process, fs: { ...real, openSync } });
    const api = new Api({ ...credentials, storage }, { clock: setting.clock, transport: setting.server });
    commitEach(api, 1, 2);
    const theirs = join(setting.folder, 'theirs');
    fs.closeSync(journal);
    const descriptor = fs.openSync(theirs, 'w+');
    onTestFinished(() => fs.closeSync(descriptor));
    expect(descriptor).toBe(journal);
    await setting.clock.advance(90_000);
    commitEach(api, 3);
    await api.close();
    expect(fs.fstatSync(descriptor).size).toBe(0);
    kill();
    expect(await adopted(setting)).toEqual([1, 2, 3]);
  });
});

describe('F44 a file that could not be read, and can again', () => {
  test('is taken back: what it holds for the living is queued once, and forgotten as it is stored', async () => {
    const setting = setUp();
    const { open, goStale, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    goStale('EIO');
    const show = hideJournals(setting);
    commitEach(api, 3);
    show();
    await setting.clock.advance(60_000);
    expect(valuesOf(api)).toEqual([1, 2, 3]);
    await api.push();
    expect(setting.server.uploads.flat()).toHaveLength(3);
    kill();
    expect(await adopted(setting)).toEqual([]);
  });

  test('is taken back with what was adopted from it, once', async () => {
    const setting = setUp();
    const dead = setting.start(new FakeClock());
    commitEach(dead.open(), 1, 2);
    dead.kill();
    const { open, goStale, kill } = setting.start();
    const api = open();
    await api.ready;
    goStale('EIO');
    const show = hideJournals(setting);
    await setting.clock.advance(90_000);
    commitEach(api, 3);
    show();
    await setting.clock.advance(60_000);
    expect(valuesOf(api)).toEqual([1, 2, 3]);
    await api.push();
    kill();
    expect(await adopted(setting)).toEqual([]);
  });

  test('leaves to others what waits in it for them', async () => {
    const setting = setUp();
    const dead = setting.start(new FakeClock());
    const [mine, theirs] = [dead.open(), dead.open({ deviceId: OTHER_DEVICE })];
    commitEach(mine, 1);
    commitEach(theirs, 2);
    dead.kill();
    const { open, goStale } = setting.start();
    const api = open();
    await api.ready;
    goStale('EIO');
    const show = hideJournals(setting);
    await setting.clock.advance(90_000);
    show();
    const other = open({ deviceId: OTHER_DEVICE });
    await setting.clock.advance(60_000);
    expect(valuesOf(api)).toEqual([1]);
    expect(valuesOf(other)).toEqual([2]);
  });

  test('is left to others once its storage is closed, though its process lives on', async () => {
    const setting = setUp();
    const { open, goStale } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    goStale('EIO');
    await api.close();
    expect(await adopted(setting)).toEqual([1, 2]);
  });

  test('does not bring back staged values that are staged still', async () => {
    const setting = setUp();
    const { open, goStale, kill } = setting.start();
    const api = open();
    commitEach(api, 1);
    api.addValue('humidity', 5);
    await setting.clock.advance(5000);
    goStale('EIO');
    const show = hideJournals(setting);
    await setting.clock.advance(90_000);
    show();
    await setting.clock.advance(60_000);
    api.commit();
    await api.push();
    kill();
    const next = setting.start().open();
    await next.ready;
    expect(next.status()).toMatchObject({ staged: 0, committed: 0 });
  });
});

describeOnFailingDisk('F44 a disk', (makeDisk) => {
  test('that fails, is unplugged and plugged in again loses no commit that returned', async () => {
    const disk = makeDisk();
    const setting = setUp(join(disk.folder, 'readings'));
    const { open, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    disk.fail();
    api.addValue('temperature', 3);
    for (let attempt = 0; attempt < 3; attempt++) expect(() => api.commit()).toThrow(StorageException);
    disk.unplug();
    api.commit();
    expect(setting.journals()).toHaveLength(1);
    disk.plugIn();
    commitEach(api, 4);
    await setting.clock.advance(120_000);
    commitEach(api, 5);
    kill();
    expect(await adopted(setting)).toEqual([1, 2, 3, 4, 5]);
  });

  test('that fails and is plugged in again: the next commit is saved on it', async () => {
    const disk = makeDisk();
    const setting = setUp(join(disk.folder, 'readings'));
    const { open, kill } = setting.start();
    const api = open();
    commitEach(api, 1, 2);
    disk.fail();
    await api.push();
    disk.unplug();
    disk.plugIn();
    commitEach(api, 3);
    kill();
    const arrived = await adopted(setting);
    // Entries that were stored while nothing could be noted may arrive twice.
    expect(arrived.at(-1)).toBe(3);
    expect([1, 2, 3]).toEqual(expect.arrayContaining(arrived));
  });
});
