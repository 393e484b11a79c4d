import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Writer } from '../../../src/core/ports/storage.js';
import { StorageException } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';

const rejection = { status: 400, reason: 'Bad request: ü is "bad"' };
const refused = (entry: StoredEntry): StoredEntry => ({ ...entry, rejection });

function setUp() {
  const folder = temporaryFolder();
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const open = (process = machine.start(), options = {}): Writer =>
    fileStorage(folder, { durability: 'process', ...options }, process).open(destination, clock);
  const names = (): string[] => fs.readdirSync(folder).filter((name) => name.endsWith('.journal'));
  return { folder, machine, open, journal: () => join(folder, names()[0] ?? ''), names };
}

/** A journal that a dead process left: entries 1 to 4, of which 1 and 3 were quarantined, and 3 was forgotten. */
async function leave({ machine, open }: ReturnType<typeof setUp>): Promise<StoredEntry[]> {
  const process = machine.start();
  const writer = open(process);
  for (const sequence of [1, 2]) writer.save(entryOf(writer, sequence, `ü${sequence}`), { clearsStaged: false });
  writer.quarantine([refused(entryOf(writer, 1, 'ü1'))]);
  for (const sequence of [3, 4]) writer.save(entryOf(writer, sequence, `ü${sequence}`), { clearsStaged: false });
  writer.quarantine([refused(entryOf(writer, 3, 'ü3'))]);
  writer.remove([refused(entryOf(writer, 3, 'ü3'))]);
  process.kill();
  return [1, 2, 3, 4].map((sequence) => entryOf(writer, sequence, `ü${sequence}`));
}

describe('a damaged journal with quarantined entries', () => {
  test('F21 cut at every byte: an entry is in quarantine or waits, and is neither altered nor lost', async () => {
    const setting = setUp();
    const all = await leave(setting);
    const bytes = fs.readFileSync(setting.journal());
    const name = setting.names()[0] ?? '';
    let before: readonly number[] = [];
    for (let length = 0; length <= bytes.length; length++) {
      fs.writeFileSync(join(setting.folder, name), bytes.subarray(0, length));
      const process = setting.machine.start();
      const next = setting.open(process);
      const { entries } = await next.adopt({ isFirst: true });
      const numbers = entries.map(({ sequence }) => sequence);
      for (const entry of entries) {
        const whole = all[entry.sequence - 1] as StoredEntry;
        expect([whole, refused(whole)]).toContainEqual(entry);
        if (entry.sequence % 2 === 0) expect(entry.rejection).toBeUndefined();
      }
      for (const number of before) if (number !== 3) expect(numbers).toContain(number);
      before = numbers;
      if (entries.length > 0) {
        // Records that are appended after the cut are read, too.
        next.quarantine([refused(entries[0] as StoredEntry)]);
        process.kill();
        const last = setting.open();
        expect((await last.adopt({ isFirst: true })).entries).toEqual([
          refused(entries[0] as StoredEntry),
          ...entries.slice(1),
        ]);
        last.remove(entries);
        last.close();
      } else next.close();
      for (const file of fs.readdirSync(setting.folder)) fs.rmSync(join(setting.folder, file));
    }
    expect(before).toEqual([1, 2, 4]);
  });

  test('F22 any bit flipped: no entry is quarantined with an altered reason', async () => {
    const setting = setUp();
    const all = await leave(setting);
    const bytes = fs.readFileSync(setting.journal());
    const name = setting.names()[0] ?? '';
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      fs.writeFileSync(join(setting.folder, name), flipped);
      const next = setting.open();
      const { entries } = await next.adopt({ isFirst: true });
      for (const entry of entries) {
        const whole = all[entry.sequence - 1] as StoredEntry;
        expect([whole, refused(whole)]).toContainEqual(entry);
      }
      next.remove(entries);
      next.close();
      for (const file of fs.readdirSync(setting.folder)) fs.rmSync(join(setting.folder, file));
    }
  }, 60_000);

  test('a quarantine record before its entry, as a compaction in place may leave it, is read', async () => {
    const setting = setUp();
    const all = await leave(setting);
    const records = fs.readFileSync(setting.journal(), 'utf8').split(/(?<=\n)(?=\n)/);
    fs.writeFileSync(setting.journal(), [records[0], ...records.slice(1).reverse()].join(''));
    const { entries } = await setting.open().adopt({ isFirst: true });
    expect(entries[0]).toEqual(refused(all[0] as StoredEntry));
  });
});

describe('a journal with quarantined entries', () => {
  test('keeps them through being rewritten, and does not grow by repeated quarantine records', async () => {
    const { machine, open, journal } = setUp();
    const process = machine.start();
    const writer = open(process);
    for (const sequence of [1, 2]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
    for (let round = 0; round < 5000; round++) writer.quarantine([refused(entryOf(writer, 1))]);
    expect(fs.statSync(journal()).size).toBeLessThan(140_000);
    process.kill();
    expect((await open().adopt({ isFirst: true })).entries).toEqual([refused(entryOf(writer, 1)), entryOf(writer, 2)]);
  });

  test('that is full refuses a quarantine record, accepts it once there is space, and keeps all entries meanwhile', async () => {
    const { folder, machine } = setUp();
    const process = machine.start();
    let isFull = false;
    const writeSync = (...args: Parameters<FileSystem['writeSync']>): number => {
      if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      return process.fs.writeSync(...args);
    };
    const full = new Proxy(process.fs, {
      get: (real, name) => (name === 'writeSync' ? writeSync : Reflect.get(real, name)),
    });
    const open = (platform = machine.start()): Writer =>
      fileStorage(folder, { durability: 'process' }, platform).open(destination, new FakeClock());
    const writer = open({ ...process, fs: full } as typeof process);
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
    isFull = true;
    expect(() => writer.quarantine([refused(entryOf(writer, 1))])).toThrow(StorageException);
    isFull = false;
    writer.quarantine([refused(entryOf(writer, 1))]);
    // A disk that was full has notes of removal made room for, where what is quarantined is moved.
    isFull = true;
    expect(() => writer.save(entryOf(writer, 4), { clearsStaged: false })).toThrow(StorageException);
    isFull = false;
    writer.remove([entryOf(writer, 2)]);
    process.kill();
    expect((await open().adopt({ isFirst: true })).entries).toEqual([refused(entryOf(writer, 1)), entryOf(writer, 3)]);
  });
});
