import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { CONFIG_OPTIONS, LEFT_OUT } from '../../src/cli/config/option-table.js';
import { Folder } from '../../src/cli/folder/folder.js';
import type { Emulator } from '../../src/emulator.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandResult, call, commandServer, environmentFor, run, start } from '../support/processes/command.js';
import { asHandler, storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

// Several processes in turn.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

const inFolder = (name: string): string => join(folder, '.nikdev-iot', name);
const does = (...args: string[]): Promise<CommandResult> => call(folder, args, env);
const status = async (): Promise<object> => JSON.parse((await does('status', '--json')).stdout) as object;

const commits = (value: number | string, ...more: string[]): Promise<CommandResult> =>
  does('add', `a=${value}`, '-c', '--json', ...more);

async function committedValues(): Promise<unknown[]> {
  const lines = (await does('log', '--json')).stdout.split('\n').filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { values: { value: unknown }[] }).values[0]?.value).reverse();
}

async function configure(options: object): Promise<void> {
  expect(await does('init')).toMatchObject({ code: 0 });
  const path = inFolder('config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...options }));
}

/** Lets time pass for the notes of last values. */
function age(seconds: number, boot?: string): void {
  const path = inFolder('last-values.json');
  const record = JSON.parse(readFileSync(path, 'utf8')) as { boot: string; values: { at: number }[] };
  for (const value of record.values) value.at -= seconds;
  record.boot = boot ?? record.boot;
  writeFileSync(path, JSON.stringify(record));
}

const now = (): number => Math.floor(Date.now() / 1000);

test('every option of an Api is one of the configuration, or is left out for a reason', () => {
  const source = readFileSync(new URL('../../src/core/options/options.ts', import.meta.url), 'utf8');
  const [, members = ''] = /export interface ApiOptions<[^{]*\{(.*?)\n\}/s.exec(source) ?? [];
  const names = [...members.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
  expect(names).toContain('deviceId');
  expect([...Object.keys(CONFIG_OPTIONS), ...Object.keys(LEFT_OUT)].sort()).toEqual(names.sort());
});

describe('a dead band', () => {
  const FIELDS = { fields: { a: { id: 'a', deadband: 1 }, other: 'b' } };

  test('leaves out what differs too little from the last commit of any call', async () => {
    await configure(FIELDS);
    for (const value of [20, 20.9, 21, 21.1, 20.2]) await run(folder, ['add', `a=${value}`, '-c'], env);
    expect(await committedValues()).toEqual([20, 21.1]);
    expect(await status()).toMatchObject({ staged: 0, committed: 2, suppressed: 3 });
  });

  test('is shown by the call that leaves a value out', async () => {
    await configure(FIELDS);
    await commits(20);
    expect(await does('add', 'a=20', '-c')).toEqual({
      code: 0,
      stdout: 'Nothing to commit: 1 value within the dead band.\n',
      stderr: '',
    });
    expect(JSON.parse((await commits(20)).stdout)).toEqual({ suppressed: 1 });
  });

  test('goes on after a push, and after commits of other fields', async () => {
    await configure(FIELDS);
    await commits(20, '-p');
    await does('add', 'other=1', '-cp');
    await commits(20.5, '-p');
    expect(storedTexts(emulator)).toEqual([20, 1]);
    await commits(22, '-p');
    expect(storedTexts(emulator)).toEqual([20, 1, 22]);
  });

  test('lets a value pass after atLeastEverySeconds, by the time since boot', async () => {
    await configure({ fields: { a: { id: 'a', deadband: 1, atLeastEverySeconds: 600 } } });
    await commits(20);
    age(590);
    await commits(20.1);
    expect(await committedValues()).toEqual([20]);
    age(20);
    await commits(20.2);
    expect(await committedValues()).toEqual([20, 20.2]);
    age(0, 'another boot');
    await commits(20.3);
    expect(await committedValues()).toEqual([20, 20.2, 20.3]);
  });

  test('knows nothing after a call that was killed between its commit and its notes, and lets the next value pass', async () => {
    await configure(FIELDS);
    await commits(20);
    const before = readFileSync(inFolder('last-values.json'));
    await commits(30);
    writeFileSync(inFolder('last-values.json'), before);
    await commits(20);
    expect(await committedValues()).toEqual([20, 30, 20]);
  });

  test('knows nothing after commits of pipe, whose first value always passes', async () => {
    await configure(FIELDS);
    await commits(20);
    await run(folder, ['pipe'], env, 'a=20\na=20\na=30\n');
    await commits(20, '-p');
    expect(storedTexts(emulator)).toEqual([20, 20, 30, 20]);
  });

  test('lets the next value pass after one was dropped', async () => {
    await configure({ ...FIELDS, maxAge: 60 });
    await commits(20, '-t', String(now() - 100));
    await does('push');
    await commits(20);
    expect(await committedValues()).toEqual([20]);
    await does('reset', '--queue', '--yes');
    await commits(20);
    expect(await committedValues()).toEqual([20]);
  });
});

describe('maxAge', () => {
  test('drops what is too old at the push, and says so', async () => {
    await configure({ maxAge: 60 });
    await commits(1, '-t', String(now() - 100));
    await commits(2);
    const { code, stdout, stderr } = await does('push', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ pushed: 1, expired: 1, committed: 0 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '1 entry discarded: maxAge (60 s) is exceeded\n' });
    expect(storedTexts(emulator)).toEqual([2]);
    expect(await status()).toMatchObject({ committed: 0 });
  });

  test('makes room in a full queue', async () => {
    await configure({ maxAge: 60, maxQueuedEntries: 1 });
    await commits(1, '-t', String(now() - 100));
    expect(JSON.parse((await commits(2)).stdout)).toMatchObject({ discarded: 1 });
    expect(await committedValues()).toEqual([2]);
  });
});

describe('a full queue', () => {
  test('gets thinner with "thin", and still covers all of the time', async () => {
    await configure({ maxQueuedEntries: 8, overflow: 'thin' });
    for (let value = 1; value <= 20; value++) expect(await commits(value)).toMatchObject({ code: 0 });
    const values = (await committedValues()) as number[];
    expect(values.length).toBeLessThanOrEqual(8);
    expect([values[0], values.at(-1)]).toEqual([1, 20]);
    expect(Math.max(...values.slice(1).map((value, index) => value - (values[index] ?? 0)))).toBeLessThan(12);
  });

  test('is full by bytes, too', async () => {
    await configure({ maxQueuedBytes: 40 });
    expect((await commits('0123456789')).code).toBe(0);
    expect(await commits('0123456789012345678901')).toMatchObject({
      code: 75,
      stdout: expect.stringContaining('maxQueuedBytes'),
    });
    expect(await status()).toMatchObject({ staged: 1, committed: 1 });
  });

  test.each([
    ['refuse', 75, [1, 2]],
    ['drop-oldest', 0, [1, 2, 3]],
  ])('with "%s" does not wait for a process that pushes for long', async (overflow, code, values) => {
    await configure({ maxQueuedEntries: 2, overflow });
    await commits(1);
    await commits(2);
    const held = new Folder(inFolder('')).pushLock.acquire();
    expect(await commits(3)).toMatchObject({ code });
    held.release();
    expect(await committedValues()).toEqual(values);
    // The next commit that finds no one pushing removes what is too much.
    if (code === 0) {
      await commits(4);
      expect(await committedValues()).toEqual([3, 4]);
    }
  });
});

describe('add -cp on a full queue', () => {
  test('pushes, then commits what was refused', async () => {
    await configure({ maxQueuedEntries: 1 });
    await commits(1);
    const { code, stdout, stderr } = await does('add', 'a=2', '-cp');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Committed 1 value as .*\nPushed 2 entries in 2 requests\.\n$/);
    expect(storedTexts(emulator)).toEqual([1, 2]);
  });

  test('says why nothing could be pushed, and commits what is staged once the server is back', async () => {
    await configure({ maxQueuedEntries: 1 });
    await commits(1);
    emulator.script({ status: 503 });
    const { code, stdout, stderr } = await commits(2, '-p');
    expect(code).toBe(75);
    expect(stderr).toMatch(
      /^nikdev-iot: Bad luck: .*503.*\n(.*\n)+nikdev-iot: the values could not be saved: maxQueuedEntries/,
    );
    expect(JSON.parse(stdout)).toMatchObject({ error: { message: expect.stringContaining('maxQueuedEntries') } });
    expect(await status()).toMatchObject({ staged: 1, committed: 1 });
    expect(JSON.parse((await commits(3, '-p', '--now')).stdout)).toMatchObject({
      pushed: 2,
      requests: 2,
      committed: 0,
    });
    expect(storedTexts(emulator)).toEqual([1, 3]);
  });
});

describe('add -cp on a full queue', () => {
  const holdPushLock = () => new Folder(join(folder, '.nikdev-iot')).pushLock.acquire();

  test('says that nothing was committed where another process pushes', async () => {
    await configure({ maxQueuedEntries: 1 });
    await commits(1);
    const held = holdPushLock();
    const { code, stderr } = await does('add', 'a=2', '-cp');
    held.release();
    expect(code).toBe(75);
    expect(stderr).toMatch(
      /^nikdev-iot: another nikdev-iot process is pushing from .*\nnikdev-iot: the values could not be saved: maxQueuedEntries.*The values are staged\./,
    );
    expect(stderr).not.toContain('Committed values are kept');
    expect(await status()).toMatchObject({ staged: 1, committed: 1 });
  });

  test('commits its own values with the time of the call, though another call staged others meanwhile', async () => {
    await configure({ maxQueuedEntries: 1 });
    await commits(1);
    emulator.script({ delay: 2 });
    const before = now();
    const adding = start(folder, ['add', 'a=2', '-cp'], env);
    await expect.poll(() => emulator.requests.length, { timeout: 20_000 }).toBe(1);
    const asked = now();
    expect(await does('add', 'a=3')).toMatchObject({ code: 0 });
    expect(await adding.ended).toMatchObject({ code: 0, stderr: '' });
    const [, second] = emulator.entries(DEVICE_ID);
    expect(second?.values).toMatchObject([{ value: 2 }]);
    expect(second?.timestamp).toBeGreaterThanOrEqual(before);
    expect(second?.timestamp).toBeLessThanOrEqual(asked);
  });
});

describe('live-first', () => {
  test('sends what calls committed a short time ago before the backlog', async () => {
    await configure({ order: 'live-first', liveSeconds: 1000, maxEntriesPerRequest: 2 });
    for (const value of [1, 2, 3]) await commits(value, '-t', String(now() - 5000));
    for (const value of [4, 5]) await run(folder, ['add', `a=${value}`, '-c'], env);
    expect(await status()).toMatchObject({ live: 2, backlog: 3 });
    await run(folder, ['push'], env);
    expect(storedTexts(emulator)).toEqual([4, 5, 1, 2, 3]);
  });

  test('is not the default', async () => {
    await configure({ maxEntriesPerRequest: 2 });
    for (const value of [1, 2]) await commits(value, '-t', String(now() - 5000));
    await commits(3);
    await does('push');
    expect(storedTexts(emulator)).toEqual([1, 2, 3]);
  });
});

describe('requests', () => {
  test('are compressed with "gzip"', async () => {
    await configure({ compression: 'gzip' });
    await commits('x'.repeat(3000), '-p');
    expect(emulator.requests).toMatchObject([{ contentEncoding: 'gzip', status: 200 }]);
    expect(storedTexts(emulator)).toHaveLength(1);
  });

  test('name their entries with idempotency, also where a call was killed before its answer', async () => {
    await configure({ idempotency: true });
    const never = new Promise<Response>(() => {});
    let isFirst = true;
    const url = await serveOnLoopback(async (request) => {
      const answer = await asHandler(emulator)(request);
      if (!isFirst) return answer;
      isFirst = false;
      return never;
    });
    const lossy = environmentFor(`${url}api/v1/`);
    await run(folder, ['add', 'a=1', '-c'], lossy);
    const push = start(folder, ['push'], lossy);
    await expect.poll(() => storedTexts(emulator), { timeout: 20_000 }).toEqual([1]);
    push.kill('SIGKILL');
    await push.ended;
    expect(await run(folder, ['push'], lossy)).toMatchObject({ code: 0, stdout: 'Pushed 1 entry in 1 request.\n' });
    const [first, second] = emulator.requests.map(({ entryIds }) => entryIds);
    expect(first).toMatch(/^\w{16}\/1$/);
    expect(second).toBe(first);
    expect(storedTexts(emulator)).toEqual([1]);
  });

  test('of pipe keep the pace of the configuration', async () => {
    await configure({ autoPush: { everySeconds: 3600, atEntries: 2 } });
    const pipe = start(folder, ['pipe'], env);
    pipe.stdin.write('a=1\n');
    await expect.poll(committedValues, { timeout: 20_000 }).toEqual([1]);
    expect(emulator.requests).toEqual([]);
    pipe.stdin.write('a=2\n');
    await expect.poll(() => storedTexts(emulator), { timeout: 20_000 }).toEqual([1, 2]);
    pipe.stdin.end();
    expect(await pipe.ended).toMatchObject({ code: 0 });
  });
});

test.each([
  ['overflow', 'drop'],
  ['compression', 'br'],
  ['maxAge', -1],
  ['order', 'newest-first'],
])('refuses %s: %j', async (name, value) => {
  await configure({ [name]: value });
  expect(await does('status')).toMatchObject({ code: 2, stderr: expect.stringContaining(`${name} must be`) });
});
