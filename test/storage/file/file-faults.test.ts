import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Binding } from '../../../src/core/model/destination.js';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Adoption, Writer } from '../../../src/core/ports/storage.js';
import { ConfigException, StorageException } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import type { FilePlatform, FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { binding, entryOf, otherBindings } from '../../contract/storage-contract.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeMachine, temporaryFolder } from '../../support/fake-processes.js';

function setUp() {
  const folder = temporaryFolder();
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const open = (platform: FilePlatform = machine.start(), options = {}): Writer =>
    fileStorage(folder, options, platform).open(binding, clock);
  const journals = (): string[] => fs.readdirSync(folder).filter((name) => name.endsWith('.journal'));
  const journal = (): string => join(folder, journals()[0] ?? '');
  return { folder, machine, clock, open, journals, journal };
}

/** A journal that a dead process left, with entries of every kind and some of them done with. */
function leave(setting: ReturnType<typeof setUp>): { writer: Writer; left: StoredEntry[] } {
  const process = setting.machine.start();
  const writer = setting.open(process);
  for (let sequence = 1; sequence <= 6; sequence++) writer.save(entryOf(writer, sequence, `ü${sequence}`), false);
  writer.remove([entryOf(writer, 2), entryOf(writer, 3), entryOf(writer, 5)]);
  writer.save(entryOf(writer, 7), true);
  process.kill();
  return {
    writer,
    left: [1, 4, 6].map((sequence) => entryOf(writer, sequence, `ü${sequence}`)).concat(entryOf(writer, 7)),
  };
}

/** Looks every half a minute, as an `Api` does, until something is taken or four minutes have gone. */
async function adoptWhenSilent(writer: Writer, clock: FakeClock): Promise<readonly StoredEntry[]> {
  for (let look = 0; look < 8; look++) {
    const { entries } = await writer.adopt(look === 0);
    if (entries.length > 0) return entries;
    await clock.advance(30_000);
  }
  return [];
}

/** A process whose file system can be told to fail. */
function failing(setting: ReturnType<typeof setUp>) {
  const process = setting.machine.start();
  const broken: Partial<FileSystem> = {};
  const fsOf = new Proxy(process.fs, { get: (real, name) => Reflect.get(broken, name) ?? Reflect.get(real, name) });
  return { broken, platform: { ...process, fs: fsOf }, kill: () => process.kill() };
}

const fail = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

/** A file system that counts the calls of one of its members. */
function countingCalls(fileSystem: FileSystem, counted: keyof FileSystem) {
  let calls = 0;
  const counting = new Proxy(fileSystem, {
    get: (real, name) => {
      if (name === counted) calls += 1;
      return Reflect.get(real, name);
    },
  });
  return { counting, count: () => calls };
}

const adoptAll = (writer: Writer): Promise<Adoption> => writer.adopt(true);

describe('a damaged journal', () => {
  test('F21 cut at every byte: what was whole before the cut is read, and what is appended after it too', {
    timeout: 120_000,
  }, async () => {
    const setting = setUp();
    const { left } = leave(setting);
    const bytes = fs.readFileSync(setting.journal());
    const name = setting.journals()[0] ?? '';
    let most = 0;
    for (let length = 0; length <= bytes.length; length++) {
      fs.writeFileSync(join(setting.folder, name), bytes.subarray(0, length));
      const process = setting.machine.start();
      const next = setting.open(process, { durability: 'process' });
      const { entries } = await adoptAll(next);
      const numbers = entries.map(({ sequence }) => sequence);
      // In order, unaltered, and never fewer than a shorter cut gave, but for what a removal then took.
      expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
      for (const entry of entries)
        expect(entry.values).toBe(
          entryOf(next, entry.sequence, entry.sequence === 7 ? 7 : `ü${entry.sequence}`).values,
        );
      most = Math.max(most, numbers.length);
      if (entries.length > 0) {
        next.remove([entries[0] as StoredEntry]);
        process.kill();
        const last = setting.open(undefined, { durability: 'process' });
        expect((await adoptAll(last)).entries).toEqual(entries.slice(1));
        last.remove(entries);
        last.close();
      } else next.close();
      for (const file of fs.readdirSync(setting.folder)) fs.rmSync(join(setting.folder, file));
    }
    expect(most).toBe(6);
    expect(left).toHaveLength(4);
  });

  test('F22 any bit flipped: nothing altered is read, everything else is, and the damage is kept and reported', {
    timeout: 120_000,
  }, async () => {
    const setting = setUp();
    const { left } = leave(setting);
    const bytes = fs.readFileSync(setting.journal());
    const name = setting.journals()[0] ?? '';
    const known = new Map([1, 2, 3, 4, 5, 6].map((n) => [n, entryOf({ id: '' } as Writer, n, `ü${n}`).values]));
    known.set(7, left[3]?.values ?? '');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      fs.writeFileSync(join(setting.folder, name), flipped);
      const next = setting.open(undefined, { durability: 'process' });
      const { entries, warnings } = await adoptAll(next);
      for (const { sequence, values } of entries) expect(values).toBe(known.get(sequence));
      // A lost line costs at most its own entry, or brings back what it removed; a lost binding keeps all waiting.
      const isBindingLost = entries.length === 0;
      if (!isBindingLost)
        expect(
          left.filter(({ sequence }) => !entries.some((entry) => entry.sequence === sequence)).length,
        ).toBeLessThanOrEqual(2);
      // A newline that became another character, or the other way round, may leave all lines readable.
      if (warnings.length === 0) expect(entries).toEqual(left);
      next.remove(entries);
      next.close();
      const kept = Buffer.concat(
        fs.readdirSync(setting.folder).map((file) => fs.readFileSync(join(setting.folder, file))),
      );
      if (warnings.length > 0) expect(kept.length).toBeGreaterThan(0);
      for (const file of fs.readdirSync(setting.folder)) fs.rmSync(join(setting.folder, file));
    }
  });

  test('F23 records of a newer format stay in their file, which is neither rewritten nor deleted', async () => {
    const setting = setUp();
    const { left } = leave(setting);
    const newer = '\n2 00000000 E something new\n';
    fs.appendFileSync(setting.journal(), newer);
    const next = setting.open();
    const { entries, warnings } = await adoptAll(next);
    expect(entries).toEqual(left);
    expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
    next.remove(entries);
    next.close();
    expect(setting.journals()).toHaveLength(1);
    expect(fs.readFileSync(setting.journal(), 'utf8')).toContain(newer.trim());
    expect((await adoptAll(setting.open())).entries).toEqual([]);
  });

  test('F23 files that are not ours are left alone', async () => {
    const setting = setUp();
    leave(setting);
    const foreign = ['notes.txt', 'nikdev-iot-2_free_abcdefgh12345678.journal', 'nikdev-iot-1_free_x.journal'];
    for (const name of foreign) fs.writeFileSync(join(setting.folder, name), 'theirs');
    const next = setting.open();
    const { entries } = await adoptAll(next);
    next.remove(entries);
    next.close();
    for (const name of foreign) expect(fs.readFileSync(join(setting.folder, name), 'utf8')).toBe('theirs');
  });
});

