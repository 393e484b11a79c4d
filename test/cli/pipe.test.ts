import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandProcess, call, commandServer, environmentFor, run, start } from '../support/processes/command.js';
import { asHandler, storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

const SLOW = 60_000;

async function configure(options: object): Promise<void> {
  expect(await call(folder, ['init'], env)).toMatchObject({ code: 0 });
  const path = join(folder, '.nikdev-iot', 'config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...options }));
}

/** The entries that wait. */
async function logged(): Promise<{ values: { value: unknown }[] }[]> {
  const lines = (await call(folder, ['log', '--json'], env)).stdout.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as { values: { value: unknown }[] }).reverse();
}

/** The first value of each entry, stored or waiting. */
const seen = async (): Promise<unknown[]> => {
  const waiting = (await logged()).map(({ values: [first] }) => first?.value);
  return [...new Set([...storedTexts(emulator), ...waiting])];
};

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
      expect(busy).toMatchObject({ code: 75, stderr: expect.stringContaining('is pushing from') });
      pipe.kill('SIGTERM');
      expect(await pipe.ended).toMatchObject({ code: 0, stderr: '' });
      expect(storedTexts(emulator)).toEqual([1]);
      await call(folder, ['push'], env);
      expect(storedTexts(emulator)).toEqual([1, 1]);
    },
    SLOW,
  );

  test(
    'drops a line that can not be saved, and says so: it is no part of a later entry',
    async () => {
      await configure({ maxQueuedEntries: 1 });
      emulator.script(...Array.from({ length: 50 }, () => ({ status: 503 })));
      const { code, stderr } = await run(folder, ['pipe', '--wait', '1s'], env, 'a=1\nb=2\nc=3\n');
      expect(code).toBe(1);
      for (const number of [2, 3])
        expect(stderr).toContain(`line ${number}: maxQueuedEntries (1) is reached. This line was not saved.\n`);
      expect(stderr).not.toContain('staged');
      expect(await logged()).toMatchObject([{ values: [{ fieldId: 'a', value: 1 }] }]);
    },
    SLOW,
  );

  test(
    'commits the last interval on a full queue once a push has made room',
    async () => {
      await configure({ maxQueuedEntries: 1, autoPush: false });
      expect(await call(folder, ['add', 'a=1', '-c'], env)).toMatchObject({ code: 0 });
      expect(await run(folder, ['pipe', '--every', '1h'], env, 'a=2\n')).toMatchObject({ code: 0, stderr: '' });
      expect(storedTexts(emulator)).toEqual([1, 2]);
    },
    SLOW,
  );

  test(
    'leaves the values of an interval that can not be saved to the next one',
    async () => {
      await configure({ maxQueuedEntries: 1 });
      emulator.script({ status: 429, headers: { 'Retry-After': '4' } });
      await call(folder, ['add', 'a=1', '-cp'], env);
      const pipe = start(folder, ['pipe', '--every', '1s'], env);
      pipe.stdin.write('b=2\n');
      await expect.poll(() => pipe.written.stderr, { timeout: 20_000 }).toContain('left to the next interval');
      pipe.stdin.write('c=3\n');
      await expect.poll(() => storedTexts(emulator), { timeout: 20_000 }).toEqual([1, 2]);
      pipe.stdin.end();
      expect(await pipe.ended).toMatchObject({ code: 1 });
      expect(emulator.entries(DEVICE_ID).at(-1)?.values).toEqual([
        { fieldId: 'b', value: 2 },
        { fieldId: 'c', value: 3 },
      ]);
    },
    SLOW,
  );

  test(
    'commits at each interval while the input goes on',
    async () => {
      const pipe = start(folder, ['pipe', '--every', '300ms', '--json'], env);
      for (const value of [1, 2]) {
        pipe.stdin.write(`a=0\na=${value}\n`);
        await expect.poll(seen, { timeout: 20_000 }).toContain(value);
      }
      pipe.stdin.end();
      expect(await pipe.ended).toMatchObject({ code: 0, stderr: '' });
      expect((await seen()).filter((value) => value !== 0)).toEqual([1, 2]);
    },
    SLOW,
  );

  test(
    'ends with exit code 1 where an entry was quarantined',
    async () => {
      const picky = async (request: Request): Promise<Response> => {
        const upload = request.method === 'POST' ? await request.clone().text() : '';
        return upload.includes('"bad"') ? new Response('{}', { status: 400 }) : asHandler(emulator)(request);
      };
      env = environmentFor(`${await serveOnLoopback(picky)}api/v1/`);
      const { code, stderr } = await run(folder, ['pipe'], env, 'a=1\nbad=2\nc=3\n');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^quarantined: /m);
      expect(storedTexts(emulator)).toEqual([1, 3]);
    },
    SLOW,
  );

  test(
    'ends within 10 s of SIGTERM while no request is answered, and keeps everything',
    async () => {
      emulator.script(...Array.from({ length: 20 }, () => ({ hang: true as const })));
      const pipe = start(folder, ['pipe', '--json'], env);
      pipe.stdin.write('a=1\n');
      await expect.poll(seen, { timeout: 20_000 }).toEqual([1]);
      const stopped = performance.now();
      pipe.kill('SIGTERM');
      const { code, stdout } = await pipe.ended;
      expect(performance.now() - stopped).toBeLessThan(10_000);
      expect(code).toBe(75);
      expect(JSON.parse(stdout)).toMatchObject({ committed: 1, pushed: 0 });
    },
    SLOW,
  );

  test(
    'ends within 10 s of SIGTERM in the midst of thousands of lines, of which it keeps the first ones',
    async () => {
      emulator.script(...Array.from({ length: 20 }, () => ({ hang: true as const })));
      const pipe = start(folder, ['pipe'], env);
      pipe.stdin.write(Array.from({ length: 16_000 }, (_, line) => `a=${line}\n`).join(''));
      await expect.poll(() => emulator.requests.length, { timeout: 20_000 }).toBeGreaterThan(0);
      const stopped = performance.now();
      pipe.kill('SIGTERM');
      expect(await pipe.ended).toMatchObject({ code: 75 });
      expect(performance.now() - stopped).toBeLessThan(10_000);
      const { committed } = JSON.parse((await call(folder, ['status', '--json'], env)).stdout) as { committed: number };
      const { stdout } = await call(folder, ['log', '--json', '-n', '1'], env);
      expect(committed).toBeGreaterThan(0);
      expect(stdout).toContain(`"value":${committed - 1}`);
    },
    SLOW,
  );

  test.each([
    ['the input has ended', () => {}],
    ['SIGTERM has come', (pipe: CommandProcess) => pipe.kill('SIGTERM')],
  ])(
    'does not push before the pause of an earlier call is over, also once %s',
    async (_, end) => {
      // Any entry would trigger a push.
      await configure({ autoPush: { everySeconds: 1, atEntries: 1 } });
      emulator.script({ status: 429, headers: { 'Retry-After': '600' } });
      await call(folder, ['add', 'a=1', '-cp'], env);
      const pipe = start(folder, ['pipe', '--wait', '1s'], env);
      pipe.stdin.write('a=2\n');
      await expect.poll(seen, { timeout: 20_000 }).toEqual([1, 2]);
      pipe.stdin.end();
      end(pipe);
      const { code, stderr } = await pipe.ended;
      expect(code).toBe(75);
      expect(stderr).toMatch(/the next push is due in \d+ s: Bad luck: .*429/);
      expect(emulator.requests).toHaveLength(1);
    },
    SLOW,
  );

  test(
    'pushes once the pause of an earlier call is over',
    async () => {
      emulator.script({ status: 429, headers: { 'Retry-After': '3' } });
      await call(folder, ['add', 'a=1', '-cp'], env);
      const pipe = start(folder, ['pipe'], env);
      await expect.poll(() => storedTexts(emulator), { timeout: 20_000 }).toEqual([1]);
      expect(emulator.requests).toHaveLength(2);
      pipe.stdin.end();
      expect(await pipe.ended).toMatchObject({ code: 0 });
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
