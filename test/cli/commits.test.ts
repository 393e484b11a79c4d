import fs, { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Folder } from '../../src/cli/folder/folder.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { call, environmentFor } from '../support/processes/command.js';

const env = environmentFor('http://127.0.0.1:8080/api/v1/');

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const does = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await call(folder, args, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

const status = async (): Promise<object> => JSON.parse(await does('status', '--json')) as object;

interface Shown {
  readonly id: string;
  readonly timestamp: number;
  readonly values: readonly { readonly fieldId: string; readonly value: unknown }[];
}

const log = async (): Promise<Shown[]> =>
  (await does('log', '--json'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Shown);

describe('staged values', () => {
  test('belong to the folder: a later call commits them', async () => {
    expect(await does('add', 'temperature=21.5', 'door=open')).toBe('2 values staged.\n');
    expect(await does('add', 'door=shut', 'note="42"')).toBe('3 values staged.\n');
    expect(await status()).toMatchObject({ staged: 3, committed: 0 });
    expect(await does('commit')).toMatch(/^Committed 3 values as /);
    expect(await status()).toMatchObject({ staged: 0, committed: 1 });
    const [entry] = await log();
    expect(entry?.values).toEqual([
      { fieldId: 'temperature', value: 21.5 },
      { fieldId: 'door', value: 'shut' },
      { fieldId: 'note', value: '42' },
    ]);
  });

  test('are committed together with those of add -c', async () => {
    await does('add', 'a=1');
    await does('add', 'b=2', '-c');
    expect((await log())[0]?.values).toHaveLength(2);
  });

  test('are forgotten by reset; entries stay', async () => {
    await does('add', 'a=1', '-c');
    await does('add', 'a=2');
    expect(await does('reset')).toBe('Removed 1 staged value.\n');
    expect(await status()).toMatchObject({ staged: 0, committed: 1 });
    expect(await does('commit')).toBe('Nothing to commit.\n');
  });

  test('stay as they were where one of a call can not be sent', async () => {
    await does('add', 'a=1');
    const { code, stderr } = await call(folder, ['add', 'b=2', `${'x'.repeat(2)}\ud800=1`], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/field/);
    expect(await status()).toMatchObject({ staged: 1 });
  });
});

describe('a commit', () => {
  test('has a given time', async () => {
    await does('add', 'a=1', '-c', '-t', '1795349600');
    await does('add', 'a=2');
    await does('commit', '-t', '1795349601');
    expect((await log()).map(({ timestamp }) => timestamp)).toEqual([1_795_349_601, 1_795_349_600]);
  });

  test.each(['-1', '"now"', '1795349600000'])('refuses the time %s, and shows it', async (time) => {
    const result = await call(folder, ['add', 'a=1', '-c', `-t${time.replaceAll('"', '')}`], env);
    expect(result).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(`to 99999999999, got ${time}\n`),
    });
  });

  test('shows no key in place of a time', async () => {
    for (const text of ['12345678-1234-4234-8234-123456789012', '12345678123442348234123456789012']) {
      const { stderr } = await call(folder, ['add', 'a=1', '-c', '-t', text], env);
      expect(stderr).toMatch(/got "x/);
      expect(stderr).not.toMatch(/1234/);
    }
  });

  test.each([
    [['-p'], 'Use -cp'],
    [['-t', '1795349600'], 'Use -c as well'],
  ])('is needed for %j', async (flags, advice) => {
    const result = await call(folder, ['add', 'a=1', ...flags], env);
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(advice) });
    expect(await status()).toMatchObject({ staged: 0 });
  });

  test('goes on with one writer in one journal, however many calls', async () => {
    for (let count = 1; count <= 12; count++) await does('add', `a=${count}`, '-c');
    expect(readdirSync(join(folder, '.nikdev-iot')).sort()).toEqual(['lock', 'nikdev-iot-1_folder_readings.journal']);
    const entries = await log();
    expect(new Set(entries.map(({ id }) => id.split('-')[0])).size).toBe(1);
    expect(entries.map(({ values }) => values[0]?.value)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('of another device or server is bound to that', async () => {
    await does('add', 'a=1', '-c');
    const other = { ...env, NIKDEV_URL: 'http://127.0.0.1:8081/api/v1/' };
    await call(folder, ['add', 'a=2', '-c'], other);
    expect(await status()).toMatchObject({ committed: 1, warnings: [{ code: 'entries-waiting' }] });
    const { stdout } = await call(folder, ['status', '--json'], other);
    expect(JSON.parse(stdout)).toMatchObject({ committed: 1 });
  });
});

describe('a folder', () => {
  test('in which another process works is waited for, then nothing is changed', async () => {
    await does('add', 'a=1');
    const held = new Folder(join(folder, '.nikdev-iot')).lock.acquire();
    const started = performance.now();
    const { code, stderr } = await call(folder, ['add', 'a=2', '-c'], env);
    const seconds = (performance.now() - started) / 1000;
    held.release();
    expect({ code, stderr }).toEqual({ code: 75, stderr: expect.stringMatching(/is using .*\nNothing was changed/) });
    expect(seconds).toBeGreaterThan(4.5);
    expect(seconds).toBeLessThan(7);
    expect(await status()).toMatchObject({ staged: 1, committed: 0 });
  });

  test('with a journal of 5 MB costs a commit no more reading than an empty one', async () => {
    for (let count = 1; count <= 25; count++) await does('add', `a=${count}${'x'.repeat(200_000)}`, '-c');
    const reading = vi.spyOn(fs, 'readSync');
    syncBuiltinESMExports();
    await does('add', 'a=26', '-c');
    const bytes = reading.mock.results.reduce((sum, { value }) => sum + Number(value), 0);
    reading.mockRestore();
    syncBuiltinESMExports();
    expect(fs.statSync(join(folder, '.nikdev-iot', 'nikdev-iot-1_folder_readings.journal')).size).toBeGreaterThan(5e6);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(50_000);
  });
});

describe('the limit of the queue', () => {
  const limit = async (options: object): Promise<void> => {
    await call(folder, ['init'], env);
    const path = join(folder, '.nikdev-iot', 'config.json');
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...options }));
  };

  test('refuses what is above it, and keeps it staged', async () => {
    await limit({ maxQueuedEntries: 2 });
    await does('add', 'a=1', '-c');
    await does('add', 'a=2', '-c');
    const { code, stderr } = await call(folder, ['add', 'a=3', '-c'], env);
    expect(code).toBe(75);
    expect(stderr).toMatch(/maxQueuedEntries \(2\) is reached/);
    expect(await status()).toMatchObject({ staged: 1, committed: 2 });
  });

  test('drops the oldest where the configuration says so', async () => {
    await limit({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
    for (const count of [1, 2]) await does('add', `a=${count}`, '-c');
    for (const count of [3, 4, 5]) {
      const { code, stderr } = await call(folder, ['add', `a=${count}`, '-c'], env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '1 entry discarded: maxQueuedEntries (2) is reached\n' });
    }
    expect((await log()).map(({ values }) => values[0]?.value)).toEqual([5, 4]);
  });
});

