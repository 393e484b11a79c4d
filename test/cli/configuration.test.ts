import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { findFolder } from '../../src/cli/config/folder-search.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { describeOnSmallDisk } from '../support/disks/small-disk.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { call, commandServer, environmentFor, run } from '../support/processes/command.js';
import { asNobody, describeWithSecondUser } from '../support/processes/second-user.js';
import { storedTexts } from '../support/servers/emulator.js';

const URL_OF_SERVER = 'http://127.0.0.1:8080/api/v1/';
const env = environmentFor(URL_OF_SERVER);

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const configPath = (): string => join(folder, '.nikdev-iot', 'config.json');
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

async function init(): Promise<void> {
  expect(await call(folder, ['init'], env)).toMatchObject({ code: 0, stderr: '' });
}

function changeConfig(change: Record<string, unknown>): void {
  const config = { ...(JSON.parse(readFileSync(configPath(), 'utf8')) as object), ...change };
  writeFileSync(configPath(), JSON.stringify(config));
}

describe('init', () => {
  test('saves the credentials for this user only, out of reach of a repository', async () => {
    await init();
    expect(JSON.parse(readFileSync(configPath(), 'utf8'))).toEqual({
      deviceId: DEVICE_ID,
      apiKey: API_KEY,
      baseUrl: URL_OF_SERVER,
    });
    expect(modeOf(configPath())).toBe('600');
    expect(modeOf(join(folder, '.nikdev-iot'))).toBe('700');
    expect(readFileSync(join(folder, '.nikdev-iot', '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('keeps the options of the configuration that is there', async () => {
    await init();
    changeConfig({ fields: { temperature: 'f-1' } });
    await init();
    expect(JSON.parse(readFileSync(configPath(), 'utf8'))).toMatchObject({ fields: { temperature: 'f-1' } });
  });

  test.each([
    ['a Device ID that is not a UUID', { NIKDEV_DEVICE_ID: 'x' }, /deviceId must be a UUID/],
    ['a key that is not a UUID', { NIKDEV_API_KEY: 'secret-word' }, /apiKey must be a UUID/],
    ['a URL that is not one', { NIKDEV_URL: 'ftp://x' }, /http or https URL/],
    ['plain http to another machine', { NIKDEV_URL: 'http://192.0.2.1/api/v1/' }, /plain http/],
  ])('refuses %s, and saves nothing', async (_, change, message) => {
    const { code, stdout, stderr } = await call(folder, ['init'], { ...env, ...change });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/secret-word/);
    expect(existsSync(configPath())).toBe(false);
  });

  test('saves plain http to another machine where that is allowed', async () => {
    const url = 'http://192.0.2.1/api/v1/';
    const args = ['init', '--insecure-http'];
    expect((await call(folder, args, { ...env, NIKDEV_URL: url })).code).toBe(0);
    const { stderr } = await run(folder, ['add', 'a=1', '-c']);
    expect(stderr.match(/is plain http/g)).toHaveLength(1);
    expect(await call(folder, ['status'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Warning +http:\/\/192\.0\.2\.1\/api\/v1\/ is plain http/m),
    });
    expect((await call(temporaryFolder(), ['status'], { ...env, NIKDEV_URL: url })).code).toBe(2);
  });

  test('a configuration may begin with a byte order mark', async () => {
    await init();
    writeFileSync(configPath(), `\uFEFF${readFileSync(configPath(), 'utf8')}`);
    expect(await call(folder, ['status'])).toMatchObject({ code: 0, stderr: '' });
  });

  test('replaces the configuration as a whole: a reader has the old text or the new one', async () => {
    await init();
    const before = openSync(configPath(), 'r');
    const { ino } = statSync(configPath());
    const other = '33333333-3333-4333-8333-333333333333';
    await call(folder, ['init'], { ...env, NIKDEV_DEVICE_ID: other });
    expect(readFileSync(before, 'utf8')).toContain(DEVICE_ID);
    closeSync(before);
    expect(readFileSync(configPath(), 'utf8')).toContain(other);
    expect(statSync(configPath()).ino).not.toBe(ino);
  });

  test('allows plain http for its own URL only', async () => {
    const url = 'http://192.0.2.1/api/v1/';
    await call(folder, ['init', '--insecure-http'], { ...env, NIKDEV_URL: url });
    const other = { NIKDEV_URL: 'http://192.0.2.2/', NIKDEV_API_KEY: API_KEY };
    for (const variables of [other, { ...other, NIKDEV_URL: url }])
      expect(await call(folder, ['status'], variables)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/plain http/),
      });
  });

  test('has no option for the key', async () => {
    const { stdout } = await call(folder, ['init', '--help']);
    expect(stdout).not.toMatch(/--(api-)?key/);
  });
});

