import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Folder } from '../../src/cli/folder/folder.js';
import type { Emulator } from '../../src/emulator.js';
import { Api, memoryStorage } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandResult, call, commandServer } from '../support/processes/command.js';
import { storedTexts } from '../support/servers/emulator.js';

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

const does = (...args: string[]): Promise<CommandResult> => call(folder, args, env);
const linesOf = ({ stdout }: CommandResult): unknown[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);

describe('with --json', () => {
  test.each([
    [['init'], 0, { folder: expect.any(String) }],
    [['add', 'a=1'], 0, { staged: 2 }],
    [['add', 'a=1', '-c'], 0, { id: expect.any(String), values: 2 }],
    [['commit'], 0, { id: expect.any(String), values: 1 }],
    [['add', 'a=1', '-cp'], 0, { id: expect.any(String), pushed: 2, committed: 0 }],
    [['push'], 0, { pushed: 1, committed: 0 }],
    [['status'], 0, { staged: 1, committed: 1 }],
    [['log'], 0, { id: expect.any(String), values: [{ fieldId: 'b', value: 1 }] }],
    [['log', '-n', 'x'], 2, { error: { message: expect.stringContaining('-n must be') } }],
    [['quarantine'], 0, undefined],
    [['quarantine', 'show', 'x'], 2, { error: { message: expect.stringContaining('"x"') } }],
    [['quarantine', 'restore'], 0, { restored: 0 }],
    [['quarantine', 'drop', '--yes'], 0, { dropped: 0 }],
    [['reset'], 0, { values: 1 }],
    [['reset', '--queue', '--yes'], 0, { entries: 1 }],
    [['get', 'a'], 0, []],
    [['test'], 0, { reachable: true, canWrite: true }],
    [['logout'], 0, { removed: false }],
    [['psuh'], 2, { error: { message: "unknown command 'psuh'", advice: expect.stringContaining('help') } }],
    [['push', '--nwo'], 2, { error: { message: "unknown option '--nwo'" } }],
    [['add'], 2, { error: { message: expect.stringContaining('missing required argument') } }],
  ])('%j prints JSON and nothing else, wherever the option stands', async (args, code, printed) => {
    for (const line of [
      [...args, '--json'],
      ['--json', ...args],
    ]) {
      folder = temporaryFolder();
      await does('add', 'b=1', '-c');
      await does('add', 'b=2');
      const result = await does(...line);
      expect(result.code).toBe(code);
      expect(linesOf(result)).toMatchObject(printed === undefined ? [] : [printed]);
      await does('push');
    }
  });

  test('a call without a command is an error like others', async () => {
    const { code, stdout } = await call(folder, ['--json'], env);
    expect({ code, error: JSON.parse(stdout).error.message }).toEqual({ code: 2, error: 'there is no command' });
  });

  test('the id of a commit is printed where its push fails', async () => {
    emulator.script({ status: 503 });
    const [printed] = linesOf(await does('add', 'a=1', '-cp', '--json'));
    expect(printed).toMatchObject({ id: expect.any(String), committed: 1, error: { status: 503 } });
  });

  test('the id of a commit is printed where another process pushes', async () => {
    await does('add', 'a=1', '-c');
    const held = new Folder(join(folder, '.nikdev-iot')).pushLock.acquire();
    const result = await does('add', 'a=2', '-cp', '--json');
    held.release();
    expect(result.code).toBe(75);
    expect(linesOf(result)).toMatchObject([
      { id: expect.any(String), error: { message: expect.stringContaining('is pushing from') } },
    ]);
    await does('push');
    expect(storedTexts(emulator)).toEqual([1, 2]);
  }, 60_000);

  test('the status has the keys of that of an Api', async () => {
    await does('add', 'a=1', '-cp');
    emulator.script({ status: 503 });
    await does('add', 'a=2', '-cp');
    const [status] = linesOf(await does('status', '--json'));
    const api = new Api({ ...credentials, baseUrl: env['NIKDEV_URL'] ?? '', storage: memoryStorage() });
    const known = api.status();
    await api.close();
    const isDefined = (name: string): boolean => known[name as keyof typeof known] !== undefined;
    expect(Object.keys(known)).toEqual(expect.arrayContaining(Object.keys(status as object)));
    expect(Object.keys(status as object)).toEqual(
      expect.arrayContaining([...Object.keys(known).filter(isDefined), 'lastPush', 'lastException', 'nextTry']),
    );
  });
});

test('the status shows what waits, since when, what failed, what to do and when to push', async () => {
  emulator.script({ status: 503, headers: { 'Retry-After': '600' } });
  await does('add', 'a=1', '-cp');
  const { code, stdout } = await does('status');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Queued +1 entry since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+ bytes\)$/m);
  expect(stdout).toMatch(/^Failed +Bad luck: .*503/m);
  expect(stdout).toMatch(/^To do +\S/m);
  expect(stdout).toMatch(/^Next push +not before \d{4}-.*--now/m);
  expect(readFileSync(join(folder, '.nikdev-iot', 'push.json'), 'utf8')).toContain('"retryAfter":600');
});