describe('names of the configuration', () => {
  test('stand for field ids', async () => {
    await call(folder, ['init'], env);
    const path = join(folder, '.nikdev-iot', 'config.json');
    const config = { ...(JSON.parse(readFileSync(path, 'utf8')) as object), fields: { temperature: 'f-1' } };
    writeFileSync(path, JSON.stringify(config));
    await does('add', 'temperature=1', '-c');
    expect((await log())[0]?.values).toEqual([{ fieldId: 'f-1', value: 1 }]);
    expect(await does('log')).toMatch(/temperature=1/);
    expect(await call(folder, ['add', 'humidity=1'], env)).toMatchObject({ code: 2 });
  });
});

describe('output', () => {
  test('holds no control characters of values, for people and as JSON', async () => {
    await does('add', 'a=\u001b[31mred\u202e\u2028x\u009b1m', '-c');
    const texts = [await does('log'), await does('log', '--json'), await does('quarantine'), await does('status')];
    for (const text of texts) expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  test('with --json is JSON and nothing else, also where a call fails', async () => {
    const { code, stdout } = await call(folder, ['add', 'x', '--json'], env);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { message: expect.stringContaining('name=value') } });
  });

  test('shows at most as many entries as asked for', async () => {
    for (let count = 1; count <= 3; count++) await does('add', `a=${count}`, '-c');
    expect((await does('log', '-n', '2')).split('\n')).toHaveLength(3);
  });
});
