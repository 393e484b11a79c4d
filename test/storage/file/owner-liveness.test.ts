import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../../src/node.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import {
  adoptAtStart,
  adoptWhenSilent,
  failingProcess,
  failWith,
  type JournalFolder,
  journalFolder,
  leaveJournal,
} from '../../support/fakes/journal-folder.js';

describe('F26 the owner of a file', () => {
  test('is not fenced while its process is stopped, however long', async () => {
    const setting = journalFolder();
    // Its timers don't fire.
    const stopped = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, stopped);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const other = setting.open();
    for (let minute = 0; minute < 20; minute++) {
      expect((await other.adopt({ isFirst: false })).entries).toEqual([]);
      await setting.clock.advance(60_000);
    }
  });

  test('is dead where another process has its pid now', async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    setting.machine.start(undefined, setting.machine.lastPid, '8');
    expect((await adoptAtStart(setting.open())).entries).toEqual(left);
  });

  test.each([
    ['another pid namespace', (setting: JournalFolder) => setting.machine.start('4026531999')],
    [
      'another boot',
      (setting: JournalFolder) => {
        setting.machine.boot = 'boot2';
        return setting.machine.start();
      },
    ],
  ])('in %s is presumed dead after three minutes without a heartbeat, and not before', async (_what, start) => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const platform = start(setting);
    const clock = new FakeClock(0);
    const other = fileStorage(setting.folder, {}, platform).open(destination, clock);
    expect((await other.adopt({ isFirst: true })).entries).toEqual([]);
    for (let look = 0; look < 5; look++) {
      await clock.advance(30_000);
      // Wall clocks say nothing.
      clock.jump(10 * 365 * 86_400_000);
      expect((await other.adopt({ isFirst: false })).entries).toEqual([]);
    }
    await clock.advance(30_000);
    expect((await other.adopt({ isFirst: false })).entries).toEqual(left);
  });

  test('that cannot be looked up, but lives, writes a heartbeat once a minute and is not fenced', async () => {
    const setting = journalFolder();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    for (let look = 0; look < 30; look++) {
      expect((await other.adopt({ isFirst: false })).entries).toEqual([]);
      await setting.clock.advance(30_000);
    }
  });

  test('that has pushed everything and is idle keeps its empty file', async () => {
    const setting = journalFolder();
    const owner = setting.machine.start();
    const writer = fileStorage(setting.folder, {}, owner).open(destination, setting.clock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.remove([entryOf(writer, 1)]);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toEqual([]);
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    owner.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });

  test.each(['EMFILE', 'EACCES', 'EIO'])('is not presumed dead where /proc fails with %s', async (code) => {
    const setting = journalFolder();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const { broken, platform } = failingProcess(setting.machine);
    const other = setting.open(platform);
    const read = platform.fs.readFileSync;
    broken.readFileSync = ((path: string) => (/^.proc.\d/.test(path) ? failWith(code)() : read(path))) as never;
    expect((await other.adopt({ isFirst: true })).entries).toEqual([]);
  });

  test('that /proc hides is not presumed dead while a signal would reach it', async () => {
    const setting = journalFolder();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const { broken, platform } = failingProcess(setting.machine);
    const other = setting.open(platform);
    const read = platform.fs.readFileSync;
    broken.readFileSync = ((path: string) => (/^.proc.\d/.test(path) ? failWith('ENOENT')() : read(path))) as never;
    expect((await other.adopt({ isFirst: true })).entries).toEqual([]);
  });

  test('is not fenced after a suspend of all processes', async () => {
    const setting = journalFolder();
    const owner = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, new FakeClock());
    owner.save(entryOf(owner, 1), { clearsStaged: false });
    const clock = new FakeClock();
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, clock);
    await other.adopt({ isFirst: true });
    await clock.advance(600_000);
    expect((await other.adopt({ isFirst: false })).entries).toEqual([]);
  });
});
