import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findProgram } from '../support/browsers/find-program.js';
import { type Consumer, installPacked } from '../support/package/installed-package.js';
import { type Block, blocksOf, readPage, withIds } from '../support/package/markdown.js';

const readme = blocksOf(readPage('README.md'));
const gettingStarted = blocksOf(readPage('docs/getting-started.md'));
const docker = blocksOf(readPage('docs/docker.md'));

/** The first block of a language that contains a text. */
function block(blocks: readonly Block[], language: string, text = ''): string {
  const found = blocks.find((one) => one.language === language && one.code.includes(text));
  if (found === undefined) throw new Error(`no block in ${language} contains "${text}"`);
  return found.code;
}

const DEVICE = block(readme, 'js', "process.once('SIGTERM'");
/** The output of the device, with a pattern in the place of the id. */
const OUTPUT = new RegExp(`^${block(readme, 'text', 'saved').replace(/(?<=saved )\S+-1/, '\\S+-1')}$`);

interface Running {
  readonly child: ChildProcess;
  readonly written: { text: string };
}

/** Starts a line of a shell. Its last command takes the place of the shell, and so gets the signals. */
function start(line: string, folder: string, env: NodeJS.ProcessEnv): Running {
  const child = spawn('sh', ['-c', line.replace(/(?:^|(?<=; ))(?=[^;]*$)/, 'exec ')], { cwd: folder, env });
  const written = { text: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (written.text += text));
  return { child, written };
}

async function stop({ child }: Running): Promise<number | null> {
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  const [code] = await ended;
  return code as number | null;
}

