import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { Api, type FieldValue, memoryStorage } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandProcess, commandServer, environmentFor, run, start } from '../support/processes/command.js';
import { asHandler } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const SLOW = 60_000;
const PAST = Math.floor(Date.now() / 1000) - 1000;
const WRONG_KEY = '44444444-4444-4444-8444-444444444444';

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

/** Stores an entry on the emulator. */
async function store(values: Record<string, FieldValue>, timestamp: number): Promise<void> {
  const api = new Api({ ...credentials, fetch: emulator.fetch, storage: memoryStorage(), autoPush: false });
  api.addValues(values);
  api.commit({ timestamp });
  await api.push();
  await api.close();
}

/** Starts a watch that ends with the test at the latest. */
function startWatch(...args: string[]): CommandProcess {
  const watch = start(folder, ['watch', ...args, '--every', '1s'], env);
  onTestFinished(() => watch.kill('SIGKILL'));
  return watch;
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

const fieldsOf = (lines: readonly string[]): unknown[] => lines.map((line) => line.split('  ')[1]);

/** Waits for so many lines on standard output. */
const lines = (watch: CommandProcess, count: number): Promise<string[]> =>
  vi.waitFor(
    () => {
      const shown = linesOf(watch.written.stdout);
      expect(shown.length).toBeGreaterThanOrEqual(count);
      return shown;
    },
    { timeout: 20_000 },
  );

/** Waits for the next request. */
async function poll(): Promise<void> {
  const before = emulator.requests.length;
  await vi.waitFor(() => expect(emulator.requests.length).toBeGreaterThan(before), { timeout: 20_000 });
}

describe('watch', () => {
  test(
    'prints the present values, then a line for each value that changed',
    async () => {
      await store({ a: 1, b: 'x y' }, PAST);
      const watch = startWatch('b', 'a');
      const present = await lines(watch, 2);
      expect(fieldsOf(present)).toEqual(['b="x y"', 'a=1']);
      for (const line of present) expect(line).toMatch(/^\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d/);
      await store({ a: 2 }, PAST + 1);
      await lines(watch, 3);
      await store({ a: true, b: 'z' }, PAST + 2);
      expect(fieldsOf((await lines(watch, 5)).slice(2))).toEqual(['a=2', 'b=z', 'a=true']);
    },
    SLOW,
  );

  test(
    'prints nothing for a value that is stored again',
    async () => {
      await store({ a: 1, b: 2 }, PAST);
      const watch = startWatch('a', 'b');
      await lines(watch, 2);
      await store({ a: 1, b: 2 }, PAST + 1);
      await poll();
      await store({ a: 1, b: 3 }, PAST + 2);
      expect(fieldsOf(await lines(watch, 3))).toEqual(['a=1', 'b=2', 'b=3']);
    },
    SLOW,
  );

  test(
    'prints nothing for a value whose local time varies by a second',
    async () => {
      let drift = 0;
      const drifting = async (request: Request): Promise<Response> => {
        const response = await asHandler(emulator)(request);
        const { data } = (await response.json()) as { data: { servertime: number } };
        return Response.json({ data: { ...data, servertime: data.servertime + drift } });
      };
      env = environmentFor(`${await serveOnLoopback(drifting)}api/v1/`);
      await store({ a: 1, b: 2 }, PAST);
      const watch = startWatch('a', 'b');
      await lines(watch, 2);
      drift = 1;
      await store({ b: 3 }, PAST + 1);
      expect(fieldsOf(await lines(watch, 3))).toEqual(['a=1', 'b=2', 'b=3']);
    },
    SLOW,
  );

  test(
    'prints a field once that is named twice',
    async () => {
      await store({ a: 1, b: 2 }, PAST);
      expect(fieldsOf(await lines(startWatch('a', 'a', 'b'), 2))).toEqual(['a=1', 'b=2']);
    },
    SLOW,
  );

  test(
    'with --json prints one document a line, and nothing else',
    async () => {
      await store({ a: 1, b: 'x\ny' }, PAST);
      const watch = startWatch('a', 'b', '--json');
      await lines(watch, 2);
      await store({ a: 2 }, PAST + 1);
      await lines(watch, 3);
      watch.kill('SIGTERM');
      const { stdout, stderr } = await watch.ended;
      const readings = linesOf(stdout).map((line) => JSON.parse(line) as object);
      expect(readings).toEqual([
        { fieldId: 'a', value: 1, timestamp: expect.any(Number) },
        { fieldId: 'b', value: 'x\ny', timestamp: expect.any(Number) },
        { fieldId: 'a', value: 2, timestamp: expect.any(Number) },
      ]);
      expect(stderr).toBe('');
    },
    SLOW,
  );

  test(
    'goes on after an outage, which standard error shows',
    async () => {
      await store({ a: 1 }, PAST);
      emulator.script({ status: 503 });
      const watch = startWatch('a');
      expect(fieldsOf(await lines(watch, 1))).toEqual(['a=1']);
      watch.kill('SIGTERM');
      const { code, stderr } = await watch.ended;
      expect(code).toBe(0);
      expect(linesOf(stderr)).toEqual([expect.stringMatching(/^Bad luck: /)]);
    },
    SLOW,
  );

  test(
    'ends with exit code 1 and advice where the server refuses the key',
    async () => {
      const refused = await run(folder, ['watch', 'a'], { ...env, NIKDEV_API_KEY: WRONG_KEY });
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      const [message, advice, ...rest] = linesOf(refused.stderr);
      expect(message).toMatch(/^nikdev-iot: Bad request: /);
      expect(advice).toMatch(/\w/);
      expect(rest).toEqual([]);
      expect(refused.stderr).not.toContain(WRONG_KEY);
    },
    SLOW,
  );

  test(
    'ends with exit code 1 where the key is refused later',
    async () => {
      await store({ a: 1 }, PAST);
      const watch = startWatch('a', '--json');
      await lines(watch, 1);
      emulator.script({ status: 401 });
      const { code, stdout } = await watch.ended;
      expect(code).toBe(1);
      expect(linesOf(stdout).map((line) => JSON.parse(line) as object)).toMatchObject([
        { fieldId: 'a' },
        { error: { name: 'GetException', status: 401 } },
      ]);
    },
    SLOW,
  );

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends with exit code 0 on %s between two requests',
    async (signal) => {
      await store({ a: 1 }, PAST);
      const watch = startWatch('a');
      await lines(watch, 1);
      watch.kill(signal);
      expect(await watch.ended).toMatchObject({ code: 0, stderr: '' });
    },
    SLOW,
  );

  test(
    'ends with exit code 0 on SIGTERM during a request that is not answered',
    async () => {
      emulator.script({ hang: true });
      const watch = startWatch('a');
      await poll();
      watch.kill('SIGTERM');
      expect(await watch.ended).toEqual({ code: 0, stdout: '', stderr: '' });
    },
    SLOW,
  );
});
