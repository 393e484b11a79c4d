import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../../src/node.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { adoptAtStart, failingProcess, fileError, journalFolder } from '../../support/fakes/journal-folder.js';

describe('removing entries', () => {
  test('counts an entry that is named twice once: other entries stay', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const writer = setting.open(process);
    for (const sequence of [1, 2]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
    writer.remove([entryOf(writer, 1), entryOf(writer, 1)]);
    process.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });
});

describe('a journal that cannot be written', () => {
  test('does not prevent removals in other journals', async () => {
    const folder = temporaryFolder();
    const machine = new FakeMachine();
    const clock = new FakeClock();
    const dead = machine.start();
    const left = fileStorage(folder, {}, dead).open(destination, clock);
    left.save(entryOf(left, 1), { clearsStaged: false });
    left.save(entryOf(left, 2), { clearsStaged: false });
    dead.kill();
    const { broken, platform, kill } = failingProcess(machine);
    const writer = fileStorage(folder, {}, platform).open(destination, clock);
    const { entries } = await writer.adopt({ isFirst: true });
    expect(entries).toHaveLength(2);
    const own = [1, 2, 3].map((sequence) => entryOf(writer, sequence));
    for (const entry of own) writer.save(entry, { clearsStaged: false });
    const adoptedPath = fs
      .readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => /journal$/.test(path))
      .find((path) => fs.readFileSync(path, 'utf8').includes(left.id)) as string;
    const ino = fs.statSync(adoptedPath).ino;
    broken.writeSync = ((fd: number, ...rest: [string]) => {
      if (fs.fstatSync(fd).ino === ino) throw fileError('EIO');
      return fs.writeSync(fd, ...rest);
    }) as FileSystem['writeSync'];
    expect(() => writer.remove([entries[0] as never, own[0] as never])).toThrow();
    kill();
    const next = fileStorage(folder, {}, machine.start()).open(destination, clock);
    const again = await next.adopt({ isFirst: true });
    // own 1 was acknowledged, and its own journal could be written all the time
    expect(again.entries.filter(({ writer: id }) => id === writer.id).map(({ sequence }) => sequence)).toEqual([2, 3]);
  });
});
