import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { COMMANDS } from '../../src/cli/definitions.js';
import { PARKED } from '../../src/gateway/names.js';
import { connectNats } from '../../src/gateway/nats.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { readPage } from '../support/package/markdown.js';
import { COMMAND, call, run, start } from '../support/processes/command.js';
import { asHandler } from '../support/servers/emulator.js';
import { credentialsOf, SECRET, uploadBody, upstreamOf } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';
import { selfSigned } from '../support/servers/self-signed.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const LONG = 60_000;

const INIT_FLAGS = new Set(['--replicas', '--max-bytes', '--max-messages', '--partitions']);
/** A value of each flag with which the command does not start. */
const REFUSED = {
  '--nats': 'nats://nats.example:4222',
  '--nats-ca': '/nowhere/ca.pem',
  '--nats-cert': '/nowhere/cert.pem',
  '--nats-key': '/nowhere/key.pem',
  '--nats-credentials': '/nowhere/x.creds',
  '--replicas': '2',
  '--partitions': '0',
  '--max-bytes': 'much',
  '--max-messages': '0',
  '--port': '70000',
  '--host': '0.0.0.0',
  '--upstream': 'http://iot.example/',
  '--metrics-port': '70000',
  '--tls-cert': COMMAND,
  '--tls-key': COMMAND,
  '--log-level': 'all',
};

