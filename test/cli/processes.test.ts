import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { COMMAND, call, commandServer, environmentFor, run, start } from '../support/processes/command.js';
import { storedTexts } from '../support/servers/emulator.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const OFFLINE = environmentFor('http://127.0.0.1:8080/api/v1/');

async function committed(env: Record<string, string>): Promise<number> {
  const { stdout } = await call(folder, ['status', '--json'], env);
  return (JSON.parse(stdout) as { committed: number }).committed;
}

describe('processes of one folder', () => {
  test('that commit at once lose nothing: 8 at a time, and 2 in the same second', async () => {
    const calls = Array.from({ length: 8 }, (_, index) => run(folder, ['add', `a=${index}`, '-c'], OFFLINE));
    for (const { code, stderr } of await Promise.all(calls)) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await committed(OFFLINE)).toBe(8);
    await Promise.all([run(folder, ['add', 'x=1'], OFFLINE), run(folder, ['add', 'y=2'], OFFLINE)]);
    expect(JSON.parse((await call(folder, ['status', '--json'], OFFLINE)).stdout)).toMatchObject({ staged: 2 });
    expect(readdirSync(join(folder, '.nikdev-iot')).filter((name) => name.endsWith('.journal'))).toEqual([
      'nikdev-iot-1_folder_readings.journal',
    ]);
  }, 60_000);

  test('that commit while another pushes lose nothing, and wait for no request', async () => {
    const { emulator, env } = await commandServer();
    await call(folder, ['add', 'a=0', '-c'], env);
    emulator.script({ delay: 3 });
    const push = start(folder, ['push'], env);
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1), { timeout: 20_000 });
    await call(folder, ['add', 'a=1', '-c'], env);
    expect(emulator.requests[0]?.status).toBeUndefined();
    expect(await push.ended).toMatchObject({ code: 0 });
    expect(await committed(env)).toBe(1);
    await call(folder, ['push'], env);
    expect(storedTexts(emulator)).toEqual([0, 1]);
  }, 60_000);

  test('of which one is killed at any moment lose nothing that was said to be committed', async () => {
    const { emulator, env } = await commandServer();
    const said: number[] = [];
    for (let count = 0; count < 14; count++) {
      const cron = start(folder, ['add', `a=${count}`, '-c'], env);
      const pushing = count % 3 === 2 ? start(folder, ['push', '--now'], env) : undefined;
      const timer = setTimeout(() => (count % 2 === 0 ? cron : pushing)?.kill('SIGKILL'), 40 + 30 * count);
      const [{ code }] = await Promise.all([cron.ended, pushing?.ended]);
      clearTimeout(timer);
      if (code === 0) said.push(count);
    }
    await vi.waitFor(
      async () => {
        await call(folder, ['push', '--now'], env);
        expect(await committed(env)).toBe(0);
      },
      { timeout: 20_000 },
    );
    expect(storedTexts(emulator)).toEqual(expect.arrayContaining(said));
    expect(said.length).toBeGreaterThan(4);
  }, 120_000);

  test('write one journal, and the key nowhere', async () => {
    for (let count = 0; count < 3; count++) await run(folder, ['add', `a=${count}`, '-cp'], OFFLINE);
    const names = readdirSync(join(folder, '.nikdev-iot')).sort();
    expect(names).toEqual(['lock', 'nikdev-iot-1_folder_readings.journal', 'push-lock', 'push.json']);
    expect(existsSync(join(folder, '.nikdev-iot', 'config.json'))).toBe(false);
  }, 60_000);
});

describe('init', () => {
  test('takes the key from standard input', async () => {
    const { NIKDEV_API_KEY = '', NIKDEV_DEVICE_ID = '', NIKDEV_URL = '' } = OFFLINE;
    const result = await run(
      folder,
      ['init', '--device', NIKDEV_DEVICE_ID, '--url', NIKDEV_URL],
      {},
      `${NIKDEV_API_KEY}\n`,
    );
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).not.toContain(NIKDEV_API_KEY);
    expect(await run(folder, ['add', 'a=1', '-c'], {})).toMatchObject({ code: 0 });
  }, 60_000);

  test('takes the key from standard input in UTF-16, after a blank line', async () => {
    const { NIKDEV_API_KEY = '', ...others } = OFFLINE;
    const init = start(folder, ['init'], others);
    init.stdin.write(Buffer.from('\uFEFF\r\n', 'utf16le'));
    setTimeout(() => init.stdin.end(Buffer.from(`${NIKDEV_API_KEY}\r\n`, 'utf16le')), 1500);
    expect(await init.ended).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  test('waits for a key that comes late', async () => {
    const { NIKDEV_API_KEY = '', ...others } = OFFLINE;
    const init = start(folder, ['init'], others);
    setTimeout(() => init.stdin.end(`${NIKDEV_API_KEY}\n`), 1500);
    expect(await init.ended).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  test('names standard input where it can not be read', () => {
    const { NIKDEV_API_KEY: _, ...others } = OFFLINE;
    const directory = openSync(folder, 'r');
    onTestFinished(() => closeSync(directory));
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, 'init'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...others },
      stdio: [directory, 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, "nikdev-iot: standard input can't be read (EISDIR)\n"]);
  }, 60_000);
});

test('a working folder that was deleted is named', () => {
  const gone = join(folder, 'gone');
  mkdirSync(gone);
  const line = `cd "${gone}" && rmdir "${gone}" && "$@"`;
  const { status, stderr } = spawnSync('/bin/sh', ['-c', line, 'sh', process.execPath, COMMAND, 'add', 'a=1', '-c'], {
    env: { PATH: process.env['PATH'], ...OFFLINE },
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([
    2,
    "nikdev-iot: the working folder can't be found (ENOENT)\nChange to a folder that exists.\n",
  ]);
}, 60_000);
