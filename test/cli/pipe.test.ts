import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { call, commandServer, run, start } from '../support/processes/command.js';
import { storedTexts } from '../support/servers/emulator.js';

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

const SLOW = 60_000;

describe('pipe', () => {
  test(
    'commits each line, and ends once everything is pushed',
    async () => {
      const lines = 'a=1\na=2 b="x y"\n\n{"a": 3, "b": true}\na=4';
      expect(await run(folder, ['pipe'], env, lines)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(emulator.entries(DEVICE_ID).map(({ values }) => values.map(({ value }) => value))).toEqual([
        [1],
        [2, 'x y'],
        [3, true],
        [4],
      ]);
    },
    SLOW,
  );

  test(
    'reports a line that can not be read with its number, and goes on',
    async () => {
      const lines = `a=1\nnonsense\n{"a": [1]}\n${'x'.repeat(2 ** 20 + 10)}\na=2\n`;
      const { code, stdout, stderr } = await run(folder, ['pipe', '--json'], env, lines);
      expect(code).toBe(1);
      expect(stderr.match(/^line (2|3|4): /gm)).toHaveLength(3);
      expect(storedTexts(emulator)).toEqual([1, 2]);
      expect(JSON.parse(stdout)).toMatchObject({ committed: 0, pushed: 2, failures: 3 });
    },
    SLOW,
  );

  test(
    'makes one entry of the lines of an interval',
    async () => {
      await run(folder, ['pipe', '--every', '1h'], env, 'a=1\na=2\nb=3\n');
      expect(emulator.entries(DEVICE_ID)).toMatchObject([{ values: [{ value: 2 }, { value: 3 }] }]);
    },
    SLOW,
  );

  test(
    'keeps everything where the server is away, and says so by its exit code',
    async () => {
      emulator.script(...Array.from({ length: 50 }, () => ({ status: 503 })));
      const { code, stderr } = await run(folder, ['pipe', '--wait', '1s'], env, 'a=1\na=2\n');
      expect(code).toBe(75);
      expect(stderr).toMatch(/Bad luck/);
      expect(JSON.parse((await call(folder, ['status', '--json'], env)).stdout)).toMatchObject({ committed: 2 });
    },
    SLOW,
  );

  test(
    'pushes what is there on SIGTERM, and pushes what other calls commit meanwhile',
    async () => {
      const pipe = start(folder, ['pipe'], env);
      pipe.stdin.write('a=1\n');
      await vi.waitFor(
        async () => {
          const { stdout } = await call(folder, ['log', '--json'], env);
          expect(stdout.length + emulator.entries(DEVICE_ID).length).toBeGreaterThan(0);
        },
        { timeout: 20_000 },
      );
      expect(await call(folder, ['add', 'b=1', '-c'], env)).toMatchObject({ code: 0 });
      const busy = await call(folder, ['push'], env);
      expect(busy).toMatchObject({ code: 75, stderr: expect.stringContaining('pushes from') });
      pipe.kill('SIGTERM');
      expect(await pipe.ended).toMatchObject({ code: 0, stderr: '' });
      expect(storedTexts(emulator)).toEqual([1]);
      await call(folder, ['push'], env);
      expect(storedTexts(emulator)).toEqual([1, 1]);
    },
    SLOW,
  );

  test(
    'loses no committed line to kill -9',
    async () => {
      const pipe = start(folder, ['pipe'], env);
      for (let count = 0; count < 20; count++) pipe.stdin.write(`a=${count}\n`);
      const done = async (): Promise<number> => {
        const { stdout } = await call(folder, ['status', '--json'], env);
        return (JSON.parse(stdout) as { committed: number }).committed;
      };
      await vi.waitFor(async () => expect(await done()).toBe(20), { timeout: 20_000 });
      pipe.kill('SIGKILL');
      await pipe.ended;
      expect(await call(folder, ['push'], env)).toMatchObject({ code: 0 });
      expect(storedTexts(emulator)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    },
    SLOW,
  );
});