describe('logout', () => {
  test('deletes the key, and only that', async () => {
    await init();
    await call(folder, ['add', 'a=1', '-c']);
    expect(await call(folder, ['logout'])).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(configPath(), 'utf8')).not.toContain(API_KEY);
    expect(await call(folder, ['status'])).toMatchObject({ code: 2, stderr: expect.stringContaining('no API key') });
    const { NIKDEV_API_KEY, NIKDEV_URL } = env;
    const { stdout } = await call(folder, ['status', '--json'], { NIKDEV_API_KEY, NIKDEV_URL } as Record<
      string,
      string
    >);
    expect(JSON.parse(stdout)).toMatchObject({ committed: 1 });
  });
});

describe('the environment', () => {
  test('is enough without init', async () => {
    expect((await call(folder, ['add', 'a=1', '-c'], env)).code).toBe(0);
    expect(modeOf(join(folder, '.nikdev-iot'))).toBe('700');
    expect(modeOf(join(folder, '.nikdev-iot', 'nikdev-iot-1_folder_readings.journal'))).toBe('600');
  });

  test('wins over the configuration', async () => {
    await init();
    const other = '33333333-3333-4333-8333-333333333333';
    const { stdout } = await call(folder, ['status'], { NIKDEV_DEVICE_ID: other });
    expect(stdout).toContain(other);
  });

  test('wins with its key', async () => {
    await init();
    const { env: online, emulator } = await commandServer();
    const other = '44444444-4444-4444-8444-444444444444';
    await call(folder, ['init'], { ...online, NIKDEV_API_KEY: other });
    expect(await call(folder, ['add', 'a=1', '-cp'])).toMatchObject({ code: 1 });
    const { NIKDEV_API_KEY = '', NIKDEV_URL = '' } = online;
    expect(await call(folder, ['push'], { NIKDEV_API_KEY, NIKDEV_URL })).toMatchObject({ code: 0 });
    expect(storedTexts(emulator)).toEqual([1]);
  });

  test('wins with its folder over one that would be found', async () => {
    await init();
    const NIKDEV_DIR = join(folder, 'there');
    expect((await call(folder, ['add', 'a=1', '-c'], { ...env, NIKDEV_DIR })).code).toBe(0);
    expect((await call(folder, ['log'])).stdout).toBe('The queue is empty.\n');
    expect((await call(folder, ['log'], { ...env, NIKDEV_DIR })).stdout).toMatch(/a=1\n$/);
  });

  test('loses the key, which child processes would inherit', async () => {
    const own: Record<string, string> = { ...env };
    const { main } = await import('../../src/cli/main.js');
    const silent = { write: () => true };
    await main(['status'], {
      env: own,
      stdout: silent,
      stderr: silent,
      cwd: () => folder,
    } as unknown as NodeJS.Process);
    expect(own).not.toHaveProperty('NIKDEV_API_KEY');
  });

  test('may name a file of the key, and a folder', async () => {
    const file = join(folder, 'key');
    writeFileSync(file, `${API_KEY}\n`);
    const { NIKDEV_API_KEY: _, ...others } = env;
    const own = { ...others, NIKDEV_API_KEY_FILE: file, NIKDEV_DIR: 'there' } as Record<string, string>;
    expect((await call(folder, ['add', 'a=1', '-c'], own)).code).toBe(0);
    expect(existsSync(join(folder, 'there', 'nikdev-iot-1_folder_readings.journal'))).toBe(true);
  });

  test.each([
    ['in UTF-16, as PowerShell 5 writes it', Buffer.from(`\uFEFF${API_KEY}\r\n`, 'utf16le')],
    ['in UTF-8 with a byte order mark', `\uFEFF${API_KEY}\r\n`],
    ['after blank lines', `\n \r\n${API_KEY}\n`],
    ['before other lines', `${API_KEY}\nother\n`],
  ])('may name a file of the key %s', async (_, text) => {
    const file = join(folder, 'key');
    writeFileSync(file, text);
    const { NIKDEV_API_KEY: __, ...others } = env;
    expect(await call(folder, ['init'], { ...others, NIKDEV_API_KEY_FILE: file })).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(configPath(), 'utf8'))).toMatchObject({ apiKey: API_KEY });
  });

  test('may not name both a key and a file of it', async () => {
    expect(await call(folder, ['status'], { ...env, NIKDEV_API_KEY_FILE: 'x' })).toMatchObject({ code: 2 });
  });
});

