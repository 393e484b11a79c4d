import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { expect, onTestFinished, test } from 'vitest';
import { createEmulator } from '../../src/emulator.js';
import { Api } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { credentials } from '../support/credentials.js';
import { temporaryFolder } from '../support/fake-processes.js';

const KILLS = 20;
const device = fileURLToPath(new URL('../support/committing-device.mjs', import.meta.url));

/** Runs a device and kills it `milliseconds` after its first commit. @returns The commits that returned. */
async function runAndKill(folder: string, baseUrl: string, milliseconds: number): Promise<string[]> {
  const child = spawn(process.execPath, [device, folder, baseUrl], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const committed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('committed ')) continue;
    if (committed.length === 0) setTimeout(() => child.kill('SIGKILL'), milliseconds);
    committed.push(line.slice('committed '.length));
  }
  // Its output ends a moment before it does, and until then it is not dead for those who look.
  await exited;
  return committed;
}

test(`F24 F26 of a device killed ${KILLS} times, every commit that returned arrives`, {
  timeout: 240_000,
}, async () => {
  const folder = temporaryFolder();
  const { deviceId, apiKey } = credentials;
  const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }] });
  const port = await new Promise<number>((resolve) => {
    const server = serve({ fetch: emulator.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port));
    onTestFinished(() => void server.close());
  });
  const baseUrl = `http://127.0.0.1:${port}/api/v1/`;

  const committed: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    for (const one of await runAndKill(folder, baseUrl, 5 + ((kill * 37) % 150))) committed.push(one);
  }
  const last = new Api({ ...credentials, baseUrl, storage: fileStorage(folder) });
  await last.ready;
  await last.push();
  await last.close();

  const arrived = emulator.entries(deviceId).map(({ values }) => String(values[0]?.value));
  const unique = new Set(arrived);
  expect(committed.length).toBeGreaterThan(KILLS * 20);
  expect(committed.filter((one) => !unique.has(one))).toEqual([]);
  // A kill between the server's answer and its note in the journal doubles what was under way, and no more.
  expect(arrived.length - unique.size).toBeLessThanOrEqual(KILLS * 1000);
  // Each device's own, in the order of its commits.
  const firsts = new Map<string, number>();
  for (const one of unique) {
    const [pid = '', number] = one.split('-');
    expect(Number(number)).toBeGreaterThan(firsts.get(pid) ?? -1);
    firsts.set(pid, Number(number));
  }
});
