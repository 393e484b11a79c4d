import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../../src/node.js';
import { destination, entryOf, otherDestinations } from '../../support/builders/stored-entry.js';
import {
  adoptAtStart,
  failingProcess,
  failWith,
  journalFolder,
  leaveJournal,
} from '../../support/fakes/journal-folder.js';

describe('F26 a shared journal', () => {
  test('that cannot be opened once it is renamed gets its name back, and is adopted later', async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const name = setting.journals()[0];
    const { broken, platform } = failingProcess(setting.machine);
    const other = setting.open(platform);
    broken.openSync = failWith('EIO') as never;
    expect((await other.adopt({ isFirst: true })).entries).toEqual([]);
    expect(setting.journals()).toEqual([name]);
    delete broken.openSync;
    expect((await other.adopt({ isFirst: false })).entries).toEqual(left);
  });

  test('lets others adopt the entries of a closed Api, whatever living ones have in it', async () => {
    const setting = journalFolder();
    const storage = fileStorage(setting.folder, {}, setting.machine.start());
    const [left, living] = [
      storage.open(destination, setting.clock),
      storage.open(otherDestinations[0] ?? destination, setting.clock),
    ];
    left.save(entryOf(left, 1), { clearsStaged: false });
    living.save(entryOf(living, 1), { clearsStaged: false });
    living.saveStaged([{ fieldId: 'a', value: 1 }]);
    left.close();
    await setting.clock.advance(0);
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(left, 1)]);
    living.save(entryOf(living, 2), { clearsStaged: true });
    expect(setting.journals()).toHaveLength(2);
  });

  test('is the one file of Apis that are closed in a row', async () => {
    const setting = journalFolder();
    const storage = fileStorage(setting.folder, {}, setting.machine.start());
    const writers = [1, 2, 3].map(() => storage.open(destination, setting.clock));
    for (const writer of writers) writer.save(entryOf(writer, 1), { clearsStaged: false });
    for (const writer of writers) writer.close();
    await setting.clock.advance(0);
    expect(setting.journals()).toHaveLength(1);
    expect((await adoptAtStart(setting.open())).entries).toHaveLength(3);
  });

  test('is adopted by the next Api in the same process', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const storage = fileStorage(setting.folder, {}, process);
    const first = storage.open(destination, setting.clock);
    first.save(entryOf(first, 1), { clearsStaged: false });
    first.close();
    expect(setting.journals()[0]).toMatch(/_free_/);
    const second = storage.open(destination, setting.clock);
    expect((await adoptAtStart(second)).entries).toEqual([entryOf(first, 1)]);
    expect(setting.journals()[0]).not.toMatch(/_free_/);
  });

  test('with entries for another device is released once its own are removed, and theirs are not touched', async () => {
    const setting = journalFolder();
    const dead = setting.machine.start();
    const storage = fileStorage(setting.folder, {}, dead);
    const [mine, theirs] = [
      storage.open(destination, setting.clock),
      storage.open(otherDestinations[0] ?? destination, setting.clock),
    ];
    mine.save(entryOf(mine, 1), { clearsStaged: false });
    theirs.save(entryOf(theirs, 1), { clearsStaged: false });
    dead.kill();
    const next = setting.open();
    const { entries } = await adoptAtStart(next);
    expect(entries).toEqual([entryOf(mine, 1)]);
    expect(setting.journals()[0]).not.toMatch(/_free_/);
    next.remove(entries);
    expect(setting.journals()[0]).toMatch(/_free_/);
    // Not at the first look, as an Api for them may be opened next.
    expect((await next.adopt({ isFirst: false })).warnings).toEqual([]);
    const { warnings } = await next.adopt({ isFirst: false });
    expect(warnings).toMatchObject([
      { code: 'entries-waiting', message: expect.stringContaining(otherDestinations[0]?.deviceId ?? '') },
    ]);
    const other = fileStorage(setting.folder, {}, setting.machine.start()).open(
      otherDestinations[0] ?? destination,
      setting.clock,
    );
    expect((await adoptAtStart(other)).entries).toEqual([entryOf(theirs, 1)]);
  });

  test('has any number of writers', () => {
    const setting = journalFolder();
    const storage = fileStorage(setting.folder, { durability: 'process' }, setting.machine.start());
    for (let count = 0; count < 100; count++) {
      const writer = storage.open({ ...destination, deviceId: `device ${count}` }, setting.clock);
      writer.save(entryOf(writer, 1), { clearsStaged: false });
    }
    expect(setting.journals()).toHaveLength(1);
    expect(setting.clock.timers).toBe(1);
  });

  test('is deleted with its last entry', () => {
    const setting = journalFolder();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.remove([entryOf(writer, 1)]);
    writer.close();
    expect(fs.readdirSync(setting.folder)).toEqual([]);
    expect(setting.clock.timers).toBe(0);
  });
});
