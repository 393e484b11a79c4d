import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Entry } from '../../src/index.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { openTab, servePages } from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { serveEmulator } from '../support/servers/emulator.js';

declare global {
  interface Window {
    /** For each time that the page was shown, whether it came out of the back/forward cache. */
    shown: boolean[];
  }
}

/** Commits one entry each time that it is loaded. */
const device = (options: PageOptions): string => `<!doctype html><title>Device</title><link rel="icon" href="data:,">
<script src="/nikdev-iot.umd.js"></script>
<script>
  window.shown = []
  addEventListener('pageshow', (event) => window.shown.push(event.persisted))
  window.api = new NikDevIoT.Api(${JSON.stringify(options)})
  window.api.addValue('load', sessionStorage.load = Number(sessionStorage.load ?? 0) + 1)
  window.api.commit()
</script>`;

describeInChromium(
  'a page that goes into the back/forward cache',
  (newContext) => {
    test('F27 comes back as the same writer if no other tab looked, and nothing is lost or doubled', async () => {
      const { page, leave, comeBack, arrived } = await setUp();
      const [committed] = await logOf(page);
      await leave();
      await comeBack();
      // Else this browser has no such cache, and nothing but a reload was tested.
      expect(await page.evaluate(() => window.shown)).toEqual([false, true]);
      expect(await logOf(page)).toEqual([committed]);
      await push(page);
      expect(arrived()).toEqual([1]);
    });

    test('F27 is evicted for a tab that looks for orphans meanwhile, which adopts its entries, and nothing is lost or doubled', async () => {
      const { page, leave, comeBack, arrived, openAnother } = await setUp();
      const [committed] = await logOf(page);
      await leave();
      const other = await openAnother();
      expect(await logOf(other)).toEqual([committed]);
      await comeBack();
      expect(await page.evaluate(() => window.shown)).toEqual([false]);
      await push(other);
      await push(page);
      expect(arrived()).toEqual([1, 2]);
    });

    async function setUp() {
      const { emulator, options } = await serveEmulator();
      const url = await servePages({ '/device': device(options) });
      const context = await newContext();
      const page = await context.newPage();
      await page.goto(`${url}device`);
      await page.evaluate(() => window.api.ready);
      return {
        page,
        // By the page itself, and not at once: a page in which the driver still has something to do is discarded.
        async leave() {
          await page.evaluate(() => void setTimeout(() => location.assign('/empty'), 200));
          await page.waitForURL('**/empty');
        },
        async comeBack() {
          await page.evaluate(() => void setTimeout(() => history.back(), 200));
          // A page that comes out of the cache has no load event.
          await expect.poll(() => page.evaluate(() => location.pathname), { timeout: 10_000 }).toBe('/device');
          await page.evaluate(() => window.api.ready);
        },
        async openAnother() {
          const other = await openTab(context, url, options);
          await other.evaluate(() => window.api.ready);
          return other;
        },
        arrived: () => emulator.entries(DEVICE_ID).flatMap(({ values }) => values.map(({ value }) => value)),
      };
    }
  },
  { ignoreDefaultArgs: ['--disable-back-forward-cache'] },
);

const logOf = (page: Page): Promise<Entry[]> => page.evaluate(() => window.api.log());

async function push(page: Page): Promise<void> {
  await page.evaluate(() => window.api.push());
}
