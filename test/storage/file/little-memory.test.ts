import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { credentials } from '../../support/builders/credentials.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { type NodeProcess, runNode } from '../../support/processes/node-process.js';
import { json, loopbackServer } from '../../support/servers/loopback-server.js';

const HEAP_MB = 24;
const FILLED = 0.85 * HEAP_MB * 1024 * 1024;
const BATCH = 1000;

/** A device on a folder, and a server that notes the numbers that it is sent. */
async function setUp() {
  const numbers: number[] = [];
  let killAt = Number.POSITIVE_INFINITY;
  let pushing: NodeProcess | undefined;
  const { baseUrl, requests } = await loopbackServer(({ body }, response) => {
    requests.length = 0;
    for (const [, number] of body.matchAll(/"number":(\d+)/g)) numbers.push(Number(number));
    if (numbers.length < killAt) json(response, 200, {});
    else pushing?.kill('SIGKILL');
  });
  const folder = temporaryFolder();
  // Of a clock that may be hurried.
  const options = { ...credentials, baseUrl, autoPush: false, maxEntriesPerRequest: BATCH, requestTimeout: 86_400 };
  const run = (role: 'fill' | 'push' | 'part', ...args: readonly number[]): NodeProcess =>
    runNode(
      '--expose-gc',
      [
        'test/support/processes/device-in-little-memory.mjs',
        role,
        folder,
        JSON.stringify(options),
        ...args.map(String),
      ],
      { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` },
    );
  return {
    folder,
    numbers,
    async fill(journals: number, writers: number): Promise<number> {
      const device = run('fill', FILLED, journals, writers);
      expect(await device.ended).toMatchObject({ signal: 'SIGKILL' });
      return Number(/^held (\d+)$/.exec(device.lines.join('\n'))?.[1]);
    },
    /** @param until - How many numbers have arrived when it is killed. @returns What it said. */
    async push(role: 'push' | 'part', until = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
      killAt = until;
      pushing = run(role);
      await pushing.ended;
      return pushing.lines;
    },
  };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test.each([
  ['in one journal', 'push', 1, 1],
  ['in many journals of several writers each', 'push', 20, 5],
  ['and moved away from what waits for another device', 'part', 1, 1],
] as const)(
  'F49 a queue that takes 85 % of the heap, %s, is adopted and pushed under the same limit',
  { timeout: 60_000 },
  async (_, role, journals, writers) => {
    const { folder, numbers, fill, push } = await setUp();
    const held = await fill(journals, writers);
    expect(await push(role)).toEqual([`adopted ${held}`, `pushed ${held} 0`]);
    expect(numbers.sort((one, other) => one - other)).toEqual(upTo(held));
    expect(readdirSync(folder)).toHaveLength(journals);
  },
);

test('F49 and again after a crash half-way through its push, with one batch sent twice', {
  timeout: 60_000,
}, async () => {
  const { numbers, fill, push } = await setUp();
  const held = await fill(1, 1);
  expect(await push('push', held / 2)).toEqual([`adopted ${held}`]);
  const sent = numbers.length;
  const left = held - sent + BATCH;
  expect(await push('push')).toEqual([`adopted ${left}`, `pushed ${left} 0`]);
  expect(numbers).toEqual([...upTo(sent), ...upTo(held).slice(sent - BATCH)]);
});
