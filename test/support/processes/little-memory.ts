import { expect } from 'vitest';
import { credentials } from '../builders/credentials.js';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { json, loopbackServer } from '../servers/loopback-server.js';
import { type NodeProcess, runNode } from './node-process.js';

const HEAP_MB = 40;
/** V8 ends a process whose heap is nearly full once its collections take most of the wall-clock time: on a busy machine too early. */
export const SLOW = { timeout: 120_000, retry: 2 };
const FILLED = 0.85 * HEAP_MB * 1024 * 1024;
export const BATCH = 1000;

/** A device on a folder, and a server that notes the numbers that it is sent. */
export async function littleMemory() {
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
  const options = { ...credentials, baseUrl, autoPush: false, maxEntriesPerRequest: BATCH, requestTimeout: 600 };
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
    /** @param until - How many numbers have arrived when it is killed. @returns Its output. */
    async push(role: 'push' | 'part', until = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
      killAt = until;
      pushing = run(role);
      await pushing.ended;
      return pushing.lines;
    },
  };
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
