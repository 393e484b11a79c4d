import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { call, environmentFor } from '../support/processes/command.js';
import { onTerminal } from '../support/processes/terminal.js';
import { asHandler, oneDevice, storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const SLOW = 60_000;
let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  emulator = oneDevice();
  env = environmentFor(`${await serveOnLoopback(asHandler(emulator))}api/v1/`);
});

const ESCAPE = '\u001b[';
/** One line, after the lines of other calls; on a terminal it has colour. */
const OUTPUT_FAILED =
  /^(?:Committed .*\r\n|Pushed .*\r\n)*\S*nikdev-iot: standard output could not be written \(ENOSPC\)\S*\r\n$/;
const TWO_OUTPUTS_FAILED =
  /^(?:Committed .*\r\n)?(?:\S*nikdev-iot: standard output could not be written \(ENOSPC\)\S*\r\n){2}$/;

describe('on a terminal', () => {
  test(
    'init asks for the credentials, and does not show the key',
    async () => {
      const terminal = onTerminal(folder, '$nikdev init');
      await terminal.shows('Device ID: ');
      terminal.type(`${DEVICE_ID}\r`);
      await terminal.shows('API key (not shown): ');
      terminal.type(`${API_KEY}x\u007f\r`);
      await terminal.shows('URL of the server [https://iot.nik-dev.se/api/v1/]: ');
      terminal.type(`${env['NIKDEV_URL']}\r`);
      expect(await terminal.ended).toBe(0);
      expect(terminal.shown()).toContain('Saved in');
      expect(terminal.shown()).not.toContain(API_KEY.slice(0, 8));
      const config: unknown = JSON.parse(readFileSync(join(folder, '.nikdev-iot', 'config.json'), 'utf8'));
      expect(config).toEqual({ deviceId: DEVICE_ID, apiKey: API_KEY, baseUrl: env['NIKDEV_URL'] });
    },
    SLOW,
  );

  test(
    'init that is interrupted at the key saves nothing, and leaves the terminal as it was',
    async () => {
      const terminal = onTerminal(folder, `$nikdev init --device ${DEVICE_ID}; stty -a`);
      await terminal.shows('API key (not shown): ');
      terminal.type('\u0003');
      await terminal.shows(/[^-]icanon/);
      expect(terminal.shown()).toContain('nothing was saved');
      expect(terminal.shown()).toMatch(/[^-]\becho\b/);
      await terminal.ended;
    },
    SLOW,
  );

  test(
    'pipe says that its input failed, and pushes the lines before',
    async () => {
      // In a session of its own the command outlives the terminal, as it does a serial device that is unplugged.
      const line = 'setsid -w $nikdev pipe > out 2> err; echo "code $?" > code';
      const terminal = onTerminal(folder, `trap "" HUP; ${line}`, env);
      terminal.type('a=1\r');
      const log = async (): Promise<string> => (await call(folder, ['log'], env)).stdout;
      await expect.poll(log, { timeout: 20_000 }).toContain('a=1');
      terminal.unplug();
      const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
      await expect.poll(() => existsSync(join(folder, 'code')) && read('code'), { timeout: 20_000 }).toBe('code 1\n');
      expect(read('err')).toBe('standard input failed (EIO). The lines before are committed.\n');
      expect(storedTexts(emulator)).toEqual([1]);
    },
    SLOW,
  );

  test(
    'pipe shows its progress in one line, errors above it',
    async () => {
      const terminal = onTerminal(folder, "printf 'a=1\\nbad\\na=2\\n' | $nikdev pipe", env);
      expect(await terminal.ended).toBe(1);
      const lines = terminal.shown().split('\r\n');
      expect(lines.at(-2)).toMatch(/2 committed · 2 pushed · 0 waiting$/);
      expect(lines.filter((line) => line.includes('committed'))).toHaveLength(1);
      expect(terminal.shown()).toContain('line 2: ');
    },
    SLOW,
  );

  test(
    'results have colour; not with NO_COLOR, and not where the output is not a terminal',
    async () => {
      const shown = async (line: string, extra: Record<string, string> = {}): Promise<string> => {
        const terminal = onTerminal(folder, line, { ...env, ...extra });
        await terminal.ended;
        return terminal.shown();
      };
      expect(await shown('$nikdev test')).toContain(`${ESCAPE}32mok`);
      expect(await shown('$nikdev test', { NO_COLOR: '1' })).not.toContain(ESCAPE);
      expect(await shown('$nikdev test', { TERM: 'dumb' })).not.toContain(ESCAPE);
      expect(await shown('$nikdev test | cat')).not.toContain(ESCAPE);
      expect(await shown('$nikdev test --json')).not.toContain(ESCAPE);
    },
    SLOW,
  );

  test(
    'a reader that has seen enough is no failure',
    async () => {
      const terminal = onTerminal(
        folder,
        `for n in 1 2 3; do $nikdev add a=$n -c; done | head -n 1; $nikdev log | head -n 0; echo end`,
        env,
      );
      await terminal.ended;
      expect(terminal.shown()).toMatch(/end\r\n$/);
      expect(terminal.shown()).not.toMatch(/EPIPE|Error/);
    },
    SLOW,
  );

  test.each([
    ['$nikdev add a=1 -cp', 0, 1],
    ['$nikdev add a=1 -cp --json', 0, 1],
    ["printf 'a=1\\nbad\\na=2\\n' | $nikdev pipe --json", 1, 2],
  ])(
    'a reader that is gone before the first line ends no commit and no push: %s',
    async (line, code, stored) => {
      const terminal = onTerminal(folder, `{ ${line}; echo "code $?" > /dev/tty; } 2>&1 | true`, env);
      await terminal.shows(/code \d/);
      expect(terminal.shown()).toContain(`code ${code}`);
      expect(emulator.entries(DEVICE_ID)).toHaveLength(stored);
    },
    SLOW,
  );

  test.each([
    ['$nikdev add a=1 -cp > /dev/full', 1, 1, OUTPUT_FAILED],
    ['$nikdev add a=1 -cp --json > /dev/full', 1, 1, OUTPUT_FAILED],
    ['$nikdev add a=1 -cp > /dev/full 2>&1', 1, 1, /^$/],
    ['$nikdev add a=1 -c 2> /dev/full && $nikdev push > /dev/full; $nikdev log > /dev/full', 1, 1, TWO_OUTPUTS_FAILED],
    ['$nikdev add a=1 -cp && $nikdev watch a --every 1s > /dev/full', 1, 1, OUTPUT_FAILED],
    ["(printf 'a=1\\nbad\\n'; sleep 1; printf 'a=2\\n') | $nikdev pipe 2> /dev/full", 1, 2, /^$/],
    ["(printf 'a=1\\n'; sleep 1; printf 'a=2\\n') | $nikdev pipe --json > /dev/full", 1, 2, OUTPUT_FAILED],
  ])(
    'an output on a full disk ends no commit and no push: %s',
    async (line, code, stored, shown) => {
      const terminal = onTerminal(folder, `${line}; echo "code $?" > code`, env);
      await terminal.ended;
      expect(readFileSync(join(folder, 'code'), 'utf8')).toBe(`code ${code}\n`);
      expect(emulator.entries(DEVICE_ID)).toHaveLength(stored);
      // The progress of a pipe stands on the terminal, too.
      expect(terminal.shown().replace(/[^\n]*\d committed[^\n]*\n/g, '')).toMatch(shown);
    },
    SLOW,
  );

  test(
    'watch ends when its reader does not read the next value',
    async () => {
      await call(folder, ['add', 'a=first', '-cp'], env);
      const terminal = onTerminal(folder, '$nikdev watch a --every 1s | head -n 1', env);
      await terminal.shows('first');
      await call(folder, ['add', 'a=second', '-cp'], env);
      expect(await terminal.ended).toBe(0);
      expect(terminal.shown()).not.toContain('second');
    },
    SLOW,
  );
});
