import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Destination } from '../../../src/core/model/destination.js';
import { fileStorage } from '../../../src/node.js';
import { destination, entryOf, otherDestinations } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import {
  adoptAtStart,
  adoptWhenSilent,
  failingProcess,
  failWith,
  journalFolder,
  leaveJournal,
} from '../../support/fakes/journal-folder.js';

describe('F26 a fenced writer of files', () => {
  test('loses no entry that it commits after waking up', async () => {
    const setting = journalFolder();
    const owner = setting.machine.start();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, owner).open(destination, ownClock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    // Stopped: its clock runs on, its timers don't fire.
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    const taken = await adoptWhenSilent(other, setting.clock);
    expect(taken).toHaveLength(1);
    ownClock.jump(300_000);
    writer.check();
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    other.remove(taken);
    other.close();
    owner.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });

  test('that is closed before it notices leaves no timer behind', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, ownClock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(1);
    writer.close();
    expect(ownClock.timers).toBe(0);
  });

  test('reports the writers that it lost, and has a new id', async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, ownClock);
    expect((await writer.adopt({ isFirst: true })).entries).toEqual(left);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const before = writer.id;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(left.length + 1);
    ownClock.jump(300_000);
    expect(writer.check()).toEqual({
      kind: 'fenced',
      writers: new Set([left[0]?.writer, before]),
      isStagedFenced: false,
    });
    expect(writer.check()).toBeUndefined();
    expect(writer.id).not.toBe(before);
    other.close();
    // Still staged by the one that lives: they don't come back.
    expect((await adoptAtStart(setting.open())).staged).toEqual([]);
  });

  test('is fenced while nothing can be written too, and leaves its staged values to the next start', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const { broken, platform } = failingProcess(setting.machine);
    const writer = fileStorage(setting.folder, {}, platform).open(destination, ownClock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(1);
    broken.writeSync = failWith('EIO') as never;
    ownClock.jump(300_000);
    expect(writer.check()).toEqual({ kind: 'fenced', writers: new Set([id]), isStagedFenced: true });
    expect(writer.id).not.toBe(id);
    other.close();
    expect((await adoptAtStart(setting.open())).staged).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('returns no entries of a file that another process adopted meanwhile', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const storage = fileStorage(setting.folder, {}, setting.machine.start());
    const [writer, neighbour] = [
      storage.open(destination, ownClock),
      storage.open(otherDestinations[0] as Destination, ownClock),
    ];
    await writer.adopt({ isFirst: true });
    const { left } = leaveJournal(setting);
    // It finds the file, for both of them.
    expect((await neighbour.adopt({ isFirst: true })).entries).toEqual([]);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toEqual(left);
    ownClock.jump(300_000);
    expect((await writer.adopt({ isFirst: false })).entries).toEqual([]);
  });

  test('does not replace a file that another process adopted, however large it has become', async () => {
    const setting = journalFolder();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, new FakeClock());
    const all = Array.from({ length: 20 }, (_, index) => entryOf(writer, index + 1, 'x'.repeat(9000)));
    for (const entry of all) writer.save(entry, { clearsStaged: false });
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(20);
    const journals = setting.journals();
    // The answers for entries under way arrive before the next check of ownership.
    writer.remove(all.slice(0, 19));
    expect(setting.journals()).toEqual(journals);
  });

  test('is fenced after the other process has sent everything', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, ownClock);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    const taken = await adoptWhenSilent(other, setting.clock);
    other.remove(taken);
    expect(taken).toHaveLength(1);
    expect(setting.journals()).toEqual([]);
    ownClock.jump(300_000);
    expect(writer.check()).toMatchObject({ kind: 'fenced', writers: new Set([id]) });
  });

  test('is fenced after the other process has rewritten its file and sent everything', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(destination, ownClock);
    const values = JSON.stringify([{ a: 'x'.repeat(9000) }]);
    for (let sequence = 1; sequence <= 20; sequence++)
      writer.save({ ...entryOf(writer, sequence), values, bytes: values.length }, { clearsStaged: false });
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(destination, setting.clock);
    const taken = await adoptWhenSilent(other, setting.clock);
    const inode = (): number => fs.statSync(join(setting.folder, setting.journals()[0] ?? '')).ino;
    const before = inode();
    other.remove(taken.slice(0, 19));
    expect(inode()).not.toBe(before);
    other.remove(taken.slice(19));
    expect(setting.journals()).toEqual([]);
    ownClock.jump(300_000);
    expect(writer.check()).toMatchObject({ kind: 'fenced', writers: new Set([id]) });
  });
});
