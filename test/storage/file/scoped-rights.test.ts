import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Writer } from '../../../src/core/ports/storage.js';
import { fileStorage } from '../../../src/node.js';
import { type FileSystem, systemPlatform } from '../../../src/storage/file/journal/file-system.js';
import { credentials } from '../../support/builders/credentials.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { SCOPED_RUNTIMES } from '../../support/processes/scoped-runtimes.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** A folder below one that others may enter, but not open. Not below /dev, for which Deno wants all rights. */
function belowClosedFolder(): { parent: string; folder: string } {
  const parent = temporaryFolder({ onDisk: true });
  fs.chmodSync(parent, 0o711);
  const folder = join(parent, 'readings');
  fs.mkdirSync(folder);
  return { parent, folder };
}

/** Commits 1, entries that are removed, enough to have the journal rewritten, and 2. @returns Its output. */
async function commitIn(folder: string, command: readonly string[], dist = `${ROOT}dist`): Promise<string> {
  const script = join(folder, 'script.mjs');
  fs.writeFileSync(
    script,
    `import process from 'node:process';
    import { Api } from ${JSON.stringify(`${dist}/index.js`)};
    import { fileStorage } from ${JSON.stringify(`${dist}/node.js`)};
    import * as fs from 'node:fs';
    const files = fileStorage(${JSON.stringify(folder)});
    const storage = { ...files, open: (...given) => (storage.writer = files.open(...given)) };
    const api = new Api({ ...${JSON.stringify(credentials)}, storage, fetch: () => Promise.reject(new Error()) });
    await api.ready;
    const commit = (value) => { api.addValue('t', value); return api.commit(); };
    commit(1);
    const { writer } = storage;
    for (let round = 0; round < 25; round++) {
      const values = JSON.stringify([{ t: 'x'.repeat(4000) }]);
      const entry = { writer: writer.id, sequence: 1000 + round, timestamp: 1, values, bytes: values.length };
      writer.save(entry, { clearsStaged: false });
      writer.remove([entry]);
    }
    commit(2);
    const { size } = fs.statSync(${JSON.stringify(folder)} + '/' + fs.readdirSync(${JSON.stringify(folder)}).find((name) => name.endsWith('.journal')));
    console.log(api.status().durability, size < 70_000, JSON.stringify(api.status().warnings));
    process.exit();`,
  );
  const [program = '', ...args] = [...command, script];
  const { stdout, stderr } = await promisify(execFile)(program, args, { timeout: 60_000 }).catch((error) => error);
  fs.rmSync(script);
  return String(stdout + stderr).trim();
}

/** @param uid - Of which user's files. */
async function adoptFrom(folder: string, uid = process.geteuid?.()): Promise<unknown[]> {
  const clock = new FakeClock();
  const writer = fileStorage(folder, {}, { ...systemPlatform(), uid }).open(
    { ...destination, deviceId: credentials.deviceId },
    clock,
  );
  for (let look = 0; look < 8; look++) {
    const { entries } = await writer.adopt({ isFirst: look === 0 });
    if (entries.length > 0) return entries.map(({ values }) => JSON.parse(values)[0].t);
    await clock.advance(30_000);
  }
  return [];
}

const mayBeNobody = spawnSync(NOBODY[0] ?? '', [...NOBODY.slice(1), process.execPath, '-e', '0']).status === 0;
if (!mayBeNobody) console.warn('"F45 as another user" is skipped, as this one may not become nobody');

describe.skipIf(!mayBeNobody)('F45 as another user', () => {
  test('a folder below one that may not be opened is committed to', { timeout: 90_000 }, async () => {
    const { parent, folder } = belowClosedFolder();
    fs.chownSync(folder, 65_534, 65_534);
    const dist = join(parent, 'package');
    fs.cpSync(`${ROOT}dist`, dist, { recursive: true });
    fs.writeFileSync(join(dist, 'package.json'), '{ "type": "module" }');
    const printed = await commitIn(folder, [...NOBODY, process.execPath], dist);
    expect(printed).toBe('power true []');
    expect(await adoptFrom(folder, 65_534)).toEqual([1, 2]);
  });
});

describe('F45 with rights to the folder only', () => {
  test.each(SCOPED_RUNTIMES)('$name commits to it', { timeout: 90_000 }, async ({ name, command }) => {
    if (command === undefined) {
      console.warn(`"F45 with rights to the folder only: ${name}" is skipped, as it is not installed`);
      return;
    }
    const { folder } = belowClosedFolder();
    expect(await commitIn(folder, command(folder))).toBe('power true []');
    expect(await adoptFrom(folder)).toEqual([1, 2]);
  });
});

const rejections: readonly (readonly [name: string, error: object])[] = [
  ['EACCES', { code: 'EACCES' }],
  ['EPERM', { code: 'EPERM' }],
  ['ERR_ACCESS_DENIED', { code: 'ERR_ACCESS_DENIED' }],
  ['NotCapable', { name: 'NotCapable' }],
];

describe.each(rejections)('F45 where %s is what is missing', (_name, error) => {
  const refuse = () => {
    throw Object.assign(new Error('no right'), error);
  };

  function open(change: (real: FileSystem, folder: string) => Partial<FileSystem>): {
    writer: Writer;
    opened: number[];
  } {
    const { folder } = belowClosedFolder();
    const { fs: real, ...process } = new FakeMachine().start();
    const opened: number[] = [];
    const openSync: FileSystem['openSync'] = (path, flags, mode) => {
      opened.push(Number(flags));
      return real.openSync(path, flags, mode);
    };
    const changed = { ...real, openSync, ...change(real, folder) };
    return { writer: fileStorage(folder, {}, { ...process, fs: changed }).open(destination, new FakeClock()), opened };
  }

  test('the folder above need not be opened', () => {
    const { writer } = open((real, folder) => ({
      openSync: (path, flags) => (String(path) === join(folder, '..') ? refuse() : real.openSync(path, flags)),
    }));
    writer.save(entryOf(writer, 1), { clearsStaged: false });
  });

  test('a folder that is there need not be made', () => {
    const { writer } = open(() => ({ mkdirSync: refuse as never }));
    writer.save(entryOf(writer, 1), { clearsStaged: false });
  });

  test('a file that may not be synced is written through', () => {
    const { writer, opened } = open(() => ({ fsyncSync: refuse, fdatasyncSync: refuse }));
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    expect((opened.at(-2) ?? 0) & fs.constants.O_SYNC).toBe(fs.constants.O_SYNC);
  });
});
