import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandResult, call, commandServer, environmentFor } from '../support/processes/command.js';
import { storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

let folder: string;
let emulator: Emulator;
let env: Record<string, string>;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ emulator, env } = await commandServer());
});

const does = (...args: string[]): Promise<CommandResult> => call(folder, args, env);
const status = async (): Promise<object> => JSON.parse((await does('status', '--json')).stdout) as object;

/** Lets time pass for the folder's memory of pushes. */
function age(seconds: number): void {
  const path = join(folder, '.nikdev-iot', 'push.json');
  const record = JSON.parse(readFileSync(path, 'utf8')) as { failure: { at: number } };
  record.failure.at -= seconds;
  writeFileSync(path, JSON.stringify(record));
}

describe('a push', () => {
  test('uploads what calls committed, oldest first', async () => {
    for (const value of [1, 2, 3]) await does('add', `a=${value}`, '-c');
    expect(await does('push')).toEqual({ code: 0, stdout: 'Pushed 3 entries in 1 request.\n', stderr: '' });
    expect(storedTexts(emulator)).toEqual([1, 2, 3]);
    expect(await does('push')).toEqual({ code: 0, stdout: 'Everything up-to-date.\n', stderr: '' });
    expect(await status()).toMatchObject({ committed: 0, lastPush: { entries: 3, requests: 1 } });
  });

  test('goes with a commit in one call', async () => {
    const { code, stdout } = await does('add', 'a=1', '-cp');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Committed 1 value as .*\nPushed 1 entry in 1 request\.\n$/);
  });

  test('prints its result as JSON for programs', async () => {
    const { stdout } = await does('add', 'a=1', '-cp', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ values: 1, pushed: 1, requests: 1, quarantined: 0, committed: 0 });
  });

  test('of nothing is in order, also while a push is not due', async () => {
    emulator.script({ status: 503 });
    await does('add', 'a=1', '-cp');
    await does('reset', '--queue', '--yes');
    expect(await does('push')).toMatchObject({ code: 0 });
  });

  test('leaves what is staged', async () => {
    await does('add', 'a=1', '-c');
    await does('add', 'a=2');
    await does('push');
    expect(await status()).toMatchObject({ staged: 1, committed: 0 });
  });
});

