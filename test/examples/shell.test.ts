import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { VARIABLES } from '../../src/cli/definitions.js';
import type { Emulator } from '../../src/emulator.js';
import { findProgram } from '../support/browsers/find-program.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { withIds } from '../support/package/markdown.js';
import { COMMAND, call, commandServer, run } from '../support/processes/command.js';
import { storedTexts } from '../support/servers/emulator.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/shell/', import.meta.url));
const read = (name: string): string => readFileSync(join(EXAMPLE, name), 'utf8');
const KNOWN = VARIABLES.map(([name]) => name);
const SLOW = 90_000;

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder({ onDisk: true });
  ({ emulator, env } = await commandServer());
  // As `npm install --global` puts it there, and the scripts as the README says.
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'nikdev-iot'), `#!/bin/sh\nexec ${process.execPath} ${COMMAND} "$@"\n`);
  chmodSync(join(folder, 'bin', 'nikdev-iot'), 0o755);
  cpSync(EXAMPLE, join(folder, 'nikdev'), { recursive: true });
  mkdirSync(join(folder, 'work'));
});

/** The command of the cron line, with the folders of this test. */
function cronCommand(): string {
  const [, command = ''] = /^\* \* \* \* \* (.+)$/m.exec(read('crontab')) ?? [];
  return command.replace('/var/lib/nikdev', join(folder, 'work')).replace('/opt/nikdev', join(folder, 'nikdev'));
}

/** Runs a line as cron does, in a process group of its own. */
function startShell(line: string) {
  const PATH = `${join(folder, 'bin')}:/usr/bin:/bin`;
  const shell = spawn('/bin/sh', ['-c', line], { env: { ...env, PATH, HOME: folder }, detached: true });
  const written = { text: '' };
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (text) => (written.text += text));
  const ended = once(shell, 'close').then(([code]) => ({ code: code as number | null, text: written.text }));
  return { ended, kill: () => process.kill(-(shell.pid ?? 0), 'SIGKILL') };
}

const stored = (): number => emulator.entries(DEVICE_ID).length;

describe('the cron line', () => {
  test(
    'commits and pushes a reading, and says nothing',
    async () => {
      expect(await startShell(cronCommand()).ended).toEqual({ code: 0, text: '' });
      const [entry] = emulator.entries(DEVICE_ID);
      expect(entry?.values.map(({ fieldId }) => fieldId)).toEqual(['load', 'memory']);
    },
    SLOW,
  );

  test(
    'saves the reading while the server is away, and pushes it with a later one',
    async () => {
      emulator.script({ status: 503, headers: { 'Retry-After': '1' } });
      expect(await startShell(cronCommand()).ended).toMatchObject({ code: 0, text: expect.stringContaining('503') });
      expect(stored()).toBe(0);
      await expect
        .poll(() => startShell(cronCommand()).ended.then(stored), { timeout: 60_000 })
        .toBeGreaterThanOrEqual(2);
    },
    SLOW,
  );

  test(
    'loses no reading that was committed to kill -9 at any moment',
    async () => {
      const work = join(folder, 'work');
      const said: number[] = [];
      // On a busy machine a commit takes longer: then more rounds follow, each of which lives longer.
      for (let count = 0; count < 10 || (said.length === 0 && count < 50); count++) {
        const shell = startShell(
          `cd ${work} && nikdev-iot add a=${count} -c && touch said-${count} && nikdev-iot push`,
        );
        const timer = setTimeout(() => shell.kill(), 60 + 60 * count);
        await shell.ended;
        clearTimeout(timer);
        const { status } = spawnSync('test', ['-e', join(work, `said-${count}`)]);
        if (status === 0) said.push(count);
      }
      expect(said.length).toBeGreaterThan(0);
      await expect.poll(async () => (await call(work, ['push', '--now'], env)).code, { timeout: 30_000 }).toBe(0);
      // A request that was killed may have been stored, and be sent again.
      expect(storedTexts(emulator)).toEqual(expect.arrayContaining(said));
    },
    SLOW,
  );
});

describe('the systemd units', () => {
  const service = read('nikdev-reading.service');
  const analyze = findProgram(undefined, 'systemd-analyze');

  test('set variables that the command knows, and never the key itself', () => {
    const names = [...service.matchAll(/^Environment="?(\w+)=/gm)].map(([, name = '']) => name);
    expect(names).toEqual(['NIKDEV_DEVICE_ID', 'NIKDEV_API_KEY_FILE', 'NIKDEV_DIR']);
    expect(KNOWN).toEqual(expect.arrayContaining(names));
    expect(service).toMatch(/^DynamicUser=yes$/m);
  });

  test.runIf(analyze)('are ones that systemd takes without a warning', () => {
    const units = join(folder, 'units');
    mkdirSync(units);
    const program = join(folder, 'nikdev', 'nikdev-reading');
    const files = ['nikdev-reading.service', 'nikdev-reading.timer'].map((name) => {
      writeFileSync(join(units, name), withIds(read(name)).replace('/opt/nikdev/nikdev-reading', program));
      return join(units, name);
    });
    const { stderr, status } = spawnSync(analyze ?? '', ['verify', ...files], { encoding: 'utf8' });
    const warnings = stderr.split('\n').filter((line) => line.includes('nikdev-reading'));
    expect({ warnings, status }).toEqual({ warnings: [], status: 0 });
  });
});

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('sets variables that the command knows, runs without a shell and not as root', () => {
    const names = [...dockerfile.matchAll(/\b(NIKDEV_\w+)/g)].map(([, name = '']) => name);
    expect(KNOWN).toEqual(expect.arrayContaining(names));
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["nikdev-iot"\]\nCMD \["pipe"\]$/m);
  });

  test(
    'runs a command that pipes what it gets into the volume, and pushes it',
    async () => {
      const result = await run('/', ['pipe'], { ...env, NIKDEV_DIR: join(folder, 'readings') }, 'a=1\na=2\n');
      expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(stored()).toBe(2);
    },
    SLOW,
  );
});