describe('a key', () => {
  test('of the environment is never sent to a server that only the configuration names', async () => {
    await init();
    changeConfig({ baseUrl: 'https://evil.example/api/v1/' });
    const { code, stderr } = await call(folder, ['test'], { NIKDEV_API_KEY: API_KEY });
    expect(code).toBe(2);
    expect(stderr).toMatch(/not sent to https:\/\/evil\.example/);
  });

  test('of the configuration is never sent to another server', async () => {
    await init();
    const { code, stderr } = await call(folder, ['test'], { NIKDEV_URL: 'https://other.example/' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/not sent to https:\/\/other\.example/);
  });
});

describe('the configuration is refused', () => {
  beforeEach(init);

  /** Refused by a command with the way out, which init is. */
  const refused = async (message: RegExp, advice = /nikdev-iot init/): Promise<void> => {
    const { code, stdout, stderr } = await call(folder, ['status']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(advice);
    expect(stderr).not.toContain(API_KEY.slice(0, 8));
    const again = await call(folder, ['init'], env);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Saved in') });
    expect(again.stderr).toMatch(message);
    expect(again.stderr).toMatch(/is replaced, and its options are lost\n$/);
    expect(again.stderr).not.toContain(API_KEY.slice(0, 8));
    expect(await call(folder, ['status'])).toMatchObject({ code: 0, stderr: '' });
    expect(modeOf(configPath())).toBe('600');
    expect(modeOf(join(folder, '.nikdev-iot'))).toBe('700');
  };

  test('if others may read it', async () => {
    chmodSync(configPath(), 0o640);
    await refused(/may be used by other users/, /chmod 600 \/.*config\.json/);
  });

  test('if it is a link', async () => {
    renameSync(configPath(), join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), configPath());
    await refused(/is a link/);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(true);
  });

  test('if it has another name', async () => {
    linkSync(configPath(), join(folder, 'elsewhere'));
    await refused(/hard link/);
  });

  test('if its folder may be written to by others', async () => {
    chmodSync(join(folder, '.nikdev-iot'), 0o777);
    await refused(/may be written to by other users/, /chmod 700 \//);
  });

  test('if it is not JSON, without showing it', async () => {
    writeFileSync(configPath(), `{ "apiKey": "${API_KEY}`);
    await refused(/is not JSON/);
  });

  test('if it holds something unknown', async () => {
    changeConfig({ fetch: 'x' });
    await refused(/"fetch", which is not known/);
  });

  test('if an option can not be used', async () => {
    changeConfig({ maxQueuedEntries: -1 });
    await refused(/maxQueuedEntries must be/, /config\.json/);
  });

  test('if it is endless', async () => {
    writeFileSync(configPath(), ' '.repeat(70_000));
    await refused(/too long for a configuration/);
  });
});

test('a journal that is a link is named, and not followed', async () => {
  await init();
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'kept');
  symlinkSync(victim, join(folder, '.nikdev-iot', 'nikdev-iot-1_folder_readings.journal'));
  const { code, stderr } = await call(folder, ['add', 'a=1', '-c']);
  expect(code).toBe(75);
  expect(stderr).toMatch(/readings\.journal can't be read .*\nNothing was changed/);
  expect(readFileSync(victim, 'utf8')).toBe('kept');
});

describe('the folder', () => {
  test('is found upward', async () => {
    await init();
    const inner = join(folder, 'a', 'b');
    mkdirSync(inner, { recursive: true });
    expect((await call(inner, ['add', 'a=1', '-c'])).code).toBe(0);
    expect(existsSync(join(folder, '.nikdev-iot', 'nikdev-iot-1_folder_readings.journal'))).toBe(true);
  });

  test('is not searched above the home folder', async () => {
    await init();
    const home = join(folder, 'home');
    const inner = join(home, 'a');
    mkdirSync(inner, { recursive: true });
    expect(findFolder(inner, home)).toBeUndefined();
    expect(findFolder(inner, folder)).toBe(join(folder, '.nikdev-iot'));
  });

  describeOnSmallDisk('on a disk of its own', (mountDisk) => {
    test('is not searched beyond the border of a file system', async () => {
      await init();
      const inner = join(folder, 'inner');
      mkdirSync(inner);
      expect(findFolder(inner, '/nowhere')).toBe(join(folder, '.nikdev-iot'));
      mountDisk(64, inner);
      mkdirSync(join(inner, 'deeper'));
      for (const from of [inner, join(inner, 'deeper')]) expect(findFolder(from, '/nowhere')).toBeUndefined();
    });
  });

  test('that is missing is named, with the way to make it', async () => {
    const { code, stderr } = await call('/proc', ['status']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/there is no \.nikdev-iot in .*\n.*nikdev-iot init/);
  });

  describeWithSecondUser('of another user', () => {
    test('is passed over', () => {
      chmodSync(folder, 0o777);
      asNobody('mkdir -m 755 "$1"', join(folder, '.nikdev-iot'));
      expect(findFolder(folder, '/nowhere')).toBeUndefined();
    });

    test('is refused with its configuration, also by init', async () => {
      await init();
      chmodSync(folder, 0o777);
      chmodSync(join(folder, '.nikdev-iot'), 0o777);
      rmSync(configPath());
      asNobody('umask 077; echo {} > "$1"', configPath());
      chmodSync(join(folder, '.nikdev-iot'), 0o700);
      const advice = expect.stringMatching(/belongs to another user\nRun rm .*config\.json, then nikdev-iot init\./);
      for (const command of ['status', 'init'])
        expect(await call(folder, [command], env)).toMatchObject({ code: 2, stdout: '', stderr: advice });
    });

    test('is refused where it is named', async () => {
      chmodSync(folder, 0o777);
      asNobody('mkdir -m 755 "$1"', join(folder, 'theirs'));
      const result = await call(folder, ['status'], { ...env, NIKDEV_DIR: 'theirs' });
      expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('belongs to another user') });
    });
  });
});
