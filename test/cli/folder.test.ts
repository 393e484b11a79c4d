import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Folder } from '../../src/cli/folder/folder.js';
import { JOURNAL } from '../../src/cli/folder/folder-journal.js';
import { FolderLock } from '../../src/cli/folder/folder-lock.js';
import { committingStorage, type Problems } from '../../src/cli/folder/folder-storage.js';
import { pushingStorage } from '../../src/cli/folder/pushing-writer.js';
import type { StoredEntry } from '../../src/core/model/entry.js';
import type { Writer } from '../../src/core/ports/storage.js';
import { SystemClock } from '../../src/platform/system-clock.js';
import { type FilePlatform, systemPlatform } from '../../src/storage/file/journal/file-system.js';
import { journalName } from '../../src/storage/file/journal/journal-name.js';
import { SafeFiles } from '../../src/storage/file/journal/safe-files.js';
import { encodeOwner } from '../../src/storage/file/ownership/process-identity.js';
import { destination } from '../support/builders/stored-entry.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';

const clock = new SystemClock();
const FIRST = { isFirst: true };

let path: string;
const journalPath = (): string => join(path, journalName(JOURNAL));
beforeEach(() => {
  path = join(temporaryFolder(), 'folder');
});

const committing = (folder: Folder, problems: Problems = {}): Writer =>
  committingStorage(folder, { problems }).open(destination, clock);

function pushing(folder: Folder): Writer {
  const held = folder.pushLock.acquire(0);
  const writer = pushingStorage(folder, { held }).open(destination, clock);
  const close = writer.close.bind(writer);
  writer.close = () => {
    close();
    held.release();
  };
  return writer;
}

const entryOf = (writer: Writer, sequence: number, text = '[{"a":1}]'): StoredEntry => ({
  writer: writer.id,
  sequence,
  timestamp: 1,
  values: text,
  bytes: text.length,
});

/** Commits as a call of its own does. */
function commit(folder: Folder, text?: string): StoredEntry {
  const writer = committing(folder);
  const entry = entryOf(writer, (writer.lastSequence ?? 0) + 1, text);
  writer.save(entry, { clearsStaged: true });
  writer.close();
  return entry;
}

const ids = (entries: readonly StoredEntry[]): string[] =>
  entries.map(({ writer, sequence }) => `${writer}-${sequence}`);

describe('commits of calls', () => {
  test('go on with the writer of the call before', async () => {
    const folder = new Folder(path);
    const entries = [commit(folder), commit(new Folder(path)), commit(new Folder(path))];
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    const writer = pushing(new Folder(path));
    expect(ids((await writer.adopt(FIRST)).entries)).toEqual(ids(entries));
    writer.close();
  });

  test('never use an id twice, whatever a push has removed, quarantined or rewritten', async () => {
    const used = new Set<string>();
    const use = (): void => {
      const [id = ''] = ids([commit(new Folder(path), `[{"a":"${'x'.repeat(20_000)}"}]`)]);
      expect(used).not.toContain(id);
      used.add(id);
    };
    for (let round = 0; round < 6; round++) {
      for (let count = 0; count < 4; count++) use();
      const writer = pushing(new Folder(path));
      const { entries } = await writer.adopt(FIRST);
      // The newest go first: the oldest stay at the end of the journal.
      writer.remove(entries.slice(1));
      if (round === 3) writer.remove(entries);
      use();
      writer.close();
      use();
    }
  });

  test('read a small part of the journal, whatever its length', () => {
    const folder = new Folder(path);
    for (let count = 0; count < 30; count++) commit(folder, `[{"a":"${'x'.repeat(10_000)}"}]`);
    let bytes = 0;
    const readSync = (...args: unknown[]): number => {
      const count = (fs.readSync as (...given: unknown[]) => number)(...args);
      bytes += count;
      return count;
    };
    const platform: FilePlatform = { ...systemPlatform(), fs: { ...fs, readSync: readSync as typeof fs.readSync } };
    commit(new Folder(path, platform));
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(50_000);
  });

  test('begin a new writer behind a torn record, and behind one of another destination', async () => {
    const first = commit(new Folder(path));
    fs.appendFileSync(journalPath(), '\n1 0000');
    const second = commit(new Folder(path));
    expect(second.writer).not.toBe(first.writer);
    const other = committingStorage(new Folder(path), { problems: {} }).open(
      { ...destination, baseUrl: 'http://x/' },
      clock,
    );
    expect(other.id).not.toBe(second.writer);
  });

  test('have a destination also where the first try of a call failed', async () => {
    const folder = new Folder(path);
    const writer = committing(folder);
    fs.mkdirSync(journalPath(), { recursive: true });
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: true })).toThrow(/could not be written/);
    fs.rmdirSync(journalPath());
    writer.save(entryOf(writer, 2), { clearsStaged: true });
    const reader = pushing(new Folder(path));
    expect((await reader.adopt(FIRST)).entries).toHaveLength(1);
    reader.close();
  });
});

