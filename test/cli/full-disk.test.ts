import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Folder } from '../../src/cli/folder/folder.js';
import { committingStorage } from '../../src/cli/folder/folder-storage.js';
import { pushingStorage } from '../../src/cli/folder/pushing-writer.js';
import type { StoredEntry } from '../../src/core/model/entry.js';
import type { Writer } from '../../src/core/ports/storage.js';
import { SystemClock } from '../../src/platform/system-clock.js';
import { destination } from '../support/builders/stored-entry.js';
import { describeOnSmallDisk } from '../support/disks/small-disk.js';
import { type CommandResult, call, commandServer, environmentFor } from '../support/processes/command.js';
import { storedTexts } from '../support/servers/emulator.js';

const env = environmentFor('http://127.0.0.1:9/api/v1/');
const LARGE = 'x'.repeat(20_000);

describeOnSmallDisk('on a full disk', (mountDisk) => {
  async function fill(folder: string, options: object): Promise<void> {
    await call(folder, ['init'], env);
    const path = join(folder, '.nikdev-iot', 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...config, ...options }));
    let last: CommandResult;
    let count = 0;
    do {
      count += 1;
      last = await call(folder, ['add', `a=${count}${LARGE}`, '-c'], env);
    } while (last.code === 0 && last.stderr === '' && count < 10);
    expect(count).toBeLessThan(10);
  }

  async function values(folder: string): Promise<number[]> {
    const lines = (await call(folder, ['log', '--json'], env)).stdout.split('\n').filter(Boolean);
    return lines.map((line) => Number.parseInt(/"value":"(\d+)/.exec(line)?.[1] ?? '', 10)).reverse();
  }

  test('a commit is refused, and what was committed stays', async () => {
    const folder = mountDisk(96);
    await fill(folder, {});
    const before = await values(folder);
    const { code, stderr } = await call(folder, ['add', `a=9${LARGE}`, '-c'], env);
    expect(code).toBe(75);
    expect(stderr).toMatch(/ENOSPC/);
    expect(await values(folder)).toEqual(before);
    const { staged } = JSON.parse((await call(folder, ['status', '--json'], env)).stdout) as { staged: number };
    // The message is true: the values are staged, or nothing was changed.
    expect(stderr).toMatch(staged > 0 ? /The values are still staged/ : /Nothing was changed by this call/);
    expect(stderr).not.toMatch(staged > 0 ? /Nothing was changed/ : /still staged/);
  });

  test('add -cp pushes, then commits what was refused', async () => {
    const { emulator, env: online } = await commandServer();
    const folder = mountDisk(96);
    const added = async (value: number, flags: string): Promise<CommandResult> =>
      call(folder, ['add', `a=${value}${LARGE}`, flags], online);
    let count = 1;
    while ((await added(count, '-c')).code === 0) count += 1;
    expect(count).toBeGreaterThan(1);
    expect(await added(count, '-cp')).toMatchObject({ code: 0, stderr: '' });
    const stored = storedTexts(emulator).map((value) => Number.parseInt(String(value), 10));
    expect(stored).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  test.each(['drop-oldest', 'thin'])(
    'a commit makes room with "%s", and drops no more than needed',
    async (overflow) => {
      const folder = mountDisk(96);
      await fill(folder, { overflow });
      const before = await values(folder);
      for (const value of [21, 22, 23]) {
        const { code, stderr } = await call(folder, ['add', `a=${value}${LARGE}`, '-c'], env);
        expect(stderr).toMatch(/^(1 entry discarded: the disk is full .*\n)+$/);
        expect(code).toBe(0);
      }
      const after = await values(folder);
      expect(after.length).toBeGreaterThanOrEqual(before.length - 1);
      expect(after.at(-1)).toBe(23);
    },
  );

  test('ids are never used twice', async () => {
    const folder = mountDisk(96);
    await fill(folder, { overflow: 'drop-oldest' });
    const ids = new Set<string>();
    for (let value = 1; value <= 6; value++) {
      const { stdout } = await call(folder, ['add', `a=${value}${LARGE}`, '-c', '--json'], env);
      ids.add((JSON.parse(stdout) as { id: string }).id);
    }
    expect(ids.size).toBe(6);
  });

  test('no id is drawn from an older commit that stands at the end once a newer one was removed', async () => {
    const folder = new Folder(join(mountDisk(96), 'folder'));
    const commit = (text: string): StoredEntry => {
      const writer = committingStorage(folder, { problems: {} }).open(destination, clock);
      return save(writer, (writer.lastSequence ?? 0) + 1, text);
    };
    commit('older');
    const newer = commit('newer');
    const held = folder.pushLock.acquire(0);
    const pusher = pushingStorage(folder, { held }).open(destination, clock);
    const { entries } = await pusher.adopt({ isFirst: true });
    expect(() => save(pusher, 1, LARGE.repeat(5))).toThrow(/full/);
    pusher.remove(entries.slice(1));
    pusher.close();
    held.release();
    const next = commit('next');
    expect([next.writer, next.sequence]).not.toEqual([newer.writer, newer.sequence]);
  });
});

const clock = new SystemClock();

function save(writer: Writer, sequence: number, text: string): StoredEntry {
  const values = JSON.stringify([{ a: text }]);
  const entry = { writer: writer.id, sequence, timestamp: 1, values, bytes: values.length };
  writer.save(entry, { clearsStaged: true });
  return entry;
}
