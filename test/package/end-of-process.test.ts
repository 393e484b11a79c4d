import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { json, loopbackServer } from '../support/servers/loopback-server.js';
import { closedPort } from '../support/servers/raw-server.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a script in a process of its own, which has to end without a signal. @returns Its output, with warnings. */
async function run(script: string): Promise<{ printed: string; milliseconds: number }> {
  const started = performance.now();
  const whole = `
    import { Api, memoryStorage } from 'nikdev-iot';
    import { fileStorage } from 'nikdev-iot/node';
    const credentials = { deviceId: '11111111-1111-4111-8111-111111111111', apiKey: '22222222-2222-4222-8222-222222222222' };
    const commit = (api, value) => { api.addValue('a', value); api.commit(); };
    ${script}`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', whole], {
    cwd: root,
    timeout: 20_000,
  });
  return { printed: stdout + stderr, milliseconds: performance.now() - started };
}

const valuesOf = (requests: readonly { body: string }[]): unknown[] =>
  requests
    .flatMap(({ body }) => (JSON.parse(body) as { entries: { values: { a: unknown }[] }[] }).entries)
    .map(({ values }) => values[0]?.a);

describe('a Node process with autoPush', () => {
  test('ends at once with nothing committed', async () => {
    const { printed, milliseconds } = await run(`new Api({ ...credentials, autoPush: true });`);
    expect(printed).toBe('');
    expect(milliseconds).toBeLessThan(8000);
  });

  test('that keeps entries only in memory makes one last push as it ends', async () => {
    const server = await loopbackServer((_request, response) => json(response, 200, { data: {} }));
    const { printed, milliseconds } = await run(`
      const api = new Api({ ...credentials, autoPush: { everySeconds: 3600 }, baseUrl: '${server.baseUrl}' });
      commit(api, 1); commit(api, 2);`);
    expect(printed).toBe('');
    expect(valuesOf(server.requests)).toEqual([1, 2]);
    expect(milliseconds).toBeLessThan(8000);
  });

  test('makes that push even if another has failed and asked to wait, and ends though it fails again', async () => {
    const server = await loopbackServer((_request, response) => json(response, 503, {}, { 'retry-after': '3600' }));
    const { printed } = await run(`
      const api = new Api({ ...credentials, autoPush: { everySeconds: 3600 }, baseUrl: '${server.baseUrl}' });
      commit(api, 1);
      await api.push().catch(() => {});`);
    expect(printed).toMatch(
      /^nikdev-iot: Bad luck: the server answered 503\.\n.*\n.*unpushed entries in memory \(1\).*\n$/,
    );
    expect(server.requests).toHaveLength(2);
  });

  test('that cannot reach its server ends anyway, with exit code 0, and names the failure and the loss', async () => {
    const { printed } = await run(`
      const api = new Api({ ...credentials, autoPush: { everySeconds: 0 }, baseUrl: 'http://127.0.0.1:${await closedPort()}/' });
      commit(api, 1);`);
    expect(printed).toMatch(/^nikdev-iot: Bad luck: .*ECONNREFUSED.*\n.*\n.*unpushed entries in memory \(1\).*\n$/);
  });

  test('whose entries are saved leaves them to the next run', async () => {
    const server = await loopbackServer((_request, response) => json(response, 200, { data: {} }));
    const script = (seconds: number): string => `
      import { mkdtempSync, rmSync } from 'node:fs'; import { tmpdir } from 'node:os'; import { join } from 'node:path';
      const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-'));
      process.on('exit', () => rmSync(folder, { recursive: true }));
      const api = new Api({ ...credentials, storage: fileStorage(folder), autoPush: { everySeconds: ${seconds} }, baseUrl: '${server.baseUrl}' });
      commit(api, 1);`;
    expect((await run(script(3600))).printed).toBe('');
    expect(server.requests).toHaveLength(0);
  });

  test('without autoPush nothing is pushed as it ends', async () => {
    const server = await loopbackServer((_request, response) => json(response, 200, { data: {} }));
    await run(`commit(new Api({ ...credentials, baseUrl: '${server.baseUrl}' }), 1);`);
    expect(server.requests).toHaveLength(0);
  });

  test('with many Apis prints no warning of too many listeners, and each makes its last push', async () => {
    const server = await loopbackServer((_request, response) => json(response, 200, { data: {} }));
    const { printed } = await run(`
      for (let number = 0; number < 40; number++)
        commit(new Api({ ...credentials, autoPush: { everySeconds: 3600 }, baseUrl: '${server.baseUrl}' }), number);`);
    expect(printed).toBe('');
    expect(valuesOf(server.requests).sort()).toEqual(Array.from({ length: 40 }, (_, number) => number).sort());
  });

  test('pushes while it lives, without a word from the program', async () => {
    const server = await loopbackServer((_request, response) => json(response, 200, { data: {} }));
    const { printed } = await run(`
      const api = new Api({ ...credentials, autoPush: { everySeconds: 0 }, baseUrl: '${server.baseUrl}' });
      api.on('push', ({ entries }) => console.log(entries));
      commit(api, 1);
      setTimeout(() => {}, 300);`);
    expect(printed).toBe('1\n');
    expect(valuesOf(server.requests)).toEqual([1]);
  });

  test('that drains as it closes stays alive for that, bad luck included', async () => {
    let requests = 0;
    const server = await loopbackServer((_request, response) => {
      requests += 1;
      json(response, requests < 3 ? 429 : 200, {});
    });
    const { printed } = await run(`
      const api = new Api({ ...credentials, baseUrl: '${server.baseUrl}' });
      commit(api, 1);
      await api.close({ push: true });
      console.log(api.status().committed);`);
    expect(printed).toBe('0\n');
    expect(requests).toBe(3);
  });
});
