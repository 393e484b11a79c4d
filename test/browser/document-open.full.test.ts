import { expect, test } from 'vitest';
import { describeInEveryBrowser, SOON, type Tab } from '../support/browsers/every-browser.js';
import { commitTexts, servePages } from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { storedTexts } from '../support/servers/emulator.js';
import { serveRecordedEmulator } from '../support/servers/recorded-emulator.js';

/** Calls of old scripts long after a page has loaded. Each removes all listeners of the window and the document. */
const REPLACEMENTS: readonly [string, () => void][] = [
  [
    'replaces its document',
    () => {
      document.open();
      document.write('<!doctype html><title>New</title><p>new');
      document.close();
    },
  ],
  ['begins a document that never ends', () => void document.open()],
  ['writes after it has loaded', () => void document.write('<p>new')],
  [
    'replaces its document twice',
    () => {
      for (const text of ['one', 'two']) {
        document.open();
        document.write(text);
        document.close();
      }
    },
  ],
];

async function openForgetful(tab: Tab, options: PageOptions): Promise<void> {
  await tab.evaluate((given) => {
    const { Api, memoryStorage } = window.NikDevIoT;
    window.api = new Api({ ...given, storage: memoryStorage() });
  }, options);
}

describeInEveryBrowser('a page that replaces its document', ({ newContext }) => {
  async function setUp() {
    const server = await serveRecordedEmulator();
    const url = await servePages();
    const tab = await (await newContext()).newTab(url);
    await openForgetful(tab, server.options);
    return { ...server, url, tab };
  }

  test.each(REPLACEMENTS)(
    'F54 and %s still sends what its memory has when it is left, once',
    async (_what, replace) => {
      const { emulator, uploads, tab, url } = await setUp();
      await commitTexts(tab, ['before']);
      await tab.evaluate(replace);
      await commitTexts(tab, ['after']);
      await tab.goto(`${url}empty`);
      await expect.poll(() => storedTexts(emulator), SOON).toEqual(['before', 'after']);
      expect(uploads()).toHaveLength(1);
    },
  );

  test('F54 still sends it when it is hidden', async () => {
    const { emulator, tab } = await setUp();
    await tab.evaluate(() => {
      document.open();
      document.write('<p>new');
      document.close();
    });
    await commitTexts(tab, ['one']);
    await tab.setHidden(true);
    await expect.poll(() => storedTexts(emulator), SOON).toEqual(['one']);
  });
});