describe('staged values', () => {
  const values = [{ fieldId: 'a', value: 1 }];

  test('are gone once they are committed, also where the call was killed before it could say so', async () => {
    const folder = new Folder(path);
    committing(folder).saveStaged(values);
    expect((await committing(folder).adopt(FIRST)).staged).toEqual(values);
    // Killed right after the append.
    commit(folder);
    expect((await committing(new Folder(path)).adopt(FIRST)).staged).toEqual([]);
  });

  test('stay gone where a push has written behind that commit', async () => {
    const folder = new Folder(path);
    committing(folder).saveStaged(values);
    commit(folder);
    const writer = pushing(new Folder(path));
    const { entries } = await writer.adopt(FIRST);
    writer.remove(entries);
    writer.close();
    expect((await committing(new Folder(path)).adopt(FIRST)).staged).toEqual([]);
  });

  test('stay gone where a long push has written behind a commit of another call', async () => {
    const writer = pushing(new Folder(path));
    await writer.adopt(FIRST);
    const folder = new Folder(path);
    committing(folder).saveStaged(values);
    commit(folder);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.close();
    expect((await committing(new Folder(path)).adopt(FIRST)).staged).toEqual([]);
  });

  test('stay where nothing was committed since, whatever was pushed', async () => {
    const folder = new Folder(path);
    commit(folder);
    committing(folder).saveStaged(values);
    const writer = pushing(new Folder(path));
    writer.remove((await writer.adopt(FIRST)).entries);
    writer.close();
    expect((await committing(new Folder(path)).adopt(FIRST)).staged).toEqual(values);
  });

  test('that can not be saved are reported', () => {
    const problems: Problems = {};
    fs.mkdirSync(path);
    fs.mkdirSync(join(path, 'staged.json.tmp'));
    committing(new Folder(path), problems).saveStaged(values);
    expect(problems.staging).toMatchObject({ name: 'StorageException' });
  });
});

describe('a push', () => {
  test('does not touch entries that others commit meanwhile, and finds them the next time it reads the folder', async () => {
    const first = commit(new Folder(path));
    const writer = pushing(new Folder(path));
    const { entries } = await writer.adopt(FIRST);
    const second = commit(new Folder(path));
    writer.remove(entries);
    expect(ids(entries)).toEqual(ids([first]));
    expect(ids((await writer.adopt({ isFirst: false })).entries)).toEqual(ids([second]));
    expect((await writer.adopt({ isFirst: false })).entries).toEqual([]);
    writer.close();
    const next = pushing(new Folder(path));
    expect(ids((await next.adopt(FIRST)).entries)).toEqual(ids([second]));
    next.close();
  });

  test('empties the journal once everything is stored', async () => {
    for (let count = 0; count < 5; count++) commit(new Folder(path));
    const writer = pushing(new Folder(path));
    writer.remove((await writer.adopt(FIRST)).entries);
    writer.close();
    expect(fs.statSync(journalPath()).size).toBe(0);
  });

  test('keeps the journal short while it goes on for long', async () => {
    const writer = pushing(new Folder(path));
    await writer.adopt(FIRST);
    for (let sequence = 1; sequence <= 1200; sequence++) {
      const entry = entryOf(writer, sequence, `[{"a":"${'x'.repeat(100)}"}]`);
      writer.save(entry, { clearsStaged: false });
      writer.remove([entry]);
    }
    expect(fs.statSync(journalPath()).size).toBeLessThan(150_000);
    writer.close();
  });

  test('keeps quarantined entries, and their reasons', async () => {
    commit(new Folder(path));
    const writer = pushing(new Folder(path));
    const { entries } = await writer.adopt(FIRST);
    const rejection = { status: 400, reason: 'no' };
    writer.quarantine(entries.map((entry) => ({ ...entry, rejection })));
    writer.close();
    const next = pushing(new Folder(path));
    expect((await next.adopt(FIRST)).entries).toMatchObject([{ rejection }]);
    next.close();
  });

  test('saves entries again whose journal was deleted', async () => {
    commit(new Folder(path));
    const writer = pushing(new Folder(path));
    const { entries } = await writer.adopt(FIRST);
    expect(writer.check()).toBeUndefined();
    fs.unlinkSync(journalPath());
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain(entries);
    writer.close();
    const next = pushing(new Folder(path));
    expect(ids((await next.adopt(FIRST)).entries)).toEqual(ids(entries));
    next.close();
  });

  test('reports damaged lines, and sends the others', async () => {
    commit(new Folder(path));
    fs.appendFileSync(journalPath(), '\nnonsense\n');
    commit(new Folder(path));
    const writer = pushing(new Folder(path));
    const { entries, warnings } = await writer.adopt(FIRST);
    expect(entries).toHaveLength(2);
    expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
    writer.close();
  });
});