describeOnNats('nikdev-iot gateway', () => {
  let cluster: NatsCluster;
  let env: Record<string, string>;
  beforeAll(async () => {
    cluster = await NatsCluster.start();
    env = { NIKDEV_GATEWAY_NATS: cluster.servers.join(',') };
  });
  afterAll(() => cluster?.close());

  const init = (...args: string[]) =>
    run('/', ['gateway', 'init', '--partitions', '4', '--max-bytes', '50M', ...args], env);

  test('init makes the streams, once and again, and refuses another number of partitions', {
    timeout: LONG,
  }, async () => {
    expect(await run('/', ['gateway', 'run'], { ...env, NIKDEV_GATEWAY_SECRET: SECRET })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nikdev-iot gateway init'),
    });
    for (const args of [['status'], ['parked'], ['parked', 'retry'], ['quarantine'], ['quarantine', 'drop', '1']]) {
      const { code, stderr } = await call('/', ['gateway', ...args], { ...env });
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/no streams of a gateway[\s\S]*Run once: nikdev-iot gateway init/),
      ]);
    }
    expect(await init()).toMatchObject({ code: 0 });
    expect(await init('--max-bytes', '60M', '--json')).toMatchObject({ code: 0, stdout: '{"initialized":true}\n' });
    const other = await init('--partitions', '8');
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('has 4 partitions, not 8') });
    const { stdout } = await run('/', ['gateway', 'status', '--json'], env);
    expect(JSON.parse(stdout)).toMatchObject({
      partitions: 4,
      streams: [{ maxBytes: 60_000_000, currentReplicas: 3 }, {}, {}],
    });
    expect((await run('/', ['gateway', 'status'], env)).stdout).toMatch(/^NIKDEV +0 +0 +0 % +n\d +3 of 3$/m);
  });

  test('run serves until SIGTERM, finishes what is under way, and logs JSON without keys', {
    timeout: LONG,
  }, async () => {
    await init();
    const upstream = upstreamOf(1);
    const url = await serveOnLoopback(asHandler(upstream));
    const gateway = start(
      '/',
      ['gateway', 'run', '--json', '--port', '0', '--metrics-port', '0', '--upstream', `${url}api/v1/`],
      {
        ...env,
        NIKDEV_GATEWAY_SECRET: SECRET,
        NIKDEV_GATEWAY_LOG_LEVEL: 'debug',
      },
    );
    onTestFinished(() => gateway.kill('SIGKILL'));
    const { baseUrl } = await vi.waitFor(
      () => JSON.parse(gateway.written.stdout.split('\n')[0] ?? '') as { baseUrl: string },
      {
        timeout: 20_000,
      },
    );
    const { deviceId, apiKey } = credentialsOf(0);
    const post = () =>
      fetch(`${baseUrl}entries/`, {
        method: 'POST',
        headers: { 'x-device-id': deviceId, 'x-api-key': apiKey, 'content-type': 'application/json' },
        body: uploadBody(1),
      }).then(({ status }) => status);
    expect(await post()).toBe(202);
    const posts = Array.from({ length: 20 }, () => post().catch(() => 0));
    gateway.kill('SIGTERM');
    const { code, stdout } = await gateway.ended;
    const accepted = (await Promise.all(posts)).filter((status) => status === 202).length;
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event?: string });
    expect(lines.filter(({ event }) => event === 'accepted')).toHaveLength(accepted + 1);
    expect(stdout).not.toContain(apiKey);
    expect(stdout).not.toContain(SECRET);
  });

  test('run ends with 2 if its certificate is none, and nothing goes on in the background', {
    timeout: LONG,
  }, async () => {
    await init();
    const args = ['gateway', 'run', '--port', '0', '--tls-cert', COMMAND, '--tls-key', COMMAND];
    const { code, stderr } = await run('/', args, { ...env, NIKDEV_GATEWAY_SECRET: SECRET });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/the certificate for https .* can't be used \(/)]);
  });

  test('G8 run needs neither a file to write, nor another process, nor a thread', { timeout: LONG }, async () => {
    await init();
    const rights = ['--experimental-permission', '--allow-fs-read=*'];
    const args = ['gateway', 'run', '--port', '0', '--metrics-port', '0', '--json', '--log-level', 'debug'];
    const gateway = start('/', args, { ...env, NIKDEV_GATEWAY_SECRET: SECRET, NODE_OPTIONS: rights.join(' ') });
    onTestFinished(() => gateway.kill('SIGKILL'));
    const { url } = await vi.waitFor(() => JSON.parse(gateway.written.stdout.split('\n')[0] ?? '') as { url: string }, {
      timeout: 20_000,
    });
    expect((await fetch(`${url}readyz`)).status).toBe(200);
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0 });
  });

  test('run ends within 10 s of SIGTERM though upstream hangs, and keeps the upload', { timeout: LONG }, async () => {
    await init();
    const upstream = upstreamOf(1);
    const url = await serveOnLoopback(async (request) => {
      const body = await request.clone().text();
      return body.includes('"entries":[]') ? asHandler(upstream)(request) : new Promise<Response>(() => {});
    });
    const args = ['gateway', 'run', '--json', '--port', '0', '--metrics-port', '0', '--upstream', `${url}api/v1/`];
    const gateway = start('/', args, { ...env, NIKDEV_GATEWAY_SECRET: SECRET });
    onTestFinished(() => gateway.kill('SIGKILL'));
    const { baseUrl } = await vi.waitFor(
      () => JSON.parse(gateway.written.stdout.split('\n')[0] ?? '') as { baseUrl: string },
      { timeout: 20_000 },
    );
    const { deviceId, apiKey } = credentialsOf(0);
    const headers = { 'x-device-id': deviceId, 'x-api-key': apiKey };
    const messages = async (): Promise<number> => {
      const { stdout } = await run('/', ['gateway', 'status', '--json'], env);
      const { streams } = JSON.parse(stdout) as { streams: { messages: number }[] };
      expect(streams).toMatchObject([{ name: 'NIKDEV' }, {}, {}]);
      return streams[0]?.messages ?? -1;
    };
    // A test before may have left uploads.
    const before = await messages();
    expect((await fetch(`${baseUrl}entries/`, { method: 'POST', headers, body: uploadBody(1) })).status).toBe(202);
    const signalled = performance.now();
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0 });
    expect(performance.now() - signalled).toBeLessThan(10_500);
    expect(await messages()).toBe(before + 1);
  });

  test('run accepts, and ends with SIGTERM, though its log is on a full disk', { timeout: LONG }, async () => {
    await init();
    const upstream = upstreamOf(1);
    const url = await serveOnLoopback(asHandler(upstream));
    const variables = {
      ...process.env,
      ...env,
      NIKDEV_GATEWAY_SECRET: SECRET,
      NIKDEV_GATEWAY_LOG_LEVEL: 'debug',
      NIKDEV_GATEWAY_UPSTREAM: `${url}api/v1/`,
    };
    const disk = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(disk));
    const args = [COMMAND, 'gateway', 'run', '--port', '0', '--metrics-port', '0'];
    const gateway = spawn(process.execPath, args, { env: variables, stdio: ['ignore', disk, 'pipe'] });
    onTestFinished(() => void gateway.kill('SIGKILL'));
    const ended = once(gateway, 'close');
    let stderr = '';
    gateway.stderr?.on('data', (text) => {
      stderr += text;
    });
    const baseUrl = await vi.waitFor(() => /the baseUrl (\S+)/.exec(stderr)?.[1] ?? expect.fail(stderr), {
      timeout: 20_000,
    });
    const { deviceId, apiKey } = credentialsOf(0);
    const headers = { 'x-device-id': deviceId, 'x-api-key': apiKey };
    for (const value of [1, 2])
      expect((await fetch(`${baseUrl}entries/`, { method: 'POST', headers, body: uploadBody(value) })).status).toBe(
        202,
      );
    gateway.kill('SIGTERM');
    expect([(await ended)[0], stderr]).toEqual([0, expect.not.stringMatching(/ENOSPC/)]);
  });

  test('quarantine and parked list what waits, and refuse to drop all without --yes', { timeout: LONG }, async () => {
    await init();
    expect(await call('/', ['gateway', 'quarantine'], { ...env })).toMatchObject({
      code: 0,
      stdout: 'Nothing is in quarantine.\n',
    });
    expect(await call('/', ['gateway', 'parked', 'list'], { ...env })).toMatchObject({
      code: 0,
      stdout: 'No device is parked.\n',
    });
    expect(await call('/', ['gateway', 'quarantine', 'drop'], { ...env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('add --yes'),
    });
    expect((await call('/', ['gateway', 'quarantine', 'drop', '--yes', '--json'], { ...env })).stdout).toBe(
      '{"dropped":0}\n',
    );
    for (const [args, message] of [
      [['quarantine', 'retry', '7'], 'none of these entries is in quarantine'],
      [['quarantine', 'drop', '7'], 'none of these entries is in quarantine'],
      [['quarantine', 'list', '7'], 'none of these entries is in quarantine'],
      [['parked', 'retry', 'not-an-id'], 'none of these devices is parked'],
      [['parked', 'list', 'not-an-id'], 'none of these devices is parked'],
    ] as const)
      expect(await call('/', ['gateway', ...args], { ...env })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(message),
      });
    expect((await call('/', ['gateway', 'parked', 'retry', '--json'], { ...env })).stdout).toBe('{"retried":0}\n');
  });

  test('status shows the other streams and exits with 1 if one is missing', { timeout: LONG }, async () => {
    await init();
    const nats = await connectNats({ servers: cluster.servers });
    onTestFinished(() => nats.close());
    await nats.jsm.streams.delete(PARKED);
    const { code, stdout } = await call('/', ['gateway', 'status'], { ...env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^NIKDEV_QUARANTINE +0 /m);
    expect(stdout).toMatch(/^missing: NIKDEV_PARKED\. Restore a backup/m);
    expect(await call('/', ['gateway', 'parked'], { ...env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the stream NIKDEV_PARKED is missing'),
    });
    await init();
  });

  test('a server of NATS with TLS is reached with its authority only, and with its user', {
    timeout: LONG,
  }, async () => {
    const folder = temporaryFolder();
    const { cert, key } = selfSigned();
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const configuration = `tls { cert_file: "${certFile}", key_file: "${keyFile}" }
authorization { user: gateway, password: hunter2 }`;
    const single = await NatsCluster.start({ nodes: 1, configuration });
    onTestFinished(() => single.close());
    const [server = ''] = single.servers;
    const credentials = { NIKDEV_GATEWAY_NATS_USER: 'gateway', NIKDEV_GATEWAY_NATS_PASSWORD: 'hunter2' };
    const args = ['gateway', 'init', '--replicas', '1', '--max-bytes', '50M', '--partitions', '4', '--json'];
    // The certificate names localhost.
    const nats = ['--nats', server.replace('nats://127.0.0.1', 'tls://localhost')];
    const trusted = await run('/', [...args, ...nats, '--nats-ca', certFile], credentials);
    expect(trusted).toMatchObject({ code: 0, stdout: '{"initialized":true}\n' });
    for (const [more, variables, exit, message] of [
      [[], credentials, 75, /the NATS cluster can't be reached/],
      [
        ['--nats-ca', certFile],
        { ...credentials, NIKDEV_GATEWAY_NATS_PASSWORD: 'guess' },
        2,
        /the NATS servers refuse the credentials/,
      ],
    ] as const) {
      const { code, stdout, stderr } = await run('/', [...args, ...nats, ...more], variables);
      expect([code, stdout + stderr]).toEqual([exit, expect.stringMatching(message)]);
      expect(stdout + stderr).not.toMatch(/hunter2|guess/);
    }
  });

  test('has each flag of its documentation, and takes each as a variable', async () => {
    const { stdout: help } = await call('/', ['gateway', '--help'], {});
    // Without the calls of the command line of NATS.
    const page = readPage('docs/gateway.md').replace(/`nats [^`]*`/g, '');
    const documented = new Set(page.match(/(?<=[`( ])--(?!once)[a-z][a-z-]+/g));
    expect(documented.size).toBeGreaterThan(12);
    const flags = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
    expect([...documented].filter((flag) => !flags.includes(flag))).toEqual([]);
    const fault = /must be|can't be read|must be set together|needs TLS/;
    for (const [flag, value] of Object.entries(REFUSED)) {
      const action = INIT_FLAGS.has(flag) ? 'init' : 'run';
      const name = `NIKDEV_GATEWAY_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`;
      const variables = { NIKDEV_GATEWAY_SECRET: SECRET, [name]: value };
      const { code, stderr } = await call('/', ['gateway', action], variables);
      expect([flag, code, stderr]).toEqual([flag, 2, expect.stringMatching(fault)]);
    }
  });

  test('refuses each option with the actions that do not use it', async () => {
    const { options = [] } = COMMANDS.find(({ name }) => name === 'gateway') ?? {};
    const own = options.filter(({ flags }) => !flags.startsWith('--nats'));
    expect(own.length).toBeGreaterThan(12);
    for (const { flags } of own) {
      const [flag = '', value] = flags.split(' ');
      const { code, stderr } = await call('/', ['gateway', 'status', flag, ...(value ? ['1'] : [])], {});
      expect([code, stderr]).toEqual([2, expect.stringContaining(`gateway status has no option ${flag}`)]);
    }
  });

  test('without its packages it names the one that is missing, and the line that installs them', {
    timeout: LONG,
  }, () => {
    const folder = temporaryFolder();
    cpSync(join(COMMAND, '..', '..'), folder, { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'cli', 'cli.cjs'), 'gateway', 'status'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/the gateway needs the package @nats-io\/[\w-]+, which is not installed/);
    expect(stderr).toContain('npm install @nats-io/transport-node@3.4');
  });

  test.each<[string, string[], Record<string, string>, RegExp]>([
    ['no action', [], {}, /missing required argument/],
    ['another action', ['start'], {}, /expected init, run, status/],
    ['no secret', ['run'], {}, /NIKDEV_GATEWAY_SECRET is not set/],
    ['two secrets', ['run'], { NIKDEV_GATEWAY_SECRET: 'a', NIKDEV_GATEWAY_SECRET_FILE: '/x' }, /are both set/],
    ['a missing file', ['run'], { NIKDEV_GATEWAY_SECRET_FILE: '/nowhere/x' }, /can't be read \(ENOENT\)/],
    ['half a certificate', ['run', '--tls-cert', COMMAND], { NIKDEV_GATEWAY_SECRET: SECRET }, /must be set together/],
    ['a level that is none', ['run', '--log-level', 'all'], { NIKDEV_GATEWAY_SECRET: SECRET }, /--log-level must be/],
    ['an argument of no use', ['init', 'extra', 'arg'], {}, /gateway init takes no argument, got "extra"/],
    ['an option of another action', ['status', '--max-bytes', 'lots'], {}, /gateway status has no option --max-bytes/],
    ['an option without effect', ['parked', 'retry', '--yes'], {}, /gateway parked has no option --yes/],
    [
      'two ways to authenticate',
      ['status', '--nats-user', 'u', '--nats-credentials', COMMAND],
      {},
      /exclude each other/,
    ],
    [
      'a key without a certificate',
      ['status', '--nats-key', COMMAND],
      {},
      /nats.cert and nats.key must be set together/,
    ],
    [
      'a size that is none',
      ['init', '--max-bytes', 'much'],
      {},
      /--max-bytes must be like 10G or 500M, from 1M to 9000T, got "much"/,
    ],
    ['G6 an open address', ['run', '--host', '0.0.0.0'], { NIKDEV_GATEWAY_SECRET: SECRET }, /beyond this machine/],
  ])('%s is refused with exit code 2', async (_name, args, variables, message) => {
    const { code, stderr } = await call('/', ['gateway', ...args], variables);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
