import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStorage } from '../../../src/node.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import {
  adoptAtStart,
  failingProcess,
  fileError,
  journalFolder,
  leaveJournal,
} from '../../support/fakes/journal-folder.js';

describe('a compaction', () => {
  test('keeps every queued entry', async () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const writer = setting.open(process);
    const entries = Array.from({ length: 2000 }, (_, index) => entryOf(writer, index + 1, 'y'.repeat(80)));
    for (const entry of entries) writer.save(entry, { clearsStaged: false });
    const before = fs.statSync(setting.journal()).ino;
    writer.remove(entries.slice(0, 1990));
    expect(fs.statSync(setting.journal()).ino).not.toBe(before);
    process.kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual(entries.slice(1990));
  });

  test('F25 that is cut short at any step leaves the old file or the new one', { timeout: 60_000 }, async () => {
    for (let step = 0; ; step++) {
      const setting = journalFolder();
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
      for (const entry of entries) writer.save(entry, { clearsStaged: false });
      left = step;
      try {
        writer.remove(entries.slice(0, 90));
      } catch {
        // The process ends here.
      }
      const isOver = left >= 0;
      process.kill();
      const { entries: adopted } = await adoptAtStart(setting.open());
      expect([100, 10]).toContain(adopted.length);
      expect(adopted.slice(-10)).toEqual(entries.slice(90));
      if (isOver) break;
    }
  });

  test('F25 that crashed leaves a temporary file, which is deleted when the journal is adopted', async () => {
    const setting = journalFolder();
    leaveJournal(setting);
    fs.writeFileSync(`${setting.journal()}.tmp`, 'half of it');
    await adoptAtStart(setting.open());
    expect(fs.readdirSync(setting.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a rewrite of a journal that fails on a full disk', () => {
  function fillDisk() {
    const folder = temporaryFolder();
    const { broken, platform } = failingProcess(new FakeMachine());
    const clock = new FakeClock();
    const writer = fileStorage(folder, { durability: 'process' }, platform).open(destination, clock);
    // The disk has 32 KiB left for a second file.
    const temporaries = new Set<unknown>();
    broken.openSync = ((path: string, flags: string) => {
      const fd = fs.openSync(path, flags);
      if (path.endsWith('.tmp')) temporaries.add(fd);
      else temporaries.delete(fd);
      return fd;
    }) as FileSystem['openSync'];
    broken.writeSync = ((fd: number, data: Buffer, ...rest: number[]) => {
      if (!temporaries.has(fd)) return fs.writeSync(fd, data, ...rest);
      if (fs.fstatSync(fd).size > 0) throw fileError('ENOSPC');
      return fs.writeSync(fd, data, 0, Math.min(data.length, 32 * 1024));
    }) as FileSystem['writeSync'];
    const entries = Array.from({ length: 300 }, (_, index) => entryOf(writer, index + 1, 'x'.repeat(1000)));
    for (const entry of entries) writer.save(entry, { clearsStaged: false });
    for (const entry of entries.slice(0, 250)) writer.remove([entry]);
    return { folder, writer };
  }

  const left = (folder: string) =>
    fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.tmp'))
      .map((name) => fs.statSync(join(folder, name)).size);

  test('keeps no temporary file', () => {
    const { folder } = fillDisk();
    expect(left(folder)).toEqual([]);
  });

  test('leaves no file once everything is removed', async () => {
    const { folder, writer } = fillDisk();
    writer.close();
    const next = fileStorage(folder, {}, new FakeMachine().start()).open(destination, new FakeClock());
    const { entries: adopted } = await next.adopt({ isFirst: true });
    expect(adopted).toHaveLength(50);
    next.remove(adopted);
    next.close();
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

test('a compaction in place of the journal of an earlier run is synced before it is truncated: entries synced by that run stay', async () => {
  const folder = temporaryFolder();
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const dead = machine.start();
  const left = fileStorage(folder, { durability: 'power' }, dead).open(destination, clock);
  const entries = [1, 2, 3, 4, 5, 6].map((sequence) => entryOf(left, sequence));
  for (const entry of entries) left.save(entry, { clearsStaged: false });
  dead.kill();
  const { broken, platform } = failingProcess(machine);
  const calls: string[] = [];
  const writer = fileStorage(folder, { durability: 'process' }, platform).open(destination, clock);
  await writer.adopt({ isFirst: true });
  let isFull = true;
  const real: Pick<FileSystem, 'fsyncSync' | 'fdatasyncSync' | 'ftruncateSync'> = fs;
  for (const name of ['fsyncSync', 'fdatasyncSync', 'ftruncateSync'] as const) {
    broken[name] = ((...args: [number]) => {
      calls.push(name);
      return real[name](...args);
    }) as never;
  }
  broken.writeSync = ((fd: number, data: unknown, ...rest: number[]) => {
    if (typeof data === 'string' && isFull) throw fileError('ENOSPC');
    calls.push(rest.length === 3 && rest[2] !== null ? 'overwrite' : 'write');
    return (fs.writeSync as (...a: unknown[]) => number)(fd, data, ...rest);
  }) as FileSystem['writeSync'];
  writer.remove(entries.slice(0, 3));
  isFull = false;
  const overwrite = calls.lastIndexOf('overwrite');
  expect(overwrite).toBeGreaterThanOrEqual(0);
  const after = calls.slice(overwrite + 1);
  const cut = after.indexOf('ftruncateSync');
  expect(after.slice(0, cut).some((name) => name.includes('sync'))).toBe(true);
});
