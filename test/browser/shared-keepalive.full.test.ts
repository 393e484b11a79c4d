import { expect, test } from 'vitest';
import { describeInEveryBrowser, SOON } from '../support/browsers/every-browser.js';
import { commitTexts, numbered, servePages } from '../support/browsers/pages.js';
import { storedTexts } from '../support/servers/emulator.js';
import { serveRecordedEmulator } from '../support/servers/recorded-emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

/** The limit of browsers for all requests together that outlive a page, in bytes. */
const LIMIT = 65_536;

describeInEveryBrowser('a page that goes away beside another script of it that sends as well', ({ newContext }) => {
  test.each([
    { others: 20_000, entries: 50, least: 35_000 },
    { others: 52_000, entries: 45, least: 7000 },
    { others: 60_000, entries: 200, least: 3000 },
  ])(
    'F54 sends as much as fits beside $others bytes, and loses nothing of that, with $entries entries of 1000 bytes',
    async ({ others, entries, least }) => {
      const { emulator, options, uploads } = await serveRecordedEmulator();
      const seen: string[] = [];
      const analytics = await serveOnLoopback(async (request) => {
        seen.push(`${(await request.text()).length}`);
        return new Promise(() => {});
      });
      const url = await servePages();
      const tab = await (await newContext()).newTab(url);
      await tab.evaluate(
        ({ options, analytics, others }) => {
          // Before the Api, whose listener comes later.
          addEventListener('pagehide', () => {
            const body = 'x'.repeat(others);
            fetch(analytics, { method: 'POST', keepalive: true, mode: 'no-cors', body }).catch(() => {});
          });
          const { Api, memoryStorage } = window.NikDevIoT;
          window.api = new Api({ ...options, storage: memoryStorage() });
        },
        { options, analytics, others },
      );
      const texts = numbered('reading', entries).map((text) => text.padEnd(1000, '.'));
      await commitTexts(tab, texts);
      await tab.goto(`${url}empty`);
      const stored = (): number => uploads().reduce((sum, { bytes }) => sum + bytes, 0);
      await expect.poll(stored, SOON).toBeGreaterThan(least);
      expect(seen).toEqual([`${others}`]);
      expect(stored()).toBeLessThanOrEqual(LIMIT - others);
      const arrived = storedTexts(emulator);
      expect(new Set(arrived).size).toBe(arrived.length);
      expect(texts).toEqual(expect.arrayContaining(arrived));
    },
  );
});
