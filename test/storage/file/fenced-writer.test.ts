import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Binding } from '../../../src/core/model/destination.js';
import { fileStorage } from '../../../src/node.js';
import { binding, entryOf, otherBindings } from '../../support/builders/stored-entry.js';
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
    const writer = fileStorage(setting.folder, {}, owner).open(binding, ownClock);
    writer.save(entryOf(writer, 1), false);
    // Stopped: its clock runs on, its timers don't fire.
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    const taken = await adoptWhenSilent(other, setting.clock);
    expect(taken).toHaveLength(1);
    ownClock.jump(300_000);
    writer.check();
    writer.save(entryOf(writer, 2), false);
    other.remove(taken);
    other.close();
    owner.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });

  test('that is closed before it notices leaves no timer behind', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, ownClock);
    writer.save(entryOf(writer, 1), false);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(1);
    writer.close();
    expect(ownClock.timers).toBe(0);
  });

  test('reports the writers that it lost, and has a new id', async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, ownClock);
    expect((await writer.adopt(true)).entries).toEqual(left);
    writer.save(entryOf(writer, 1), false);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const before = writer.id;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
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
    const writer = fileStorage(setting.folder, {}, platform).open(binding, ownClock);
    writer.save(entryOf(writer, 1), false);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
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
    const [writer, neighbour] = [storage.open(binding, ownClock), storage.open(otherBindings[0] as Binding, ownClock)];
    await writer.adopt(true);
    const { left } = leaveJournal(setting);
    // It finds the file, for both of them.
    expect((await neighbour.adopt(true)).entries).toEqual([]);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toEqual(left);
    ownClock.jump(300_000);
    expect((await writer.adopt(false)).entries).toEqual([]);
  });

  test('does not replace a file that another process adopted, however large it has become', async () => {
    const setting = journalFolder();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, new FakeClock());
    const all = Array.from({ length: 20 }, (_, index) => entryOf(writer, index + 1, 'x'.repeat(9000)));
    for (const entry of all) writer.save(entry, false);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(20);
    const journals = setting.journals();
    // What was under way is answered before it is asked what has become of it.
    writer.remove(all.slice(0, 19));
    expect(setting.journals()).toEqual(journals);
  });

  test('is fenced after the other process has sent everything', async () => {
    const setting = journalFolder();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, ownClock);
    writer.save(entryOf(writer, 1), false);
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
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
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, ownClock);
    const values = JSON.stringify([{ a: 'x'.repeat(9000) }]);
    for (let sequence = 1; sequence <= 20; sequence++)
      writer.save({ ...entryOf(writer, sequence), values, bytes: values.length }, false);
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
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