describe('F20 a disk that fails', () => {
  test.each([
    ['is full', 'writeSync', 'ENOSPC', /disk is full \(ENOSPC/],
    ['fails to write', 'writeSync', 'EIO', /could not be written \(EIO/],
    ['fails to sync', 'fdatasyncSync', 'EIO', /could not be written \(EIO/],
  ] as const)(
    'that %s: StorageException, the file as before, and the next commit is saved',
    async (_how, name, code, message) => {
      const setting = setUp();
      const { broken, platform, kill } = failing(setting);
      const writer = setting.open(platform);
      writer.save(entryOf(writer, 1), false);
      const before = fs.readFileSync(setting.journal());
      broken[name] = fail(code) as never;
      expect(() => writer.save(entryOf(writer, 2), false)).toThrow(message);
      expect(fs.readFileSync(setting.journal())).toEqual(before);
      delete broken[name];
      writer.save(entryOf(writer, 3), false);
      kill();
      const { entries, warnings } = await adoptAll(setting.open());
      expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
      expect(warnings).toEqual([]);
    },
  );

  test('that takes only a part and then is full: the part is taken back', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    const before = fs.readFileSync(setting.journal());
    let calls = 0;
    broken.writeSync = ((fd: number, text: string) => {
      calls += 1;
      return calls === 1 ? fs.writeSync(fd, Buffer.from(text).subarray(0, 10)) : fail('ENOSPC')();
    }) as never;
    expect(() => writer.save(entryOf(writer, 2), false)).toThrow(/disk is full/);
    expect(fs.readFileSync(setting.journal())).toEqual(before);
    kill();
  });

  test('that takes a record in parts: it is whole', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    broken.writeSync = ((fd: number, data: string | Buffer, offset = 0) =>
      fs.writeSync(fd, Buffer.from(data as string).subarray(offset, offset + 7))) as never;
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('and does not even take back what is half-written: what follows is read all the same', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    let calls = 0;
    broken.writeSync = ((fd: number, text: string) => {
      calls += 1;
      return calls === 1 ? fs.writeSync(fd, Buffer.from(text).subarray(0, 20)) : fail('EIO')();
    }) as never;
    broken.ftruncateSync = fail('EIO') as never;
    expect(() => writer.save(entryOf(writer, 2), false)).toThrow(/EIO/);
    delete broken.writeSync;
    writer.save(entryOf(writer, 3), false);
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
  });

  test('and only says so: what was refused is not saved after all when what follows is', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    broken.fdatasyncSync = fail('EIO') as never;
    broken.ftruncateSync = fail('EIO') as never;
    expect(() => writer.save(entryOf(writer, 2), false)).toThrow(/EIO/);
    delete broken.fdatasyncSync;
    writer.save(entryOf(writer, 3), false);
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
  });

  test.each(['EACCES', 'EROFS', 'ENOTDIR'])('whose folder cannot be made (%s): StorageException', (code) => {
    const setting = setUp();
    const { broken, platform } = failing(setting);
    broken.mkdirSync = fail(code) as never;
    const writer = fileStorage(join(setting.folder, 'missing'), {}, platform).open(binding, setting.clock);
    expect(() => writer.save(entryOf(writer, 1), false)).toThrow(new RegExp(code));
  });

  test('a missing folder is made', () => {
    const { folder, machine, clock } = setUp();
    const deep = join(folder, 'a', 'b');
    const writer = fileStorage(deep, {}, machine.start()).open(binding, clock);
    writer.save(entryOf(writer, 1), false);
    expect(fs.readdirSync(deep)).toHaveLength(1);
  });

  test('and then the folder could not be synced: the next commit syncs it, and the one that holds it', () => {
    const setting = setUp();
    const { broken, platform } = failing(setting);
    const writer = setting.open(platform);
    broken.fsyncSync = fail('EIO') as never;
    expect(() => writer.save(entryOf(writer, 1), false)).toThrow(/EIO/);
    let synced = 0;
    broken.fsyncSync = ((fd: number) => {
      synced += 1;
      fs.fsyncSync(fd);
    }) as never;
    writer.save(entryOf(writer, 2), false);
    expect(synced).toBe(2);
  });

  test('to sync: what is committed next goes into another file, with all that is queued before it', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    const first = setting.journal();
    broken.fdatasyncSync = fail('EIO') as never;
    expect(() => writer.save(entryOf(writer, 2), false)).toThrow(/EIO/);
    delete broken.fdatasyncSync;
    writer.save(entryOf(writer, 3), false);
    expect(setting.journals()).toHaveLength(1);
    expect(setting.journal()).not.toBe(first);
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
  });

  test('to sync, for good: what was saved stays where it is, and nothing piles up beside it', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    const before = fs.readdirSync(setting.folder);
    broken.fdatasyncSync = fail('EIO') as never;
    broken.fsyncSync = fail('EIO') as never;
    for (let sequence = 2; sequence < 6; sequence++)
      expect(() => writer.save(entryOf(writer, sequence), false)).toThrow(/EIO/);
    expect(fs.readdirSync(setting.folder).length).toBeLessThanOrEqual(before.length + 1);
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1)]);
    expect(fs.readdirSync(setting.folder)).toHaveLength(before.length);
  });

  test('that is full while values are staged: once everything is pushed, it works again', () => {
    const setting = setUp();
    const { broken, platform } = failing(setting);
    const writer = setting.open(platform);
    writer.save(entryOf(writer, 1), false);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const room = fs.statSync(setting.journal()).size;
    broken.writeSync = ((fd: number, text: string) =>
      fs.fstatSync(fd).size + text.length > room ? fail('ENOSPC')() : fs.writeSync(fd, text)) as never;
    expect(() => writer.save(entryOf(writer, 2), true)).toThrow(/disk is full/);
    writer.remove([entryOf(writer, 1)]);
    writer.save(entryOf(writer, 3), true);
  });

  test('that is full at the start: what was left is queued all the same, though its staged values must wait', async () => {
    const setting = setUp();
    const dead = setting.machine.start();
    const writer = setting.open(dead);
    writer.save(entryOf(writer, 1), false);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    dead.kill();
    const { broken, platform } = failing(setting);
    broken.writeSync = fail('ENOSPC') as never;
    const { entries, staged } = await adoptAll(setting.open(platform));
    expect(entries).toEqual([entryOf(writer, 1)]);
    expect(staged).toEqual([]);
  });

  test('when a lost file is to be saved again: it is tried again until it works', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), false);
    fs.rmSync(setting.journal());
    broken.writeSync = fail('ENOSPC') as never;
    await setting.clock.advance(61_000);
    delete broken.writeSync;
    await setting.clock.advance(61_000);
    kill();
    expect((await adoptAll(setting.open())).entries).toHaveLength(3);
  });

  test('when a lost file is to be saved again: it is not said to be before it is', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    const all = [1, 2, 3].map((sequence) => entryOf(writer, sequence));
    for (const entry of all) writer.save(entry, false);
    fs.rmSync(setting.journal());
    broken.writeSync = fail('EIO') as never;
    await setting.clock.advance(61_000);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(() => writer.saveAgain(all)).toThrow(StorageException);
    delete broken.writeSync;
    writer.saveAgain(all);
    expect(writer.check()).toBeUndefined();
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual(all);
  });

  test('when a lost file is to be saved again: nothing is saved in the lost one meanwhile', async () => {
    const setting = setUp();
    const { broken, platform, kill } = failing(setting);
    const writer = setting.open(platform);
    const all = [1, 2].map((sequence) => entryOf(writer, sequence));
    writer.save(entryOf(writer, 1), false);
    fs.rmSync(setting.journal());
    broken.openSync = fail('EACCES') as never;
    await setting.clock.advance(61_000);
    expect(() => writer.save(entryOf(writer, 2), false)).toThrow(StorageException);
    delete broken.openSync;
    writer.save(entryOf(writer, 2), false);
    kill();
    expect((await adoptAll(setting.open())).entries).toEqual(all);
  });

  test.each([
    ['removed', (path: string) => fs.rmSync(path)],
    [
      'replaced',
      (path: string) => {
        fs.renameSync(path, `${path}.old`);
        fs.writeFileSync(path, '');
        fs.rmSync(`${path}.old`);
      },
    ],
  ])('a file that others %s: what was in it is saved again within two minutes', async (_how, harm) => {
    const setting = setUp();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.save(entryOf(writer, 1), false);
    harm(setting.journal());
    await setting.clock.advance(61_000);
    writer.save(entryOf(writer, 2), false);
    process.kill();
    const { entries } = await adoptAll(setting.open());
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});

