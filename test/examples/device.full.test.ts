import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Api } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { findProgram } from '../support/browsers/find-program.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { range } from '../support/fakes/picky-server.js';
import { blocksOf, PAGES, readPage, withIds } from '../support/package/markdown.js';
import { type NodeProcess, runNode } from '../support/processes/node-process.js';
import { oneDevice } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

/** A NikDev server that can be down. */
async function startServer() {
  const emulator = oneDevice();
  const server = { emulator, down: undefined as { status: number; message: string } | undefined, baseUrl: '' };
  const url = await serveOnLoopback((request) => {
    const { down } = server;
    if (down) return Response.json({ message: down.message }, { status: down.status });
    return emulator.fetch(request) as Promise<Response>;
  });
  server.baseUrl = `${url}api/v1/`;
  return server;
}

type Server = Awaited<ReturnType<typeof startServer>>;

/** A process that has ended when the test has. */
function startDevice(
  server: Server,
  folder: string,
  args: string[] = [],
  env: Record<string, string> = {},
): NodeProcess {
  const child = runNode('examples/device/device.mjs', args, {
    NIKDEV_DEVICE_ID: DEVICE_ID,
    NIKDEV_API_KEY: API_KEY,
    NIKDEV_URL: server.baseUrl,
    NIKDEV_DIR: folder,
    ...env,
  });
  onTestFinished(() => child.stop(), 30_000);
  return child;
}

const READING = /^(\d{4}-\d\d-\d\dT\S+Z) (.+)$/;

/** The readings that a device has said to be committed. */
function readingsOf({ lines }: NodeProcess): string[] {
  return lines.filter((line) => READING.test(line));
}

/** The number of entries that a device has pushed: the first requests after a failure carry few. */
function pushedBy({ lines }: NodeProcess): number {
  return lines.reduce((sum, line) => sum + Number(/^pushed (\d+) entr/.exec(line)?.[1] ?? 0), 0);
}

