import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';
import { closedPort } from '../support/servers/raw-server.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const apiKey = '22222222-2222-4222-8222-222222222222';

/** Runs a script in a Node process that ends without help. @returns The lines of both streams. */
async function run(script: string, { env = {}, flags = [] }: { env?: object; flags?: string[] } = {}) {
  const whole = `
    import { Api, memoryStorage, logTo } from 'nikdev-iot';
    import { fileStorage } from 'nikdev-iot/node';
    const credentials = { deviceId: '11111111-1111-4111-8111-111111111111', apiKey: '${apiKey}' };
    const commit = (api, value) => { api.addValue('a', value); api.commit(); };
    ${script}`;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [...flags, '--input-type=module', '-e', whole],
    { cwd: root, timeout: 20_000, env: { ...process.env, ...env } },
  );
  return { stdout, lines: stderr.split('\n').filter((line) => line !== '') };
}

const storing = () => loopbackServer((_request, response) => json(response, 200, { data: {} }));
const unreachable = async () => `baseUrl: 'http://127.0.0.1:${await closedPort()}/'`;

describe('a process that listens to no event', () => {
  test('names the first failure of a kind, once for all Apis, and its loss, on stderr', async () => {
    const { stdout, lines } = await run(`
      for (let number = 0; number < 3; number++)
        commit(new Api({ ...credentials, autoPush: { everySeconds: 0 }, ${await unreachable()} }), number);
      setTimeout(() => {}, 3000);`);
    expect(stdout).toBe('');
    expect(lines).toEqual([
      expect.stringMatching(/^nikdev-iot: Bad luck: the server could not be reached \(ECONNREFUSED\)\.$/),
      expect.stringMatching(/^No server listens at this address/),
      expect.stringMatching(
        /^nikdev-iot: this process ends with unpushed entries in memory \(3\), which are lost\..*fileStorage.*close/,
      ),
    ]);
  });

  test('names the first warning of a kind', async () => {
    const server = await storing();
    const { stdout, lines } = await run(`
      const api = new Api({ ...credentials, baseUrl: '${server.baseUrl}' });
      api.on('commit', () => { throw new Error('a') });
      api.on('push', () => { throw new Error('b') });
      commit(api, 1);
      await api.push();`);
    expect(stdout).toBe('');
    expect(lines).toEqual([expect.stringMatching(/^nikdev-iot: A listener of the event "commit" threw/)]);
  });

  test('prints nothing where listeners get the errors and warnings, and everything is pushed', async () => {
    const server = await storing();
    const { stdout, lines } = await run(`
      const api = new Api({ ...credentials, autoPush: { everySeconds: 0 }, ${await unreachable()} });
      const errors = [];
      api.on('error', (error) => errors.push(error));
      api.on('warning', (warning) => errors.push(warning));
      api.on('commit', () => { throw new Error('a') });
      commit(api, 1);
      await new Promise((resolve) => api.on('retry', resolve));
      const [entry] = api.log();
      await api.close();
      const next = new Api({ ...credentials, baseUrl: '${server.baseUrl}' });
      next.restore([entry]);
      await next.push();
      process.exitCode = errors.length - 2;`);
    expect({ stdout, lines }).toEqual({ stdout: '', lines: [] });
  });
});

describe('the notice of a process that ends with entries in memory', () => {
  test('is given though the Api was garbage collected, and after process.exit()', async () => {
    const { lines } = await run(
      `(() => { const api = new Api({ ...credentials }); commit(api, 1); commit(api, 2); })();
      await new Promise((resolve) => setTimeout(resolve, 10));
      gc();
      process.exit();`,
      { flags: ['--expose-gc'] },
    );
    expect(lines).toEqual([expect.stringMatching(/in memory \(2\)/)]);
  });

  test.each([
    ['a closed Api', `const api = new Api({ ...credentials }); commit(api, 1); await api.close();`],
    [
      'entries that were removed',
      `const api = new Api({ ...credentials }); commit(api, 1); api.resetUnpushedEntries();`,
    ],
    ['an Api without entries', `new Api({ ...credentials });`],
  ])('is not given for %s, which leaves no listener at the process', async (_what, script) => {
    const { lines } = await run(
      `const before = process.listenerCount('exit'); ${script} console.error(process.listenerCount('exit') - before);`,
    );
    expect(lines).toEqual(['0']);
  });

  test('is not given for entries in files, and counts those that are only in memory beside them', async () => {
    const folder = temporaryFolder();
    const file = `const api = new Api({ ...credentials, storage: fileStorage(${JSON.stringify(folder)}) }); commit(api, 1);`;
    expect((await run(file)).lines).toEqual([]);
    const { lines } = await run(`${file} commit(new Api({ ...credentials, stageUnpushedEntries: false }), 1);`);
    expect(lines).toEqual([expect.stringMatching(/in memory \(1\)/)]);
  });
});