describe('the size of a journal', () => {
  test('an emptied one is truncated', () => {
    const { open, journal } = setUp();
    const writer = open();
    for (let round = 1; round < 100; round++) {
      writer.save(entryOf(writer, round), false);
      writer.remove([entryOf(writer, round)]);
      expect(fs.statSync(journal()).size).toBe(0);
    }
  });

  test('stays within 64 KiB and twice the bytes that are queued, whatever is removed', () => {
    const { open, journal } = setUp();
    const writer = open(undefined, { durability: 'process' });
    const queued = new Map<number, StoredEntry>();
    let next = 1;
    for (let round = 0; round < 400; round++) {
      for (let count = 0; count < 10; count++, next++) {
        const entry = entryOf(writer, next, 'x'.repeat(100));
        writer.save(entry, false);
        queued.set(next, entry);
      }
      // Every other one stays for long: the file can't just be emptied.
      const done = [...queued.values()].filter(({ sequence }) => sequence % 7 !== 0 || sequence < next - 300);
      writer.remove(done);
      for (const { sequence } of done) queued.delete(sequence);
      const bytes = [...queued.values()].reduce((sum, { values }) => sum + values.length + 64, 0);
      expect(fs.statSync(journal()).size).toBeLessThanOrEqual(64 * 1024 + 2 * bytes);
    }
  });

  test('stays within 64 KiB and twice the bytes that are queued at every step, whatever is saved, staged, removed, adopted', {
    timeout: 60_000,
  }, async () => {
    const size = fc.integer({ min: 1, max: 20_000 });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('save' as const), size, isStaged: fc.boolean() }) },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('remove' as const),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('stage' as const), size }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const setting = setUp();
        let process = setting.machine.start();
        let writer = setting.open(process, { durability: 'process' });
        let [next, staged] = [1, 0];
        let queued: StoredEntry[] = [];
        for (const one of steps) {
          if (one.kind === 'save') {
            const entry = entryOf(writer, next++, 'x'.repeat(one.size));
            writer.save(entry, one.isStaged);
            queued.push(entry);
            if (one.isStaged) staged = 0;
          } else if (one.kind === 'remove') {
            const done = queued.filter((_, index) => (index * 0.618 + one.share) % 1 < one.share);
            writer.remove(done);
            queued = queued.filter((entry) => !done.includes(entry));
          } else if (one.kind === 'stage') {
            staged = one.size;
            writer.saveStaged([{ fieldId: 'a', value: 'y'.repeat(staged) }]);
          } else {
            process.kill();
            process = setting.machine.start();
            writer = setting.open(process, { durability: 'process' });
            const { entries } = await adoptAll(writer);
            expect(new Set(entries)).toEqual(new Set(queued));
            [next, staged, queued] = [1, 0, [...entries]];
          }
          const bytes = queued.reduce((sum, { values }) => sum + values.length + 64, 160);
          for (const name of setting.journals()) {
            const { size } = fs.statSync(join(setting.folder, name));
            expect(size).toBeLessThanOrEqual(64 * 1024 + 2 * bytes + staged);
          }
        }
        writer.close();
        fs.rmSync(setting.folder, { recursive: true });
      }),
      { numRuns: 100 },
    );
  });

  test('stays bounded while values are staged again and again', () => {
    const { open, journal } = setUp();
    const writer = open();
    for (let round = 0; round < 3000; round++) writer.saveStaged([{ fieldId: 'a', value: `${round}`.repeat(20) }]);
    expect(fs.statSync(journal()).size).toBeLessThanOrEqual(64 * 1024 + 1000);
  });

  test('is rewritten now and then, not at every removal, however short the values', () => {
    const setting = setUp();
    const process = setting.machine.start();
    const { counting, count } = countingCalls(process.fs, 'renameSync');
    const writer = setting.open({ ...process, fs: counting }, { durability: 'process' });
    for (let sequence = 1; sequence <= 10_000; sequence++) writer.save(entryOf(writer, sequence, 1), false);
    for (let sequence = 1; sequence < 10_000; sequence += 50) {
      writer.remove(Array.from({ length: 50 }, (_, index) => entryOf(writer, sequence + index, 1)));
      writer.saveStaged([{ fieldId: 'a', value: sequence }]);
    }
    expect(count()).toBeLessThan(20);
  });

  test('one append per commit, whatever its number of values', () => {
    const setting = setUp();
    const process = setting.machine.start();
    const { counting, count } = countingCalls(process.fs, 'writeSync');
    const writer = setting.open({ ...process, fs: counting });
    for (let sequence = 1; sequence <= 10; sequence++)
      writer.save(entryOf(writer, sequence, 'x'.repeat(sequence * 1000)), false);
    expect(count()).toBe(10);
  });

  test('after a compaction everything that was queued is still there', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const writer = setting.open(process);
    const entries = Array.from({ length: 2000 }, (_, index) => entryOf(writer, index + 1, 'y'.repeat(80)));
    for (const entry of entries) writer.save(entry, false);
    const before = fs.statSync(setting.journal()).ino;
    writer.remove(entries.slice(0, 1990));
    expect(fs.statSync(setting.journal()).ino).not.toBe(before);
    process.kill();
    expect((await adoptAll(setting.open())).entries).toEqual(entries.slice(1990));
  });

  test('F25 a crash at any step of a compaction leaves the old file or the new one', { timeout: 60_000 }, async () => {
    for (let step = 0; ; step++) {
      const setting = setUp();
      const process = setting.machine.start();
      let left = Number.POSITIVE_INFINITY;
      const crashing = new Proxy(process.fs, {
        get: (real, name) => {
          const member = Reflect.get(real, name) as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => {
            left -= 1;
            if (left < 0) throw Object.assign(new Error('crashed'), { code: 'ECRASH' });
            return member(...args);
          };
        },
      });
      const writer = setting.open({ ...process, fs: crashing });
      const entries = Array.from({ length: 100 }, (_, index) => entryOf(writer, index + 1, 'y'.repeat(800)));
      for (const entry of entries) writer.save(entry, false);
      left = step;
      try {
        writer.remove(entries.slice(0, 90));
      } catch {
        // The process ends here.
      }
      const isOver = left >= 0;
      process.kill();
      const { entries: adopted } = await adoptAll(setting.open());
      expect([100, 10]).toContain(adopted.length);
      expect(adopted.slice(-10)).toEqual(entries.slice(90));
      if (isOver) break;
    }
  });

  test('F25 what a crash leaves of a compaction is cleared away when the file is taken over', async () => {
    const setting = setUp();
    leave(setting);
    fs.writeFileSync(`${setting.journal()}.tmp`, 'half of it');
    await adoptAll(setting.open());
    expect(fs.readdirSync(setting.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('removing', () => {
  test('an entry named twice counts once: what others still want stays', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const writer = setting.open(process);
    for (const sequence of [1, 2]) writer.save(entryOf(writer, sequence), false);
    writer.remove([entryOf(writer, 1), entryOf(writer, 1)]);
    process.kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });
});

test.each([[undefined], [''], [null], [5]])('fileStorage refuses %o as its folder', (folder) => {
  expect(() => fileStorage(folder as string)).toThrow(/directory must be the path of a folder, got/);
});

test.each([{ durability: 'proces' }, { durabillity: 'power' }, null, 'power'])(
  'fileStorage refuses %o as its options',
  (options) => {
    expect(() => fileStorage('/nowhere', options as never)).toThrow(ConfigException);
  },
);

describe('F26 who owns a file', () => {
  test('a stopped owner is not robbed, however long it says nothing', async () => {
    const setting = setUp();
    // Its timers don't fire.
    const stopped = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, stopped);
    writer.save(entryOf(writer, 1), false);
    const other = setting.open();
    for (let minute = 0; minute < 20; minute++) {
      expect((await other.adopt(false)).entries).toEqual([]);
      await setting.clock.advance(60_000);
    }
  });

  test('a pid that another process has now does not hold back what the dead one left', async () => {
    const setting = setUp();
    const { left } = leave(setting);
    const pid = Number(setting.journals()[0]?.split('_')[3]);
    setting.machine.start(undefined, pid, 'later');
    expect((await adoptAll(setting.open())).entries).toEqual(left);
  });

  test.each([
    ['another pid namespace', (setting: ReturnType<typeof setUp>) => setting.machine.start('4026531999')],
    [
      'another boot',
      (setting: ReturnType<typeof setUp>) => {
        setting.machine.boot = 'boot2';
        return setting.machine.start();
      },
    ],
  ])('one of %s is dead after three minutes without a sign, and not before', async (_what, start) => {
    const setting = setUp();
    const { left } = leave(setting);
    const platform = start(setting);
    const clock = new FakeClock(0);
    const other = fileStorage(setting.folder, {}, platform).open(binding, clock);
    expect((await other.adopt(true)).entries).toEqual([]);
    for (let look = 0; look < 5; look++) {
      await clock.advance(30_000);
      // Wall clocks say nothing.
      clock.jump(10 * 365 * 86_400_000);
      expect((await other.adopt(false)).entries).toEqual([]);
    }
    await clock.advance(30_000);
    expect((await other.adopt(false)).entries).toEqual(left);
  });

  test('one that cannot be looked up, but lives, shows it once a minute and is not robbed', async () => {
    const setting = setUp();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), false);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    for (let look = 0; look < 30; look++) {
      expect((await other.adopt(false)).entries).toEqual([]);
      await setting.clock.advance(30_000);
    }
  });

  test('one that was presumed dead and wakes up loses nothing that it commits then', async () => {
    const setting = setUp();
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
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });

  test('one that was presumed dead and is closed before it has seen that leaves no timer behind', async () => {
    const setting = setUp();
    const ownClock = new FakeClock();
    const writer = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, ownClock);
    writer.save(entryOf(writer, 1), false);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(1);
    writer.close();
    expect(ownClock.timers).toBe(0);
  });

  test('one that was presumed dead and wakes up is told what is no longer its own, and has a new id', async () => {
    const setting = setUp();
    const { left } = leave(setting);
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
      kind: 'taken',
      writers: new Set([left[0]?.writer, before]),
      isStagedTaken: false,
    });
    expect(writer.check()).toBeUndefined();
    expect(writer.id).not.toBe(before);
    other.close();
    // Still staged by the one that lives: they don't come back.
    expect((await adoptAll(setting.open())).staged).toEqual([]);
  });

  test('one that wakes up while nothing can be written is told so too, and leaves what it had staged to the next start', async () => {
    const setting = setUp();
    const ownClock = new FakeClock();
    const { broken, platform } = failing(setting);
    const writer = fileStorage(setting.folder, {}, platform).open(binding, ownClock);
    writer.save(entryOf(writer, 1), false);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    const { id } = writer;
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toHaveLength(1);
    broken.writeSync = fail('EIO') as never;
    ownClock.jump(300_000);
    expect(writer.check()).toEqual({ kind: 'taken', writers: new Set([id]), isStagedTaken: true });
    expect(writer.id).not.toBe(id);
    other.close();
    expect((await adoptAll(setting.open())).staged).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('one that wakes up hands out nothing of a file that another took meanwhile', async () => {
    const setting = setUp();
    const ownClock = new FakeClock();
    const storage = fileStorage(setting.folder, {}, setting.machine.start());
    const [writer, neighbour] = [storage.open(binding, ownClock), storage.open(otherBindings[0] as Binding, ownClock)];
    await writer.adopt(true);
    const { left } = leave(setting);
    // It finds the file, for both of them.
    expect((await neighbour.adopt(true)).entries).toEqual([]);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toEqual(left);
    ownClock.jump(300_000);
    expect((await writer.adopt(false)).entries).toEqual([]);
  });

  test('one that wakes up puts nothing in the place of a file that another took, however large it has become', async () => {
    const setting = setUp();
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

  test('one that wakes up when the other has sent everything already is told so', async () => {
    const setting = setUp();
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
    expect(writer.check()).toMatchObject({ kind: 'taken', writers: new Set([id]) });
  });

  test('one that wakes up when the other has rewritten its file, and sent everything, is told so', async () => {
    const setting = setUp();
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
    expect(writer.check()).toMatchObject({ kind: 'taken', writers: new Set([id]) });
  });

  test('one whose file was deleted, by nobody that adopts it, saves all that is queued again', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.save(entryOf(writer, 1), false);
    fs.rmSync(setting.folder, { recursive: true });
    await setting.clock.advance(60_000);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(writer.check()).toBeUndefined();
    process.kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('one whose file was deleted says nothing and saves nothing again once it is closed', () => {
    const setting = setUp();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), false);
    fs.rmSync(setting.journal());
    writer.close();
    expect(setting.journals()).toHaveLength(1);
    expect(writer.check()).toBeUndefined();
    writer.saveAgain([entryOf(writer, 1)]);
    expect(setting.journals()).toHaveLength(1);
  });

  test('what is saved again in a new file would be there after a power cut', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const synced: string[] = [];
    const paths = new Map<number, string>();
    const openSync: FileSystem['openSync'] = (path, flags) => {
      const fd = process.fs.openSync(path, flags);
      paths.set(fd, String(path));
      return fd;
    };
    const fsyncSync: FileSystem['fsyncSync'] = (fd) => {
      process.fs.fsyncSync(fd);
      if (paths.get(fd) === setting.folder) synced.push(...setting.journals());
    };
    const writer = setting.open({ ...process, fs: { ...process.fs, openSync, fsyncSync } });
    writer.save(entryOf(writer, 1), false);
    fs.rmSync(setting.folder, { recursive: true });
    await setting.clock.advance(60_000);
    expect(synced).toContain(setting.journals()[0]);
  });

  test('one whose folder was deleted before anything was promised saves in a new one at once', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    fs.rmSync(setting.folder, { recursive: true });
    writer.save(entryOf(writer, 1), true);
    process.kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('an owner that has pushed everything and is idle is not robbed of its empty file', async () => {
    const setting = setUp();
    const owner = setting.machine.start();
    const writer = fileStorage(setting.folder, {}, owner).open(binding, setting.clock);
    writer.save(entryOf(writer, 1), false);
    writer.remove([entryOf(writer, 1)]);
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, setting.clock);
    expect(await adoptWhenSilent(other, setting.clock)).toEqual([]);
    writer.save(entryOf(writer, 2), false);
    owner.kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });

  test('an empty file that was taken all the same is not written to', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const writer = setting.open(process);
    writer.save(entryOf(writer, 1), false);
    writer.remove([entryOf(writer, 1)]);
    fs.rmSync(setting.journal());
    writer.save(entryOf(writer, 2), false);
    process.kill();
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(writer, 2)]);
  });

  test.each(['EMFILE', 'EACCES', 'EIO'])('one that /proc will not tell of (%s) is not taken for dead', async (code) => {
    const setting = setUp();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), false);
    const { broken, platform } = failing(setting);
    const other = setting.open(platform);
    const read = platform.fs.readFileSync;
    broken.readFileSync = ((path: string) => (/^.proc.\d/.test(path) ? fail(code)() : read(path))) as never;
    expect((await other.adopt(true)).entries).toEqual([]);
  });

  test('one that /proc hides is not taken for dead while a signal would reach it', async () => {
    const setting = setUp();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), false);
    const { broken, platform } = failing(setting);
    const other = setting.open(platform);
    const read = platform.fs.readFileSync;
    broken.readFileSync = ((path: string) => (/^.proc.\d/.test(path) ? fail('ENOENT')() : read(path))) as never;
    expect((await other.adopt(true)).entries).toEqual([]);
  });

  test('a pause of everybody is no silence: whoever wakes first takes nothing', async () => {
    const setting = setUp();
    const owner = fileStorage(setting.folder, {}, setting.machine.start()).open(binding, new FakeClock());
    owner.save(entryOf(owner, 1), false);
    const clock = new FakeClock();
    const other = fileStorage(setting.folder, {}, setting.machine.start('4026531999')).open(binding, clock);
    await other.adopt(true);
    await clock.advance(600_000);
    expect((await other.adopt(false)).entries).toEqual([]);
  });

  test('a journal that cannot be opened once it is renamed gets its name back, and is taken later', async () => {
    const setting = setUp();
    const { left } = leave(setting);
    const name = setting.journals()[0];
    const { broken, platform } = failing(setting);
    const other = setting.open(platform);
    broken.openSync = fail('EIO') as never;
    expect((await other.adopt(true)).entries).toEqual([]);
    expect(setting.journals()).toEqual([name]);
    delete broken.openSync;
    expect((await other.adopt(false)).entries).toEqual(left);
  });

  test('what one Api closes and leaves in a shared file others can take, whatever the living have in it', async () => {
    const setting = setUp();
    const storage = fileStorage(setting.folder, {}, setting.machine.start());
    const [left, living] = [
      storage.open(binding, setting.clock),
      storage.open(otherBindings[0] ?? binding, setting.clock),
    ];
    left.save(entryOf(left, 1), false);
    living.save(entryOf(living, 1), false);
    living.saveStaged([{ fieldId: 'a', value: 1 }]);
    left.close();
    await setting.clock.advance(0);
    expect((await adoptAll(setting.open())).entries).toEqual([entryOf(left, 1)]);
    living.save(entryOf(living, 2), true);
    expect(setting.journals()).toHaveLength(2);
  });

  test('Apis that are closed in a row leave one file', async () => {
    const setting = setUp();
    const storage = fileStorage(setting.folder, {}, setting.machine.start());
    const writers = [1, 2, 3].map(() => storage.open(binding, setting.clock));
    for (const writer of writers) writer.save(entryOf(writer, 1), false);
    for (const writer of writers) writer.close();
    await setting.clock.advance(0);
    expect(setting.journals()).toHaveLength(1);
    expect((await adoptAll(setting.open())).entries).toHaveLength(3);
  });

  test('close and open again in one process', async () => {
    const setting = setUp();
    const process = setting.machine.start();
    const storage = fileStorage(setting.folder, {}, process);
    const first = storage.open(binding, setting.clock);
    first.save(entryOf(first, 1), false);
    first.close();
    expect(setting.journals()[0]).toMatch(/_free_/);
    const second = storage.open(binding, setting.clock);
    expect((await adoptAll(second)).entries).toEqual([entryOf(first, 1)]);
    expect(setting.journals()[0]).not.toMatch(/_free_/);
  });

  test('a file with entries for another device too is given back once its own are done, and theirs are not touched', async () => {
    const setting = setUp();
    const dead = setting.machine.start();
    const storage = fileStorage(setting.folder, {}, dead);
    const [mine, theirs] = [
      storage.open(binding, setting.clock),
      storage.open(otherBindings[0] ?? binding, setting.clock),
    ];
    mine.save(entryOf(mine, 1), false);
    theirs.save(entryOf(theirs, 1), false);
    dead.kill();
    const next = setting.open();
    const { entries } = await adoptAll(next);
    expect(entries).toEqual([entryOf(mine, 1)]);
    expect(setting.journals()[0]).not.toMatch(/_free_/);
    next.remove(entries);
    expect(setting.journals()[0]).toMatch(/_free_/);
    // Not at the first look, as an Api for them may be opened next.
    expect((await next.adopt(false)).warnings).toEqual([]);
    const { warnings } = await next.adopt(false);
    expect(warnings).toMatchObject([
      { code: 'entries-waiting', message: expect.stringContaining(otherBindings[0]?.deviceId ?? '') },
    ]);
    const other = fileStorage(setting.folder, {}, setting.machine.start()).open(
      otherBindings[0] ?? binding,
      setting.clock,
    );
    expect((await adoptAll(other)).entries).toEqual([entryOf(theirs, 1)]);
  });

  test('any number of writers share one file', () => {
    const setting = setUp();
    const storage = fileStorage(setting.folder, { durability: 'process' }, setting.machine.start());
    for (let count = 0; count < 100; count++) {
      const writer = storage.open({ ...binding, deviceId: `device ${count}` }, setting.clock);
      writer.save(entryOf(writer, 1), false);
    }
    expect(setting.journals()).toHaveLength(1);
    expect(setting.clock.timers).toBe(1);
  });

  test('nothing is left of a run that left nothing', () => {
    const setting = setUp();
    const writer = setting.open();
    writer.save(entryOf(writer, 1), false);
    writer.remove([entryOf(writer, 1)]);
    writer.close();
    expect(fs.readdirSync(setting.folder)).toEqual([]);
    expect(setting.clock.timers).toBe(0);
  });
});