describe('a lock', () => {
  const DEAD_PID = 2 ** 22 - 1;
  const facts = { pid: DEAD_PID, start: '1' };

  function lockOf(): { lock: FolderLock; files: SafeFiles; name: (boot?: string) => string } {
    const platform = systemPlatform();
    const files = new SafeFiles(platform, path);
    const boot = files.readSystemFile('/proc/sys/kernel/random/boot_id').trim();
    const namespace = /\d+/.exec(files.readSystemLink('/proc/self/ns/pid'))?.[0] ?? '-';
    const processes = { ...platform, openStores: new Set<string>() };
    const name = (of = boot): string => encodeOwner({ ...facts, boot: of, namespace }, 'aaaaaaaaaaaaaaaa');
    return { lock: new FolderLock(files, processes, 'lock'), files, name };
  }

  /** Gives the lock's token to a process. */
  function give(owner: string): void {
    fs.renameSync(join(path, 'lock', 'free'), join(path, 'lock', owner));
  }

  test('is held by one, and free after it', () => {
    const { lock } = lockOf();
    const held = lock.acquire(0.5);
    expect(held.isHeld()).toBe(true);
    expect(() => lockOf().lock.acquire(30)).toThrow(/another nikdev-iot process is using/);
    held.release();
    lockOf().lock.acquire(0).release();
  });

  test('of a dead process is taken at once', () => {
    const { lock, name } = lockOf();
    lock.acquire(30).release();
    give(name());
    lock.acquire(0).release();
  });

  test('of a process that can not be looked up is taken after three minutes without a sign of life', () => {
    const { lock, name } = lockOf();
    lock.acquire(30).release();
    give(name('another boot'));
    expect(() => lock.acquire(0)).toThrow();
    const seen = join(path, 'lock.seen.json');
    const observation = JSON.parse(fs.readFileSync(seen, 'utf8')) as { uptime: number };
    const age = (seconds: number): void =>
      fs.writeFileSync(seen, JSON.stringify({ ...observation, uptime: observation.uptime - seconds }), { mode: 0o600 });
    age(170);
    expect(() => lock.acquire(0)).toThrow();
    age(181);
    const token = join(path, 'lock', name('another boot'));
    // A sign of life: it counts anew.
    fs.utimesSync(token, 1, 1);
    expect(() => lock.acquire(0)).toThrow();
    age(181);
    fs.writeFileSync(seen, JSON.stringify({ ...JSON.parse(fs.readFileSync(seen, 'utf8')), modified: 1000 }));
    lock.acquire(0).release();
  });

  test('has one token, however many begin at once', () => {
    const { lock } = lockOf();
    lock.acquire(30).release();
    const [made] = [lockOf().lock];
    made.acquire(0).release();
    expect(fs.readdirSync(join(path, 'lock'))).toEqual(['free']);
  });
});

describe('the pause after a failed push', () => {
  test('lasts for the call that can not write it down', () => {
    fs.mkdirSync(join(path, 'push.json', 'in-the-way'), { recursive: true });
    const { pushState } = new Folder(path);
    const credentials = { deviceId: 'd', apiKey: 'k', baseUrl: 'https://one.example/' };
    const exception = { name: 'PushException', message: 'Bad luck', advice: '', retryAfter: 60 };
    for (let count = 1; count <= 2; count++) {
      pushState.record({ failure: { kind: 'transient', exception, credentials } });
      expect(pushState.failures).toBe(count);
    }
    expect(pushState.dueAt(credentials)).toBeGreaterThan(Date.now() / 1000 + 50);
  });
});
