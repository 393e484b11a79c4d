import { chromium } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FLAGS, findChromium } from '../support/browsers/chromium.js';
import { openInWorker, terminate, type WorkerGlobals } from '../support/browsers/dedicated-worker.js';
import { SOON } from '../support/browsers/every-browser.js';
import { servePages } from '../support/browsers/pages.js';
import { newProfile } from '../support/browsers/started-browser.js';
import { serveEmulator } from '../support/servers/emulator.js';

const executablePath = findChromium();

describe.skipIf(executablePath === undefined && !process.env['CI'])('opfsStorage of a site with a small quota', () => {
  test('F19 refuses a commit as full, keeps all before it, and goes on once a push has made space', async () => {
    const { options } = await serveEmulator();
    const url = await servePages();
    // Chromium asks its quota for a megabyte at least. A private window has no quota for files that are open.
    const context = await chromium.launchPersistentContext(newProfile(), {
      executablePath: executablePath ?? '',
      args: FLAGS,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(`${url}empty`);
    const worker = await openInWorker(page, 'worker', options);
    const session = await context.newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: 6_000_000 });
    const refused = await worker.evaluate(() => {
      const { api } = globalThis as unknown as WorkerGlobals;
      for (let number = 0; number < 2000; number++) {
        api.addValue('value', `${number} ${'x'.repeat(10_000)}`);
        try {
          api.commit();
        } catch (error) {
          const { name, isFull, message } = error as Error & { isFull: boolean };
          return { number, name, isFull, message };
        }
      }
      return undefined;
    });
    expect(refused).toMatchObject({ name: 'StorageException', isFull: true });
    expect(refused?.message).toContain('the quota of this site is exceeded');
    expect(refused?.number).toBeGreaterThan(20);
    await terminate(page, 'worker');
    const next = await openInWorker(page, 'next', options);
    const committed = () =>
      next.evaluate(async () => {
        const { api } = globalThis as unknown as WorkerGlobals;
        await api.ready;
        return api.status().committed;
      });
    await expect.poll(committed, SOON).toBe(refused?.number);
    const after = await next.evaluate(async () => {
      const { api } = globalThis as unknown as WorkerGlobals;
      const { pushed } = await api.push();
      api.addValue('value', 'after');
      api.commit();
      const { committed, warnings } = api.status();
      return { pushed, committed, warnings };
    });
    expect(after).toEqual({ pushed: refused?.number, committed: 1, warnings: [] });
  }, 60_000);
});