describe('after a failure', () => {
  test('everything is kept, and the exit code says temporary', async () => {
    // The random delay of a failure without Retry-After may be over at once.
    emulator.script({ status: 503, headers: { 'Retry-After': '600' } });
    const { code, stderr } = await does('add', 'a=1', '-cp');
    expect(code).toBe(75);
    expect(stderr).toMatch(/^nikdev-iot: Bad luck: .*503.*\n.*\n1 entry still queued\.\n$/);
    expect(await status()).toMatchObject({ committed: 1, lastException: { status: 503 }, nextTry: expect.any(Number) });
  });

  test('the next push waits for Retry-After, over calls; --now does not', async () => {
    emulator.script({ status: 429, headers: { 'Retry-After': '600' } });
    await does('add', 'a=1', '-cp');
    const { code, stderr } = await does('push');
    expect(code).toBe(75);
    expect(stderr).toMatch(/the next push is due in (59\d|6\d\d) s: Bad luck: .*429/);
    expect(emulator.requests).toHaveLength(1);
    expect(await does('push', '--now')).toMatchObject({ code: 0 });
    expect(await does('push')).toMatchObject({ code: 0, stdout: 'Everything up-to-date.\n' });
  });

  test('the pauses double, up to 5 min', async () => {
    await does('add', 'a=1', '-c');
    // The longest pause of each: they are spread below it.
    const random = vi.spyOn(Math, 'random').mockReturnValue(1);
    const pauses: number[] = [];
    for (let count = 0; count < 11; count++) {
      emulator.script({ status: 503 }, { status: 503 }, { status: 503 });
      await does('push', '--now');
      const text = readFileSync(join(folder, '.nikdev-iot', 'push.json'), 'utf8');
      pauses.push((JSON.parse(text) as { failure: { waitSeconds: number } }).failure.waitSeconds);
    }
    random.mockRestore();
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  test('the next push is due once the pause is over', async () => {
    emulator.script({ status: 429, headers: { 'Retry-After': '600' } });
    await does('add', 'a=1', '-cp');
    age(700);
    expect(await does('push')).toMatchObject({ code: 0 });
  });

  test('the next push is due where the clock was set back', async () => {
    emulator.script({ status: 429, headers: { 'Retry-After': '600' } });
    await does('add', 'a=1', '-cp');
    age(-1e6);
    expect(await does('push')).toMatchObject({ code: 0 });
  });

  test('--wait tries again until everything is stored', async () => {
    emulator.script({ status: 503 }, { status: 503 });
    await does('add', 'a=1', '-c');
    expect(await does('push', '--wait', '20s')).toMatchObject({ code: 0, stdout: 'Pushed 1 entry in 1 request.\n' });
  });

  test('--wait gives up in time', async () => {
    emulator.script({ status: 503, headers: { 'Retry-After': '600' } });
    await does('add', 'a=1', '-c');
    expect(await does('push', '--wait', '1s')).toMatchObject({ code: 75 });
  });

  test('init makes the next push due: it may be for another server', async () => {
    emulator.script({ status: 429, headers: { 'Retry-After': '600' } });
    await does('add', 'a=1', '-cp');
    await does('init');
    expect(await does('push')).toMatchObject({ code: 0 });
  });
});

describe('a server that refuses', () => {
  /** The environment for the emulator behind a server that answers so to each upload with the field `bad`. */
  async function refusingBad(body: string, answer: { readonly status: number }): Promise<typeof env> {
    const picky = (async (request: Request) => {
      const upload = request.method === 'POST' ? await request.clone().text() : '';
      if (upload.includes('"bad"')) return new Response(body, answer);
      return emulator.fetch(request as never) as unknown as Response;
    }) as never;
    return environmentFor(`${await serveOnLoopback(picky)}api/v1/`);
  }

  test('the credentials: nothing is lost, and the exit code says so', async () => {
    const wrong = { ...env, NIKDEV_API_KEY: '44444444-4444-4444-8444-444444444444' };
    const { code, stdout, stderr } = await call(folder, ['add', 'a=1', '-cp'], wrong);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Bad request: /);
    expect(stdout + stderr).not.toContain('44444444');
    expect(await does('push', '--now')).toMatchObject({ code: 0 });
    expect(storedTexts(emulator)).toEqual([1]);
  });

  test('the credentials: the next push with others is due at once, with the same ones it is not', async () => {
    const wrong = { ...env, NIKDEV_API_KEY: '44444444-4444-4444-8444-444444444444' };
    await call(folder, ['add', 'a=1', '-cp'], wrong);
    const kept = readFileSync(join(folder, '.nikdev-iot', 'push.json'), 'utf8');
    expect(kept).not.toContain('44444444');
    expect(await call(folder, ['push'], wrong)).toMatchObject({ code: 75, stderr: expect.stringMatching(/is due in/) });
    expect((await call(folder, ['status'], wrong)).stdout).toMatch(/Next push +not before/);
    expect((await does('status')).stdout).toMatch(/Next push +due/);
    expect(await does('push')).toMatchObject({ code: 0 });
    expect(storedTexts(emulator)).toEqual([1]);
  });

  test('an entry: it is quarantined, the others are stored; it can be shown, put back and dropped', async () => {
    env = await refusingBad('{"message":"no such \\u001b[31mfield"}', { status: 400 });
    for (const field of ['a', 'bad', 'c']) await does('add', `${field}=1`, '-c');
    const { code, stderr } = await does('push');
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 entry quarantined/);
    expect(emulator.entries(DEVICE_ID)).toHaveLength(2);
    expect((await does('quarantine')).stdout).toMatch(/Bad request: no such field/);
    const [entry] = (await does('quarantine', 'list', '--json')).stdout.split('\n').filter(Boolean);
    const { id } = JSON.parse(entry ?? '') as { id: string };
    expect((await does('quarantine', 'show', id)).stdout).toMatch(/Values +bad=1/);
    expect(await does('quarantine', 'restore', id)).toMatchObject({
      code: 0,
      stdout: 'Put back 1 entry: push them.\n',
    });
    expect(await status()).toMatchObject({ committed: 1, quarantined: 0 });
    await does('add', 'c=2', '-c');
    await does('push', '--now');
    expect(await does('quarantine', 'drop')).toMatchObject({ code: 2 });
    expect(await does('quarantine', 'drop', '--yes')).toMatchObject({ code: 0, stdout: 'Dropped 1 entry.\n' });
    expect(await status()).toMatchObject({ committed: 0, quarantined: 0 });
    expect(await does('quarantine', 'show', 'x')).toMatchObject({ code: 2 });
    expect(await does('quarantine', 'shwo')).toMatchObject({ code: 2 });
  });

  test('an entry that is the only one: the next one is due within seconds, and stored', async () => {
    env = await refusingBad('{"message":"no such field"}', { status: 422 });
    expect(await does('add', 'bad=1', '-cp')).toMatchObject({ code: 1 });
    await does('add', 'good=2', '-c');
    expect(await does('push', '--wait', '5s')).toMatchObject({ code: 1, stderr: expect.stringMatching(/quarantined/) });
    expect(storedTexts(emulator)).toEqual([2]);
    expect(await does('log')).toMatchObject({ code: 0, stdout: 'The queue is empty.\n' });
  });

  test('one entry with a 500: the others are stored by the third call at the latest', async () => {
    env = await refusingBad('', { status: 500 });
    for (const field of ['bad', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await does('add', `${field}=1`, '-c');
    for (let count = 0; count < 3; count++) await does('push', '--now');
    expect(emulator.entries(DEVICE_ID)).toHaveLength(7);
    expect(await status()).toMatchObject({ committed: 1 });
  });

  test('everything in an outage: two requests and a test a call', async () => {
    const requests: string[] = [];
    const down = (async (request: Request) => {
      requests.push(request.method);
      return new Response('', { status: 503 });
    }) as never;
    env = environmentFor(`${await serveOnLoopback(down)}api/v1/`);
    for (const value of [1, 2, 3, 4]) await does('add', `a=${value}`, '-c');
    for (let count = 0; count < 3; count++) await does('push', '--now');
    requests.length = 0;
    await does('push', '--now');
    expect(requests.length).toBeLessThanOrEqual(4);
    expect(await status()).toMatchObject({ committed: 4, quarantined: 0 });
  });
});

describe('reading', () => {
  test('get shows the latest values', async () => {
    await does('add', 'a=1', 'b=on', '-cp');
    expect((await does('get', 'a', 'b')).stdout).toMatch(/^a=1 {3}\d{4}-.*\nb=on {2}\d{4}-.*\n$/);
    expect(JSON.parse((await does('get', 'a', '--json')).stdout)).toMatchObject([{ fieldId: 'a', value: 1 }]);
  });

  test('get distinguishes a refusal from bad luck by its exit code', async () => {
    expect(await call(folder, ['get', 'a'], { ...env, NIKDEV_API_KEY: DEVICE_ID.replaceAll('1', '5') })).toMatchObject({
      code: 1,
    });
    emulator.script({ status: 503 });
    expect(await does('get', 'a')).toMatchObject({ code: 75 });
  });

  test('test is a checklist', async () => {
    const { code, stdout } = await does('test');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {2}server reachable\nok {2}credentials accepted\nok {2}may read\nok {2}may write\n/);
    const wrong = await call(folder, ['test'], { ...env, NIKDEV_API_KEY: '44444444-4444-4444-8444-444444444444' });
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/no {2}credentials accepted/) });
  });
});

describe('the queue', () => {
  test('is deleted by reset --queue --yes only', async () => {
    await does('add', 'a=1', '-c');
    expect(await does('reset', '--queue')).toMatchObject({ code: 2 });
    expect(await status()).toMatchObject({ committed: 1 });
    expect(await does('reset', '--queue', '--yes')).toMatchObject({ code: 0, stdout: 'Deleted 1 entry.\n' });
    expect(await status()).toMatchObject({ committed: 0 });
  });
});

test('no output, and no file but the configuration, holds the key', async () => {
  emulator.script({ status: 400, message: `key ${API_KEY}` });
  const shown: string[] = [];
  for (const args of [['add', 'a=1', '-cp'], ['status'], ['status', '--json'], ['log', '--json'], ['push', '--now']]) {
    const { stdout, stderr } = await does(...args);
    shown.push(stdout, stderr);
  }
  for (const name of ['push.json', 'nikdev-iot-1_folder_readings.journal'])
    shown.push(readFileSync(join(folder, '.nikdev-iot', name), 'utf8'));
  expect(shown.join('')).not.toContain(API_KEY);
});
