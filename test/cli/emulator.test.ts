import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drawFault, parseFault } from '../../src/cli/emulator/faults.js';
import { readSetup } from '../../src/cli/emulator/setup.js';
import { createEmulator } from '../../src/emulator.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { type CommandProcess, call, run } from '../support/processes/command.js';
import { startEmulator } from '../support/processes/emulator.js';

const SLOW = 60_000;
const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** The lines after the first: the requests that were answered. */
const requestsOf = ({ written }: CommandProcess): unknown[] =>
  written.stdout
    .split('\n')
    .slice(1)
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);

/** The first events of the page. */
async function eventsOf(url: string, count: number): Promise<LiveEvent[]> {
  const ending = new AbortController();
  const { body } = await fetch(`${url}events`, { signal: ending.signal });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const events = text
      .split('\n\n')
      .slice(0, -1)
      .map((message) => JSON.parse(message.replace(/^data: /, '')) as LiveEvent);
    if (events.length >= count) {
      ending.abort();
      return events;
    }
    text += (await reader?.read())?.value ?? '';
  }
}

interface LiveEvent {
  readonly type: string;
  readonly values?: readonly object[];
}

describe('emulator', () => {
  test(
    'takes readings on loopback, prints each request, shows them on a page, and ends on SIGTERM',
    async () => {
      const { url, env, process } = await startEmulator();
      expect(new URL(url).hostname).toBe('127.0.0.1');
      const folder = temporaryFolder();
      expect(await call(folder, ['add', 'temperature=21.5', '-cp'], env)).toMatchObject({ code: 0 });
      expect((await call(folder, ['get', 'temperature'], env)).stdout).toMatch(/^temperature=21\.5/);
      expect(requestsOf(process)).toMatchObject([
        { method: 'POST', status: 200, entries: 1 },
        { method: 'GET', status: 200 },
      ]);

      const page = await fetch(url);
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(await page.text()).not.toContain(env['NIKDEV_API_KEY']);
      const events = await eventsOf(url, 3);
      expect(events.map(({ type }) => type)).toEqual(['request', 'entry', 'request']);
      expect(events[1]?.values).toEqual([{ fieldId: 'temperature', value: 21.5 }]);
      expect(JSON.stringify(events)).not.toContain(env['NIKDEV_API_KEY']);

      process.kill('SIGTERM');
      expect(await process.ended).toMatchObject({ code: 0, stderr: '' });
    },
    SLOW,
  );

  test(
    'stores a compressed upload once, and shows its entry',
    async () => {
      const { url, env, process } = await startEmulator();
      const folder = temporaryFolder();
      expect(await call(folder, ['init'], env)).toMatchObject({ code: 0 });
      const path = join(folder, '.nikdev-iot', 'config.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(path, JSON.stringify({ ...config, compression: 'gzip' }));
      const text = 'x'.repeat(3000);
      // A server that fails a compressed request gets it again plainly, with a warning.
      expect(await run(folder, ['add', `a=${text}`, '-cp'])).toMatchObject({ code: 0, stderr: '' });
      expect(requestsOf(process)).toMatchObject([{ method: 'POST', status: 200, entries: 1 }]);
      const events = await eventsOf(url, 2);
      expect(events).toMatchObject([{ type: 'request' }, { type: 'entry', values: [{ fieldId: 'a', value: text }] }]);
    },
    SLOW,
  );

  test(
    'answers under its own name only, and other paths not at all',
    async () => {
      const { url } = await startEmulator();
      const { request } = await import('node:http');
      const statusFor = (path: string, host?: string): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const asking = request(new URL(path, url), { headers: host === undefined ? {} : { host } }, (response) => {
            response.resume();
            resolve(response.statusCode);
          });
          asking.on('error', reject).end();
        });
      expect(await statusFor('/', 'evil.example')).toBe(421);
      expect(await statusFor('/api/v1/values/a', 'evil.example')).toBe(421);
      expect(await statusFor('/nothing')).toBe(404);
      expect(await statusFor('/api/v1/values/a')).toBe(401);
    },
    SLOW,
  );

  test.skipIf(!HAS_IPV6)(
    'answers on an IPv6 address, and prints a URL with brackets',
    async () => {
      const { url, env } = await startEmulator('--host', '::1');
      expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
      expect(await call(temporaryFolder(), ['add', 'a=1', '-cp'], env)).toMatchObject({ code: 0, stderr: '' });
      expect((await call(temporaryFolder(), ['get', 'a'], env)).stdout).toMatch(/^a=1/);
      expect((await fetch(url)).status).toBe(200);
    },
    SLOW,
  );

  test(
    'answers with the faults asked for, and knows the devices named',
    async () => {
      const { env } = await startEmulator('--fault', '503', '--device', `${DEVICE_ID}:${API_KEY}`);
      expect(env).toMatchObject({ NIKDEV_DEVICE_ID: DEVICE_ID, NIKDEV_API_KEY: API_KEY });
      const { code, stderr } = await call(temporaryFolder(), ['add', 'a=1', '-cp'], env);
      expect(code).toBe(75);
      expect(stderr).toContain('503');
    },
    SLOW,
  );

  test(
    'refuses a port in use',
    async () => {
      const { url } = await startEmulator();
      const folder = temporaryFolder();
      const { code, stderr } = await call(folder, ['emulator', '--port', new URL(url).port]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/is in use/);
    },
    SLOW,
  );

  test(
    'refuses the fields of --refuse with 400, so that an entry with one is quarantined, and stores the others',
    async () => {
      const { env, process } = await startEmulator('--refuse', 'boiler', '--refuse', 'cellar');
      const folder = temporaryFolder();
      for (const value of ['door=open', 'boiler=99', 'cellar=1', 'lamp=on'])
        await call(folder, ['add', value, '-c'], env);
      expect(await call(folder, ['push'], env)).toMatchObject({ code: 1 });
      const { stdout } = await call(folder, ['quarantine'], env);
      expect(stdout).toMatch(/the field boiler is refused/);
      expect(stdout).toMatch(/the field cellar is refused/);
      expect(await call(folder, ['push'], env)).toMatchObject({ code: 0 });
      const got = await call(folder, ['get', 'door', 'lamp', 'boiler', 'cellar'], env);
      expect(got.stdout.match(/^\w+=\w+/gm)).toEqual(['door=open', 'lamp=on']);
      expect(requestsOf(process)[0]).toMatchObject({ method: 'POST', status: 400, entries: 4 });
    },
    SLOW,
  );

  test('keeps as many entries of each device as --keep says, the newest', async () => {
    const other = { deviceId: randomUUID(), apiKey: randomUUID() };
    const device = [`${DEVICE_ID}:${API_KEY}`, `${other.deviceId}:${other.apiKey}`];
    const emulator = createEmulator(readSetup({ options: { keep: '3', device } }).emulator);
    const send = async (of: { deviceId: string; apiKey: string }, value: number): Promise<void> => {
      const headers = { 'x-device-id': of.deviceId, 'x-api-key': of.apiKey };
      const body = JSON.stringify({ clientTimestamp: 1, entries: [{ timestamp: 1, values: [{ a: value }] }] });
      const { status } = await emulator.fetch('/api/v1/entries/', { method: 'POST', headers, body });
      expect(status).toBe(200);
    };
    for (let value = 1; value <= 10; value++) await send(credentials, value);
    for (const value of [11, 12]) await send(other, value);
    const valuesOf = (deviceId: string): unknown[] => emulator.entries(deviceId).map(({ values }) => values[0]?.value);
    expect(valuesOf(DEVICE_ID)).toEqual([8, 9, 10]);
    expect(valuesOf(other.deviceId)).toEqual([11, 12]);
  });

  test('keeps 100,000 entries of a device without --keep', () => {
    expect(readSetup({ options: {} }).emulator.maxEntries).toBe(100_000);
  });

  test.each([
    ['503', { status: 503 }, 1],
    ['429@12.5%', { status: 429 }, 0.125],
    ['timeout@5%', { hang: true }, 0.05],
    ['cut@100%', { cut: true }, 1],
  ])('reads the fault %s', (text, fault, share) => {
    expect(parseFault(text)).toEqual({ fault, share });
  });

  test('draws each fault for its share of the requests', () => {
    const faults = ['503@10%', 'cut@25%', 'timeout@0.5%'].map(parseFault);
    const drawn = Array.from({ length: 1000 }, (_, request) => drawFault(faults, () => request / 1000));
    const count = (name: string): number => drawn.filter((fault) => fault !== undefined && name in fault).length;
    expect(['status', 'cut', 'hang'].map(count)).toEqual([100, 250, 5]);
  });

  test('draws a fault of 100 % always, and of 0 % never', () => {
    const [always, never] = [parseFault('503'), parseFault('503@0%')];
    for (const random of [0, 0.5, 1 - Number.EPSILON]) {
      expect(drawFault([always], () => random)).toEqual({ status: 503 });
      expect(drawFault([never], () => random)).toBeUndefined();
      expect(drawFault([always, parseFault('cut@50%')], () => random)).toEqual({ status: 503 });
    }
  });

  test.each(['', '99', '700', '503@', '503@200%', 'boom', '503@-1%'])('refuses the fault %j', (text) => {
    expect(() => parseFault(text)).toThrow(/--fault must be like/);
  });

  test.each([
    ['--device', `${DEVICE_ID}:x`],
    ['--port', '70000'],
    ['--keep', '0'],
    ['--refuse', ''],
  ])('refuses %s %s', async (...args) => {
    expect(await call(temporaryFolder(), ['emulator', ...args])).toMatchObject({ code: 2, stdout: '' });
  });
});