describe('debug lines', () => {
  const script = (options: string, baseUrl: string) => `
    const api = new Api({ ...credentials, baseUrl: '${baseUrl}', autoPush: { everySeconds: 0 }, ${options} });
    commit(api, 'secret');
    await new Promise((resolve) => api.on('push', resolve));
    await api.close();`;
  const LINES = [
    expect.stringMatching(/^nikdev-iot commit id=\w+-1 timestamp=\d+ values=1$/),
    expect.stringMatching(/^nikdev-iot request method=POST status=200 verdict=stored milliseconds=[\d.]+$/),
    expect.stringMatching(/^nikdev-iot push entries=1 requests=1 milliseconds=[\d.]+$/),
  ];

  test.each([
    ['debug: true', 'debug: true', {}],
    ['NIKDEV_IOT_DEBUG=1', '', { NIKDEV_IOT_DEBUG: '1' }],
  ])('of %s are on stderr, and stdout stays clean', async (_what, options, env) => {
    const { baseUrl } = await storing();
    const { stdout, lines } = await run(script(options, baseUrl), { env });
    expect(stdout).toBe('');
    expect(lines).toEqual(LINES);
  });

  test.each([
    ['debug: false', 'debug: false', { NIKDEV_IOT_DEBUG: '1' }],
    ['NIKDEV_IOT_DEBUG=0', '', { NIKDEV_IOT_DEBUG: '0' }],
  ])('are off with %s', async (_what, options, env) => {
    const { baseUrl } = await storing();
    expect(await run(script(options, baseUrl), { env })).toEqual({ stdout: '', lines: [] });
  });

  test('of a failing server name the verdict and the retry, and replace the messages on the console', async () => {
    const { baseUrl } = await loopbackServer((_request, response) => json(response, 503, { message: apiKey }));
    const { stdout, lines } = await run(`
      const api = new Api({ ...credentials, baseUrl: '${baseUrl}', autoPush: { everySeconds: 0 }, debug: true });
      commit(api, 1);
      await new Promise((resolve) => api.on('retry', resolve));
      await api.close();`);
    expect(stdout).toBe('');
    expect(lines.map((line) => line.split(' ', 2)[1])).toEqual(['commit', 'request', 'error', 'retry']);
    expect(lines[1]).toMatch(/status=503 verdict=transient .* message="Bad luck: the server answered 503\."$/);
    expect(lines[3]).toMatch(/at=\d+ seconds=[\d.]+ message="Bad luck: .*" attempt=1$/);
    expect(lines.join()).not.toContain(apiKey);
  });
});

describe('logTo', () => {
  test('writes to pino, with its levels, as JSON that holds the line', async () => {
    const { baseUrl } = await storing();
    const { stdout, lines } = await run(`
      import pino from 'pino';
      const logger = pino({ level: 'trace', base: null, timestamp: false }, pino.destination({ dest: 1, sync: true }));
      const api = new Api({ ...credentials, baseUrl: '${baseUrl}' });
      const stop = logTo(api, logger, { level: 'debug' });
      commit(api, 1);
      await api.push();
      stop();
      commit(api, 2);
      await api.push();`);
    expect(lines).toEqual([]);
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: number; msg: string });
    expect(records.map(({ level, msg }) => [level, msg.split(' ', 2).join(' ')])).toEqual([
      [20, 'nikdev-iot commit'],
      [20, 'nikdev-iot request'],
      [30, 'nikdev-iot push'],
    ]);
  });
});
