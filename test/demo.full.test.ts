import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isAlive, type NodeProcess, runNode } from './support/processes/node-process.js';
import { serveEmulator } from './support/servers/emulator.js';

/** A process that has ended when the test has. */
function run(script: string, args: readonly string[], env?: Record<string, string>): NodeProcess {
  const child = runNode(script, args, env);
  onTestFinished(() => child.stop(), 30_000);
  return child;
}

/** For tests that find a process by that which started it. */
const testWithProc = test.runIf(existsSync('/proc/self'));

const demo = (...args: string[]): NodeProcess => run('examples/demo/demo.mjs', args);

describe('the demo', { timeout: 60_000 }, () => {
  test('--once commits, pushes and reads back a reading of this machine, and exits 0', async () => {
    const child = demo('--once');
    expect(await child.ended).toEqual({ code: 0, signal: null });
    const printed = (what: string): unknown =>
      JSON.parse(child.lines.find((line) => line.startsWith(what))?.slice(what.length + 2) ?? '');
    const committed = printed('committed by the device') as { id: string; timestamp: number; values: object[] };
    expect(committed.values).toEqual(expect.arrayContaining([{ fieldId: 'memory', value: expect.closeTo(50, -2) }]));
    expect(Math.abs(committed.timestamp - Date.now() / 1000)).toBeLessThan(60);
    expect(printed('held by the server')).toEqual([{ timestamp: committed.timestamp, values: committed.values }]);
    expect(printed('read back')).toEqual(
      committed.values.map((value) => ({ ...value, timestamp: expect.closeTo(committed.timestamp, -1) })),
    );
    expect(child.lines.at(-1)).toBe('All are equal.');
  });

  testWithProc.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops the device and the server, and it exits 0',
    async (signal) => {
      const child = demo();
      const [url = ''] = await child.line(/http:\/\/127\.0\.0\.1:\d+\//);
      await child.line(/^pushed 1 entry/);
      const device = await onlyChildOf(child.pid);
      child.kill(signal);
      expect(await child.ended).toEqual({ code: 0, signal: null });
      expect(isAlive(device)).toBe(false);
      await expect(fetch(url)).rejects.toThrow();
    },
  );

  testWithProc('starts the device again when it is killed', async () => {
    const child = demo('--port', '0');
    await child.line(/^pushed 1 entry/);
    const device = await onlyChildOf(child.pid);
    process.kill(device, 'SIGKILL');
    await child.line(/^The device was killed \(SIGKILL\); it starts again in 4 s\.$/);
    await expect.poll(() => childrenOf(child.pid), { timeout: 20_000 }).toEqual([expect.not.closeTo(device, 0)]);
    const { length } = child.lines;
    await expect
      .poll(() => child.lines.slice(length).some((line) => /^pushed/.test(line)), { timeout: 20_000 })
      .toBe(true);
  });

  testWithProc('leaves no device behind when it is killed itself', async () => {
    const child = demo();
    await child.line(/^pushed 1 entry/);
    const device = await onlyChildOf(child.pid);
    child.kill('SIGKILL');
    await expect.poll(() => isAlive(device), { timeout: 10_000 }).toBe(false);
  });

  test('serves nothing but the dashboard', async () => {
    const child = demo();
    const [url = ''] = await child.line(/http:\/\/127\.0\.0\.1:\d+\//);
    const statusOf = async (path: string): Promise<number> => (await fetch(url + path)).status;
    expect(await statusOf('')).toBe(200);
    expect(await statusOf('config.js')).toBe(200);
    for (const path of ['package.json', '..%2f..%2fpackage.json', '%2e%2e/%2e%2e/package.json', 'demo.mjs', '%00']) {
      expect(await statusOf(path), path).toBe(404);
    }
    // fetch would have taken the dots out itself.
    const [raw] = await once(get(url, { path: '/../../package.json' }), 'response');
    expect(raw.resume().statusCode).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });

  test('keeps its key from pages of other origins: no script of theirs, no frame, no other host name, no foreign CORS', async () => {
    const child = demo();
    const [url = ''] = await child.line(/http:\/\/127\.0\.0\.1:\d+\//);
    const config = await fetch(`${url}config.js`);
    expect(config.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    const page = await fetch(url);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(await page.text()).toContain(`connect-src 'self' ${new URL(url).origin};`);
    const api = await fetch(`${url}api/v1/values/cpu`, { headers: { origin: 'http://evil.example' } });
    expect(api.headers.get('access-control-allow-origin')).toBe(new URL(url).origin);
    const [rebound] = await once(get(`${url}config.js`, { headers: { host: 'evil.example' } }), 'response');
    expect(rebound.resume().statusCode).toBe(421);
  });

  test('lets pages of one other origin ask its server, where it is asked to', async () => {
    const child = demo('--allow-origin', 'http://localhost:5173');
    const [url = ''] = await child.line(/http:\/\/127\.0\.0\.1:\d+\//);
    const allowedOf = async (origin: string): Promise<(string | null)[]> => {
      const { headers } = await fetch(`${url}api/v1/values/cpu`, { headers: { origin } });
      return [headers.get('access-control-allow-origin'), headers.get('vary')];
    };
    const vary = 'x-device-id, x-api-key, Origin';
    expect(await allowedOf('http://localhost:5173')).toEqual(['http://localhost:5173', vary]);
    expect(await allowedOf('http://localhost:5174')).toEqual([new URL(url).origin, vary]);
    expect((await fetch(`${url}config.js`)).headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });

  test.each([
    ['--prot', ['--prot']],
    ['x', ['x']],
    ['99999', ['--port', '99999']],
    ['--port', ['--port']],
    ['--allow-origin', ['--allow-origin', '*']],
    ['http://localhost:5173/', ['--allow-origin', 'http://localhost:5173/']],
  ])('refuses %j by name, with its usage', async (name, args) => {
    const child = demo(...args);
    expect(await child.ended).toEqual({ code: 2, signal: null });
    expect(child.lines[0]).toContain(name);
    expect(child.lines.join('\n')).toContain(
      'usage: npm run demo -- [--port <port>] [--allow-origin <origin>] [--once]',
    );
  });

  test('says that a port is taken', async () => {
    const { options } = await serveEmulator();
    const child = demo('--port', new URL(String(options.baseUrl)).port);
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.lines.join('\n')).toContain('EADDRINUSE');
  });
});

describe('the comparison of the demo', async () => {
  const { differences } = await import(new URL('../examples/demo/compare.mjs', import.meta.url).href);
  const value = { fieldId: 'cpu', value: 1 };
  const committed = { id: 'a-1', timestamp: 1000, values: [value] };
  const held = [{ timestamp: 1000, values: [value] }];
  const readBack = [{ ...value, timestamp: 1001 }];

  test('is equal', () => expect(differences(committed, held, readBack)).toEqual([]));

  test.each([
    ['nothing is held', [], readBack],
    ['it is held twice', [...held, ...held], readBack],
    ['another time is held', [{ timestamp: 1001, values: [value] }], readBack],
    ['another value is held', [{ timestamp: 1000, values: [{ fieldId: 'cpu', value: 2 }] }], readBack],
    ['nothing is read back', held, []],
    ['another value is read back', held, [{ fieldId: 'cpu', value: '1', timestamp: 1000 }]],
    ['another time is read back', held, [{ ...value, timestamp: 1003 }]],
    ['too much is read back', held, [...readBack, { fieldId: 'memory', value: 1, timestamp: 1000 }]],
  ])('differs where %s', (_, inServer, read) => {
    expect(differences(committed, inServer, read)).not.toEqual([]);
  });
});

/** The one process that a process has started. */
async function onlyChildOf(pid: number): Promise<number> {
  const children = childrenOf(pid);
  expect(children).toHaveLength(1);
  return Number(children[0]);
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
