import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { readPage } from '../support/package/markdown.js';
import { isAlive, type NodeProcess, runNode } from '../support/processes/node-process.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';

const LONG = 180_000;
const RESULT = /^(\d+) committed, (\d+) stored, (\d+) lost, (\d+) duplicated$/;
const URL_OF_PAGE = /http:\/\/127\.0\.0\.1:\d+\//;

/** A demo that has ended when the test has. */
function demo(args: readonly string[], env?: Record<string, string>): NodeProcess {
  const child = runNode('examples/gateway/demo.mjs', args, env);
  onTestFinished(() => child.stop(), 30_000);
  return child;
}

/** Waits for a line longer than {@link NodeProcess.line} does. */
const lineOf = (child: NodeProcess, pattern: RegExp): Promise<string> =>
  vi.waitFor(
    () => {
      const found = child.lines.find((line) => pattern.test(line));
      if (found === undefined) throw new Error(`no line like ${pattern} in:\n${child.lines.join('\n')}`);
      return pattern.exec(found)?.[0] ?? '';
    },
    { timeout: 60_000, interval: 100 },
  );

/** The processes that a process has started and that run. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** The processes of a demo with all its servers: three of NATS, two gateways, the guard. */
const allChildrenOf = (pid: number): Promise<number[]> =>
  vi.waitFor(
    () => {
      const children = childrenOf(pid);
      expect(children).toHaveLength(6);
      return children;
    },
    { timeout: 60_000, interval: 100 },
  );

const foldersOfDemos = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('nikdev-iot-gateway-demo-'));

function expectNothingLost(child: NodeProcess): void {
  const [committed, stored, ...others] = (RESULT.exec(child.lines.at(-1) ?? '')?.slice(1) ?? []).map(Number);
  expect(child.lines.at(-1)).toMatch(RESULT);
  expect(committed).toBeGreaterThan(200);
  expect([stored, ...others]).toEqual([committed, 0, 0]);
}

const describeOnNatsWithProc = existsSync('/proc/self') ? describeOnNats : () => {};

describeOnNatsWithProc('the demo of the gateway', () => {
  test('--once kills a gateway and the leader of the stream, loses nothing, exits 0 and leaves no process', {
    timeout: LONG,
  }, async () => {
    const child = demo(['--once']);
    const started = new Set<number>();
    const watching = setInterval(() => {
      if (isAlive(child.pid)) for (const pid of childrenOf(child.pid)) started.add(pid);
    }, 50);
    onTestFinished(() => clearInterval(watching));
    const { code, signal } = await child.ended;
    clearInterval(watching);
    expect({ code, signal, lines: child.lines }).toMatchObject({ code: 0, signal: null });
    expect(child.lines.filter((line) => / Killed (gateway|nats)-\d/.test(line))).toHaveLength(2);
    expectNothingLost(child);
    // Two of them were started twice.
    expect(started.size).toBeGreaterThanOrEqual(8);
    expect([...started].filter(isAlive)).toEqual([]);
  });

  test('leaves no process and no file behind when it is killed', { timeout: LONG }, async () => {
    const before = foldersOfDemos();
    const child = demo([]);
    const children = await allChildrenOf(child.pid);
    child.kill('SIGKILL');
    await child.ended;
    await vi.waitFor(() => expect(children.filter(isAlive)).toEqual([]), { timeout: 20_000 });
    expect(foldersOfDemos().filter((name) => !before.includes(name))).toEqual([]);
  });
});

describeOnNatsWithProc('the page of the demo of the gateway', () => {
  describeInChromium('in Chromium', (newContext) => {
    test('shows the numbers, fits 360 px, has no error; Ctrl+C delivers all that is on its way', {
      timeout: LONG,
    }, async () => {
      const child = demo(['--port', '0']);
      const url = await lineOf(child, URL_OF_PAGE);
      const page = await (await newContext({ viewport: { width: 360, height: 740 } })).newPage();
      const errors: string[] = [];
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(url);
      await page.getByText('gateway-2 runs').waitFor();
      await page
        .getByRole('log')
        .getByText(/Killed gateway-1/)
        .waitFor();
      expect(await page.locator('#devices').textContent()).toBe('200');
      expect(await page.locator('#forwarded').textContent()).toMatch(/^[\d,]+$/);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      await expect(fetch(`${url}..%2fdemo.mjs`).then(({ status }) => status)).resolves.toBe(404);

      const children = childrenOf(child.pid);
      child.kill('SIGINT');
      expect(await child.ended).toEqual({ code: 0, signal: null });
      expectNothingLost(child);
      await page
        .getByRole('status')
        .getByText(child.lines.at(-1) ?? '')
        .waitFor();
      expect(errors).toEqual([]);
      expect(children.filter(isAlive)).toEqual([]);
    });
  });
});

test('the demo of the gateway says how to install nats-server where it is missing, and exits 1', async () => {
  const child = demo([], { NATS_SERVER: '/nowhere/nats-server' });
  expect(await child.ended).toEqual({ code: 1, signal: null });
  expect(child.lines).toEqual([
    expect.stringMatching(/^\/nowhere\/nats-server is missing\..* apt install nats-server/),
  ]);
});

test('the comparison of the demo of the gateway counts lost, repeated and unknown readings', async () => {
  const { compare, describe } = await import(new URL('../../examples/gateway/compare.mjs', import.meta.url).href);
  const held = new Map([
    ['a', [2, 2, 9]],
    ['b', [1]],
  ]);
  const commits = [
    { deviceId: 'a', committed: [1, 2] },
    { deviceId: 'b', committed: [1] },
  ];
  const sum = compare(commits, (deviceId: string) => held.get(deviceId));
  expect(sum).toEqual({ committed: 3, stored: 2, lost: 1, duplicated: 1, unknown: 1 });
  expect(describe(sum)).toBe('3 committed, 2 stored, 1 lost, 1 duplicated');
});

/** A variable of compose.yaml without a default. */
const variable = (user: string): string =>
  `\${NIKDEV_GATEWAY_NATS_${user === 'init' ? 'INIT_' : ''}PASSWORD:?set it, see the head of compose.yaml}`;

test('compose.yaml has the users of docs/gateway.md, and no secret', () => {
  const compose = readFileSync(new URL('../../examples/gateway/compose.yaml', import.meta.url), 'utf8');
  const [, users = ''] = /<!-- users\.conf -->\n```\n([\s\S]*?)```/.exec(readPage('docs/gateway.md')) ?? [];
  const [, block = ''] = /^ {6}(authorization \{[\s\S]*)$/m.exec(compose) ?? [];
  const plain = block.replaceAll(/^ {6}/gm, '').replaceAll('$$', '$').trim();
  const expected = users.replaceAll(/<password of (init|run)>/g, (_, user: string) => variable(user));
  expect(plain).toBe(expected.trim());
  expect(compose).toMatch(/NIKDEV_GATEWAY_SECRET: \$\{NIKDEV_GATEWAY_SECRET:\?/);
});