let consumer: Consumer;
let emulator: Running;
/** The variables that the emulator prints, beside those of a plain shell. */
let env: Record<string, string>;
beforeAll(async () => {
  consumer = await installPacked('npm install nikdev-iot');
  const { PATH = '', HOME = '' } = process.env;
  const plain = { PATH: `${join(consumer.folder, 'node_modules', '.bin')}:${PATH}`, HOME };
  const [, line = ''] = /^npx (nikdev-iot emulator)/m.exec(block(readme, 'sh', 'nikdev-iot emulator')) ?? [];
  // A free port in the place of 8080; npx would look the package up.
  emulator = start(`${line} --port 0`, consumer.newFolder(), plain);
  await vi.waitFor(() => expect(emulator.written.text).toMatch(/then: nikdev-iot add/), 30_000);
  const exports = [...emulator.written.text.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  expect(exports).toHaveLength(3);
  env = { ...plain, ...Object.fromEntries(exports) };
}, 120_000);
afterAll(async () => {
  if (emulator) await stop(emulator);
  consumer?.remove();
});

/** The number of entries that the emulator has shown to be stored. */
const stored = (): number => emulator.written.text.match(/POST \/api\/v1\/entries\/ 200 1 entry/g)?.length ?? 0;

describe('the quick start of the README, on the packed package,', { timeout: 60_000 }, () => {
  test.concurrent('stores the first reading, and prints what is shown', async () => {
    const folder = consumer.newFolder();
    writeFileSync(join(folder, 'device.mjs'), DEVICE);
    const device = start('node device.mjs', folder, env);
    await expect.poll(() => device.written.text, { timeout: 40_000 }).toContain('saved ');
    // SIGTERM pushes the rest.
    expect(await stop(device)).toBe(0);
    expect(device.written.text).toMatch(OUTPUT);
    const get = ['get', 'temperature', '--json'];
    expect(execFileSync('nikdev-iot', get, { cwd: folder, env }).toString()).toContain('21.5');
  });

  test.concurrent.each(['--env-file', 'set -a'])(
    'runs with the environment file of docs/getting-started.md, which only its user may read: %s',
    async (text) => {
      const folder = consumer.newFolder();
      writeFileSync(join(folder, 'device.mjs'), DEVICE);
      const { NIKDEV_DEVICE_ID = '', NIKDEV_API_KEY = '', ...rest } = env;
      const input = block(gettingStarted, 'text', 'NIKDEV_API_KEY=')
        .replace('<Device ID>', NIKDEV_DEVICE_ID)
        .replace('<API Key>', NIKDEV_API_KEY);
      execFileSync('sh', ['-ec', block(gettingStarted, 'sh', 'cat > environment')], { cwd: folder, input });
      expect(statSync(join(folder, 'environment')).mode & 0o777).toBe(0o600);
      const line = block(gettingStarted, 'sh', text).replace(/ #.*/, '').trim();
      const device = start(line, folder, rest);
      await expect.poll(() => device.written.text, { timeout: 40_000 }).toContain('saved ');
      expect(await stop(device)).toBe(0);
      expect(device.written.text).toMatch(OUTPUT);
    },
  );

  test.concurrent('stores a reading from a shell, and from the line of cron', async () => {
    const [inline = ''] = readPage('README.md').match(/(?<=`npx )nikdev-iot add \S+ -cp(?=`)/) ?? [];
    const [, cron = ''] = /^\* \* \* \* \* cd ~\/nikdev && (.*)$/m.exec(block(gettingStarted, 'text', '* * *')) ?? [];
    for (const line of [inline, cron]) {
      expect(line).toMatch(/^nikdev-iot add /);
      execFileSync('sh', ['-ec', line], { cwd: consumer.newFolder(), env });
    }
    await expect.poll(stored, { timeout: 15_000 }).toBeGreaterThanOrEqual(2);
  });
});

describe('docs/getting-started.md', () => {
  test('has the device of the README, and its output', () => {
    expect(block(gettingStarted, 'js', "process.once('SIGTERM'")).toBe(DEVICE);
    expect(block(gettingStarted, 'text', 'saved')).toBe(block(readme, 'text', 'saved'));
  });

  const unit = block(gettingStarted, 'ini', '[Service]');
  const analyze = findProgram(undefined, 'systemd-analyze');

  test('has a unit that runs the device with its environment, as a user of its own, in a folder of its own', () => {
    expect(unit).toContain('ExecStart=/usr/bin/node /opt/nikdev-device/device.mjs');
    expect(unit).toMatch(/^DynamicUser=yes\nStateDirectory=nikdev-device\nStateDirectoryMode=0700$/m);
    const install = block(gettingStarted, 'sh', 'systemctl enable');
    const [, file = ''] = /^EnvironmentFile=(.*)$/m.exec(unit) ?? [];
    expect(install).toContain(`sudo install -m 0600 environment ${file} `);
    expect(unit).toMatch(/^WorkingDirectory=%S\/nikdev-device$/m);
  });

  test.runIf(analyze)('has a unit that systemd takes without a warning', () => {
    const folder = join(consumer.newFolder(), 'units');
    mkdirSync(folder);
    const file = join(folder, 'nikdev-device.service');
    writeFileSync(file, withIds(unit).replace('/usr/bin/node', process.execPath));
    const { stderr, status } = spawnSync(analyze ?? '', ['verify', file], { encoding: 'utf8' });
    const warnings = stderr.split('\n').filter((line) => line.includes('nikdev-device'));
    expect({ warnings, status }).toEqual({ warnings: [], status: 0 });
  });
});

describe('docs/docker.md', () => {
  const device = block(docker, 'dockerfile', 'device.mjs');

  test('has an image that runs the device without a shell, not as root, with its folder in a volume', () => {
    expect(device).toMatch(/^USER node\nVOLUME \/app\/readings$/m);
    expect(device).toMatch(/^CMD \["node", "device\.mjs"\]$/m);
    expect(device).toContain('install -d -m 700 -o node -g node /app/readings');
    expect(DEVICE).toContain("fileStorage('./readings')");
    expect(device).toMatch(/^WORKDIR \/app$/m);
    for (const text of [block(docker, 'sh', 'docker build'), block(docker, 'yaml')])
      expect(text).toContain('readings:/app/readings');
  });

  test('has the image of examples/shell', () => {
    const example = readFileSync(new URL('../../examples/shell/Dockerfile', import.meta.url), 'utf8');
    const [, code = ''] = /^(FROM [\s\S]*)$/m.exec(example) ?? [];
    expect(block(docker, 'dockerfile', 'ENTRYPOINT')).toBe(code);
  });
});