/** Waits until a device has committed so many. */
async function readings(device: NodeProcess, count: number): Promise<void> {
  await expect.poll(() => readingsOf(device).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
}

/** The stored entries of a server, in the format in which a device prints its readings. */
function storedReadings({ emulator }: Server): string[] {
  return emulator.entries(DEVICE_ID).map(({ timestamp, values }) => {
    const shown = values.map(({ fieldId, value }) => `${fieldId} ${value}`).join(', ');
    return `${new Date(timestamp * 1000).toISOString()} ${shown}`;
  });
}

/** Leaves entries of these times, of more than 1 KiB each, in a folder, as an earlier run without a server does. */
async function commitInto(folder: string, { baseUrl }: Server, timestamps: readonly number[]): Promise<void> {
  const api = new Api({ deviceId: DEVICE_ID, apiKey: API_KEY, baseUrl, storage: fileStorage(folder) });
  for (const timestamp of timestamps) {
    api.addValue('memory', 'much '.repeat(300));
    api.commit({ timestamp });
  }
  await api.close();
}

const DOWN = { status: 503, message: 'Back soon' };

describe('the device', { timeout: 90_000 }, () => {
  test('goes on where a push fails, and loses nothing of it', async () => {
    const server = await startServer();
    server.down = DOWN;
    const device = startDevice(server, temporaryFolder(), [], { NIKDEV_FIELD_MEMORY: 'used memory' });
    await device.line(/^Bad luck: the server answered 503: Back soon\. .*Try again later/);
    await readings(device, 3);
    server.down = undefined;
    await expect.poll(() => pushedBy(device), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    device.kill('SIGTERM');
    expect(await device.ended).toEqual({ code: 0, signal: null });
    const times = server.emulator.entries(DEVICE_ID).map(({ timestamp }) => timestamp);
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(new Set(times).size).toBeGreaterThanOrEqual(3);
    expect(storedReadings(server)).toEqual(readingsOf(device));
    expect(readingsOf(device).at(-1)).toMatch(/used memory \d/);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('stopped by %s it pushes what is left, and exits 0', async (signal) => {
    const server = await startServer();
    server.down = DOWN;
    const device = startDevice(server, temporaryFolder());
    await readings(device, 2);
    server.down = undefined;
    device.kill(signal);
    expect(await device.ended).toEqual({ code: 0, signal: null });
    expect(storedReadings(server)).toEqual(readingsOf(device));
  });

  test('stopped without a server it keeps what is left for the next run, and exits 0', async () => {
    const [server, folder] = [await startServer(), temporaryFolder()];
    // A rejection: bad luck would be tried again for as long as a stop may take.
    server.down = { status: 403, message: 'No write access' };
    const device = startDevice(server, folder);
    await readings(device, 2);
    device.kill('SIGTERM');
    expect(await device.ended).toEqual({ code: 0, signal: null });
    const left = readingsOf(device);
    expect(device.lines).toContain(
      `${left.length} entries could not be pushed and wait in the folder for the next run`,
    );
    expect(storedReadings(server)).toEqual([]);

    server.down = undefined;
    const next = startDevice(server, folder);
    await next.line(new RegExp(`^adopted ${left.length} entries of an earlier run$`));
    await expect.poll(() => storedReadings(server).slice(0, left.length), { timeout: 20_000 }).toEqual(left);
  });

  test('goes on after kill -9 where it was, and loses nothing', async () => {
    const [server, folder] = [await startServer(), temporaryFolder()];
    const first = startDevice(server, folder);
    await first.line(/^pushed 1 entry/);
    server.down = DOWN;
    const before = readingsOf(first).length;
    await readings(first, before + 3);
    first.kill('SIGKILL');
    expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });

    server.down = undefined;
    const second = startDevice(server, folder);
    await readings(second, 1);
    second.kill('SIGTERM');
    expect(await second.ended).toEqual({ code: 0, signal: null });
    const stored = storedReadings(server);
    expect(stored).toEqual(expect.arrayContaining([...readingsOf(first), ...readingsOf(second)]));
    // At each kill one entry may be saved but not yet printed, or stored but not yet acknowledged.
    expect(stored.length).toBeLessThanOrEqual(readingsOf(first).length + readingsOf(second).length + 2);
  });

  test('--once exits 1 where its reading was not stored, and prints no entry', async () => {
    const server = await startServer();
    server.down = { status: 403, message: 'No write access' };
    const device = startDevice(server, temporaryFolder(), ['--once']);
    expect(await device.ended).toEqual({ code: 1, signal: null });
    expect(device.lines).toEqual([expect.stringMatching(/^Bad request: No write access /)]);
  });

  test('--once pushes what a run before could not', async () => {
    const [server, folder] = [await startServer(), temporaryFolder()];
    server.down = DOWN;
    expect(await startDevice(server, folder, ['--once']).ended).toEqual({ code: 1, signal: null });
    server.down = undefined;
    const device = startDevice(server, folder, ['--once']);
    expect(await device.ended).toEqual({ code: 0, signal: null });
    const { timestamp, values } = JSON.parse(device.lines[0] ?? '');
    expect(server.emulator.entries(DEVICE_ID)).toEqual([expect.anything(), { timestamp, values }]);
  });

  test('--live-first, --max-age, --gzip and --deadband decide what is sent, and in which order', async () => {
    const [server, folder] = [await startServer(), temporaryFolder()];
    const now = Math.floor(Date.now() / 1000);
    const left = range(1, 50).map((age) => now - 1800 + age);
    await commitInto(folder, server, [now - 7200, ...left]);
    server.down = DOWN;
    const flags = ['--live-first', '--max-age', '1', '--gzip', '--deadband', '1000'];
    const device = startDevice(server, folder, flags);
    await device.line(/^1 entry discarded: .*maxAge/);
    await readings(device, 1);
    server.down = undefined;
    await expect.poll(() => server.emulator.entries(DEVICE_ID).length, { timeout: 20_000 }).toBe(51);
    const [live, ...backlog] = server.emulator.entries(DEVICE_ID).map(({ timestamp }) => timestamp);
    expect(live).toBeGreaterThanOrEqual(now);
    expect(backlog).toEqual(left);
    const [first, ...others] = server.emulator.requests.map(({ contentEncoding }) => contentEncoding);
    expect(first).toBeUndefined();
    expect(new Set(others)).toEqual(new Set(['gzip']));
    device.kill('SIGTERM');
    expect(await device.ended).toEqual({ code: 0, signal: null });
    // Two seconds at least have passed, with values within the dead band.
    expect(readingsOf(device)).toHaveLength(1);
  });

  test.each([
    [['--unknown'], /^Unknown option '--unknown'/],
    [['once'], /^Unexpected argument 'once'/],
    [['--deadband', 'wide'], /deadband/],
    [['--max-age', '0'], /maxAge/],
  ])('refuses %j, with its usage', async (args, reason) => {
    const device = startDevice({ baseUrl: '' } as Server, temporaryFolder(), args);
    expect(await device.ended).toEqual({ code: 2, signal: null });
    expect(device.lines[0]).toMatch(reason);
    expect(device.lines.at(-1)).toMatch(/^usage: node device\.mjs .*--deadband/);
  });

  test('says which settings it needs', async () => {
    const device = startDevice({ baseUrl: '' } as Server, temporaryFolder(), [], { NIKDEV_DEVICE_ID: 'x' });
    expect(await device.ended).toEqual({ code: 2, signal: null });
    expect(device.lines.join('\n')).toContain('deviceId must be a UUID');
    expect(device.lines.join('\n')).toContain('NIKDEV_DEVICE_ID');
    expect(device.lines.join('\n')).not.toContain(API_KEY);
  });
});

describe('the API Key of the device', { timeout: 90_000 }, () => {
  /** The environment with a key in a file. */
  function keyFile(mode: number, text = `${API_KEY}\n`) {
    const path = join(temporaryFolder(), 'api-key');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return { path, env: { NIKDEV_API_KEY: '', NIKDEV_API_KEY_FILE: path } };
  }

  async function runOnce(env: Record<string, string>) {
    const server = await startServer();
    const device = startDevice(server, temporaryFolder(), ['--once'], env);
    const { code } = await device.ended;
    const output = device.lines.join('\n');
    expect(output).not.toContain(API_KEY);
    return { code, output, stored: server.emulator.entries(DEVICE_ID).length };
  }

  test.each(['600', '400'])('is read from a file that only its user may read, of mode %s', async (mode) => {
    expect(await runOnce(keyFile(Number.parseInt(mode, 8)).env)).toMatchObject({ code: 0, stored: 1 });
  });

  test.each(['640', '604', '620', '660', '644'])('is refused in a file of mode %s, with what to do', async (mode) => {
    const { path, env } = keyFile(Number.parseInt(mode, 8));
    const { code, output, stored } = await runOnce(env);
    expect({ code, stored }).toEqual({ code: 2, stored: 0 });
    expect(output).toContain(`the API Key in ${path}, whose mode is 0${mode}: run chmod 600 on it`);
  });

  test('is read from a credential of systemd, whose access control list shows as a right of the group', async () => {
    const { path, env } = keyFile(0o440);
    const directory = join(path, '..');
    expect(await runOnce({ ...env, CREDENTIALS_DIRECTORY: directory })).toMatchObject({ code: 0, stored: 1 });
    expect(await runOnce({ ...env, CREDENTIALS_DIRECTORY: `${directory}-other` })).toMatchObject({ code: 2 });
  });

  test.each([
    ['of another kind', 'y'.repeat(1001), 'is too long for an API Key'],
    ['that is empty', '', 'apiKey must be a UUID'],
  ])('is refused in a file %s, without its text', async (_, text, message) => {
    const { output, code } = await runOnce(keyFile(0o600, text).env);
    expect(code).toBe(2);
    expect(output).toContain(message);
    expect(output).not.toContain('yy');
  });

  test('is refused in a file that is not there, and where it is set twice', async () => {
    const { path, env } = keyFile(0o600);
    expect((await runOnce({ ...env, NIKDEV_API_KEY_FILE: `${path}-other` })).output).toContain('ENOENT');
    expect((await runOnce({ ...env, NIKDEV_API_KEY: API_KEY })).output).toContain('are both set');
  });
});

describe('the systemd unit of the device', () => {
  const UNIT = fileURLToPath(new URL('../../examples/device/nikdev-device.service', import.meta.url));
  const unit = readFileSync(UNIT, 'utf8');
  const analyze = findProgram(undefined, 'systemd-analyze');

  test('sets variables that the device reads', () => {
    const source = ['device', 'api-key'].map((name) => readFileSync(join(UNIT, `../${name}.mjs`), 'utf8')).join('');
    const names = [...unit.matchAll(/^Environment="?(\w+)=/gm)].map(([, name]) => name);
    expect(names).toEqual(['NIKDEV_DEVICE_ID', 'NIKDEV_API_KEY_FILE', 'NIKDEV_DIR']);
    expect(names.filter((name) => !source.includes(name ?? ''))).toEqual([]);
  });

  test('runs as a user of its own, with a folder and a key that only this user may read', () => {
    for (const line of [
      'DynamicUser=yes',
      'StateDirectoryMode=0700',
      'UMask=0077',
      /^LoadCredential=api-key:\/etc\//m,
    ]) {
      expect(unit).toMatch(typeof line === 'string' ? new RegExp(`^${line}$`, 'm') : line);
    }
    expect(unit).not.toMatch(/^User=root|\/tmp|NIKDEV_API_KEY=/m);
  });

  test('has the lines that the documentation shows', () => {
    const blocks = PAGES.flatMap((page) => blocksOf(readPage(page)));
    // Whole units have tests of their own.
    const shown = blocks.filter(({ language, code }) => language === 'ini' && code.startsWith('[Service]'));
    expect(shown.length).toBeGreaterThanOrEqual(1);
    const lines = unit.split('\n');
    expect(shown.flatMap(({ code }) => code.trim().split('\n')).filter((line) => !lines.includes(line))).toEqual([]);
  });

  test.runIf(analyze)('is one that systemd takes without a warning', () => {
    const folder = join(temporaryFolder(), 'units');
    mkdirSync(folder);
    const file = join(folder, 'nikdev-device.service');
    // The program that it starts must be there.
    writeFileSync(file, withIds(unit).replace('/usr/bin/node', process.execPath));
    const { stderr, status } = spawnSync(analyze ?? '', ['verify', file], { encoding: 'utf8' });
    expect({ stderr: stderr.split('\n').filter((line) => line.includes('nikdev-device')), status }).toEqual({
      stderr: [],
      status: 0,
    });
    const security = ['security', '--offline=true', '--threshold=60', file];
    expect(execFileSync(analyze ?? '', security, { encoding: 'utf8' })).toMatch(/✓ +User=\/DynamicUser=/);
  });
});
