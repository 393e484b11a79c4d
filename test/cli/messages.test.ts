import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandResult, call, commandServer, run } from '../support/processes/command.js';

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

const OTHER_KEY = '44444444-4444-4444-8444-444444444444';
const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';
const does = (...args: string[]): Promise<CommandResult> => call(folder, args, env);
const inFolder = (name: string): string => join(folder, '.nikdev-iot', name);

async function configure(options: object): Promise<void> {
  await does('init');
  const path = inFolder('config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...options }));
}

describe('a message names commands', () => {
  test('where the credentials are refused: at once, in the status, and by test', async () => {
    env = { ...env, NIKDEV_API_KEY: OTHER_KEY };
    const advice = /nikdev-iot test shows what is refused; nikdev-iot init saves another key\./;
    expect((await does('add', 'a=1', '-cp')).stderr).toMatch(advice);
    expect(readFileSync(inFolder('push.json'), 'utf8')).toMatch(advice);
    expect((await does('status')).stdout).toMatch(advice);
    expect((await does('test')).stdout).toMatch(/nikdev-iot init/);
    expect((await does('test', '--json')).stdout).toMatch(/nikdev-iot init/);
  });

  test('where the queue is full', async () => {
    await configure({ maxQueuedEntries: 1 });
    await does('add', 'a=1', '-c');
    expect((await does('add', 'a=2', '-c')).stderr).toMatch(/\nRun nikdev-iot push .*, then nikdev-iot commit\.\n$/);
  });

  test('where the server can not be reached', async () => {
    env = { ...env, NIKDEV_URL: 'http://127.0.0.1:9/api/v1/' };
    const { code, stdout } = await does('test');
    expect(code).toBe(75);
    expect(stdout).toMatch(/NIKDEV_URL, or baseUrl in config\.json/);
    expect(stdout).not.toMatch(/CORS|page/);
  });

  test.each([
    ['overflow', 'x', /or "thin", got/],
    ['compression', 'br', /must be "gzip", got/],
  ])('where the option %s is wrong, and the file', async (name, value, message) => {
    await configure({ [name]: value });
    const { stderr } = await does('status');
    expect(stderr).toMatch(message);
    expect(stderr).toContain(`\nCorrect it in ${inFolder('config.json')}.\n`);
  });

  test('where a variable is wrong, and the variable', async () => {
    env = { ...env, NIKDEV_DEVICE_ID: 'x' };
    expect((await does('status')).stderr).toMatch(/deviceId must be .*\nCorrect NIKDEV_DEVICE_ID\.\n/);
    expect((await does('init')).stderr).toMatch(/\nCorrect NIKDEV_DEVICE_ID\.\n$/);
    expect((await does('init', '--device', 'x')).stderr).toMatch(/\nGive it again: nikdev-iot init\.\n$/);
  });

  test('where the folder can not be written', async () => {
    // No process may make a folder there.
    env = { ...env, NIKDEV_DIR: '/sys/nikdev' };
    const stderr = expect.stringMatching(
      /^nikdev-iot: \/sys\/nikdev can't be written \(E[A-Z]+\)\nCheck its owner and permissions, or set NIKDEV_DIR\.\n$/,
    );
    for (const args of [['add', 'a=1', '-c'], ['push'], ['init']])
      expect(await does(...args)).toEqual({ code: 75, stdout: '', stderr });
  });
});

test('init without a key says where a key may come from', async () => {
  const { NIKDEV_API_KEY: _, ...others } = env;
  expect(await run(folder, ['init'], others)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'nikdev-iot: there is no API key\nType it, pipe it, or set NIKDEV_API_KEY or NIKDEV_API_KEY_FILE.\n',
  });
});

test('a folder in place of the file of the key is named, as Docker makes one of a file that is not there', async () => {
  const { NIKDEV_API_KEY: _, ...others } = env;
  expect(await run(folder, ['status'], { ...others, NIKDEV_API_KEY_FILE: folder })).toEqual({
    code: 2,
    stdout: '',
    stderr: "nikdev-iot: the file of NIKDEV_API_KEY_FILE can't be read (EISDIR)\n",
  });
});

describe('a warning', () => {
  test('is a row of the status, and not shown beside it', async () => {
    await does('add', 'a=1', '-c');
    env = { ...env, NIKDEV_DEVICE_ID: OTHER_DEVICE };
    const { stdout, stderr } = await run(folder, ['status'], env);
    expect(stderr).toBe('');
    expect(stdout).toMatch(new RegExp(`Warning +.*NIKDEV_DEVICE_ID=${DEVICE_ID} NIKDEV_URL=http\\S+ nikdev-iot push`));
    const { warnings } = JSON.parse((await does('status', '--json')).stdout) as { warnings: object[] };
    expect(warnings).toMatchObject([{ code: 'entries-waiting', message: expect.stringContaining('nikdev-iot push') }]);
  });

  test('of other commands goes to standard error', async () => {
    await does('add', 'a=1', '-c');
    appendFileSync(inFolder('nikdev-iot-1_folder_readings.journal'), '\nnonsense\n');
    const { code, stderr } = await does('push');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^nikdev-iot: .*journal holds 1 line that can't be read: damaged.*\n$/);
    expect(emulator.entries(DEVICE_ID)).toHaveLength(1);
  });
});

test.each(['status', 'init'])('a wrong key is corrected in the file that it comes from: %s', async (command) => {
  const { NIKDEV_API_KEY: _, ...others } = env;
  const path = join(folder, 'key');
  const fails = async (text: string, stderr: RegExp): Promise<void> => {
    writeFileSync(path, text);
    expect(await call(folder, [command], { ...others, NIKDEV_API_KEY_FILE: path })).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(stderr),
    });
  };
  await fails('secret-word', /^nikdev-iot: apiKey must be a UUID .*\nCorrect NIKDEV_API_KEY_FILE\.\n$/);
  await fails(' \n', /^nikdev-iot: there is no API key in the file of NIKDEV_API_KEY_FILE\n$/);
  await fails(
    'x'.repeat(2000),
    /^nikdev-iot: the text from the file of NIKDEV_API_KEY_FILE is too long for an API key\n$/,
  );
});
