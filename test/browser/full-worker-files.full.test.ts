import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FLAGS, findChromium } from '../support/browsers/chromium.js';
import { openInWorker, terminate, type WorkerGlobals } from '../support/browsers/dedicated-worker.js';
import { type Evaluates, SOON } from '../support/browsers/every-browser.js';
import { servePages } from '../support/browsers/pages.js';
import { FIREFOX, FIREFOX_IS_QUIET } from '../support/browsers/puppeteer.js';
import { newProfile } from '../support/browsers/started-browser.js';
import { serveEmulator } from '../support/servers/emulator.js';

interface PageWithQuota {
  readonly page: Evaluates;
  /** Gives the site a quota of a few megabytes, if it has no such quota from the start. */
  limit(): Promise<void>;
}

/** Chromium asks its quota for a megabyte at least. A private window has no quota for files that are open. */
async function openChromium(url: string): Promise<PageWithQuota> {
  const context = await chromium.launchPersistentContext(newProfile(), {
    executablePath: findChromium() ?? '',
    args: FLAGS,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(url);
  return {
    page,
    async limit() {
      const session = await context.newCDPSession(page);
      const { origin } = new URL(url);
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 6_000_000 });
    },
  };
}

/** Firefox gives a site a fifth of all storage, and 10 MiB at least. A write beyond that writes nothing, and throws nothing. */
async function openFirefox(url: string): Promise<PageWithQuota> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX.path ?? '',
    headless: true,
    extraPrefsFirefox: { ...FIREFOX_IS_QUIET, 'dom.quotaManager.temporaryStorage.fixedLimit': 51_200 },
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  return { page: page as Evaluates, limit: async () => {} };
}

const BROWSERS = [
  { name: 'Chromium', path: findChromium(), open: openChromium },
  { name: 'Firefox', path: FIREFOX.path, open: openFirefox },
];

describe.each(BROWSERS)('opfsStorage of a site with a small quota, in $name', ({ path, open }) => {
  test.skipIf(path === undefined && !process.env['CI'])(
    'F19 refuses a commit as full, keeps all before it, and goes on once a push has made space',
    async () => {
      const { options } = await serveEmulator();
      const { page, limit } = await open(`${await servePages()}empty`);
      const worker = await openInWorker(page, 'worker', options);
      await limit();
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
    },
    60_000,
  );
});
