import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/disks/temporary-folder.js';

const script = fileURLToPath(new URL('../support/processes/forgotten-apis.mjs', import.meta.url));
const dist = new URL('../../dist/', import.meta.url).href;

async function forget(way: string): Promise<{ left: number; isListening: boolean; stored: number }> {
  const given = ['--expose-gc', script, way, dist, temporaryFolder()];
  const { stdout } = await promisify(execFile)(process.execPath, given, { timeout: 60_000 });
  return JSON.parse(stdout) as { left: number; isListening: boolean; stored: number };
}

describe('an Api that is not closed and that nothing refers to', () => {
  test.each(['idle', 'pushed', 'read', 'files'])(
    'is collected, and its listeners with it: %s',
    async (way) => {
      expect(await forget(way)).toMatchObject({ left: 0, isListening: false });
    },
    90_000,
  );

  test('stays while somebody listens to its status, or waits for its readings', async () => {
    expect(await forget('subscribed')).toMatchObject({ isListening: true });
    expect(await forget('watched')).toMatchObject({ isListening: true });
  }, 90_000);

  test('stays while entries are queued, and pushes them at the end of the process if that is planned', async () => {
    expect(await forget('queued')).toMatchObject({ isListening: true, stored: 0 });
    expect(await forget('planned')).toMatchObject({ isListening: true, stored: 500 });
  }, 90_000);
});
