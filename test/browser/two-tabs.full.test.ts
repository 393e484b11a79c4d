import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectRestored, noteReturn } from '../support/browsers/back-forward-cache.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import {
  commitTexts,
  crash,
  makeApi,
  numbered,
  openTab,
  queuedTexts,
  servePages,
  tryToPush,
} from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { credentials } from '../support/builders/credentials.js';
import { deferred } from '../support/fakes/stub-fetch.js';
import { oneDevice, serveEmulator, storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

describeInChromium('two tabs of one origin', (newContext) => {
  test('F27 that commit and push at the same time lose nothing, double nothing, and keep their order', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const tabs = [await openTab(context, url, options), await openTab(context, url, options)];
    await Promise.all(
      tabs.map((tab, index) =>
        tab.evaluate(
          async (texts) => {
            for (const [number, text] of texts.entries()) {
              window.api.addValue('value', text);
              window.api.commit();
              // Now and then both push at once, and go on committing while the answer is on its way.
              if (number % 20 === 0) void window.api.push();
              if (number % 5 === 0) await new Promise((resolve) => setTimeout(resolve));
            }
            await window.api.push();
          },
          numbered(`tab${index}`, 200),
        ),
      ),
    );
    const stored = storedTexts(emulator);
    for (const name of ['tab0', 'tab1'])
      expect(stored.filter((text) => String(text).startsWith(name))).toEqual(numbered(name, 200));
    for (const tab of tabs) expect(await queuedTexts(tab)).toEqual([]);
  });

  test.each([
    ['before the server stored it', false],
    ['after the server stored it, and before its answer', true],
  ])('F27 of which one crashes while it pushes, %s: the other delivers all of it', async (_when, isStored) => {
    const emulator = oneDevice();
    const arrived = deferred<void>();
    const isFirst = { value: true };
    const url = await serveOnLoopback(async (request) => {
      if (request.method !== 'POST' || !isFirst.value) return emulator.fetch(request) as Promise<Response>;
      isFirst.value = false;
      if (isStored) await emulator.fetch(request);
      arrived.resolve();
      // Never answered: who asked is dead by then.
      return new Promise<Response>(() => {});
    });
    const options = { ...credentials, baseUrl: `${url}api/v1/` };
    const pages = await servePages();
    const context = await newContext();
    const doomed = await openTab(context, pages, options);
    await commitTexts(doomed, ['one', 'two']);
    await doomed.evaluate(() => void window.api.push().catch(() => {}));
    await arrived.promise;
    await crash(doomed);

    const heir = await openTab(context, pages, options);
    expect(await queuedTexts(heir)).toEqual(['one', 'two']);
    expect((await tryToPush(heir)).result).toEqual({ pushed: 2, requests: 1, expired: 0 });
    // At most the batch that was under way is stored twice.
    expect(storedTexts(emulator)).toEqual(isStored ? ['one', 'two', 'one', 'two'] : ['one', 'two']);
  });

  test('F27 of which one is a duplicate of the other commit under ids of their own, and take nothing from each other', async () => {
    const { emulator, options } = await serveEmulator();
    const context = await newContext();
    const original = await openTab(context, await servePages(), options);
    await original.evaluate(() => sessionStorage.setItem('copied', 'yes'));
    const [first] = await commitTexts(original, ['original']);
    // As a browser duplicates it: the history entry and the session storage come along.
    const [duplicate] = await Promise.all([
      context.waitForEvent('page'),
      original.evaluate(() => void window.open(location.href)),
    ]);
    await duplicate.waitForFunction(() => 'NikDevIoT' in window);
    expect(await duplicate.evaluate(() => sessionStorage.getItem('copied'))).toBe('yes');
    await makeApi(duplicate, options);
    const [second] = await commitTexts(duplicate, ['duplicate']);
    expect(second?.id).not.toBe(first?.id);
    expect([await queuedTexts(original), await queuedTexts(duplicate)]).toEqual([['original'], ['duplicate']]);
    await Promise.all([tryToPush(original), tryToPush(duplicate)]);
    expect(storedTexts(emulator).sort()).toEqual(['duplicate', 'original']);
  });
});

describeInChromium(
  'a page in the back/forward cache',
  (newContext) => {
    /** A tab that committed two entries, staged a value, and then went on to another page. */
    async function leaveByLink(context: BrowserContext, url: string, options: PageOptions) {
      const page = await openTab(context, url, options);
      await noteReturn(page);
      await commitTexts(page, ['one', 'two']);
      await page.goto(`${url}elsewhere`);
      return page;
    }

    /** A page that comes out of the cache is not loaded: no more is waited for than the navigation. */
    const goBack = (page: Page) => page.goBack({ waitUntil: 'commit' });

    const pages = { '/elsewhere': '<!doctype html><title>Elsewhere</title><script src="/nikdev-iot.umd.js"></script>' };

    test('F27 goes on when it comes back, with all that it had, and each entry is delivered once', async () => {
      const { emulator, options } = await serveEmulator();
      const page = await leaveByLink(await newContext(), await servePages(pages), options);
      await goBack(page);
      await expectRestored(page);
      await commitTexts(page, ['three']);
      expect((await tryToPush(page)).result).toEqual({ pushed: 3, requests: 1, expired: 0 });
      expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
      await page.reload();
      await makeApi(page, options);
      expect(await queuedTexts(page)).toEqual([]);
    });

    test('F27 and the page that is shown instead deliver each entry once between them', async () => {
      const { emulator, options } = await serveEmulator();
      const page = await leaveByLink(await newContext(), await servePages(pages), options);
      await makeApi(page, options);
      await queuedTexts(page);
      await commitTexts(page, ['elsewhere']);
      await tryToPush(page);
      await goBack(page);
      // It may have been discarded, and loaded anew.
      await page.waitForFunction(() => 'NikDevIoT' in window);
      if (await page.evaluate(() => window.api === undefined)) await makeApi(page, options);
      await queuedTexts(page);
      await tryToPush(page);
      expect(storedTexts(emulator).sort()).toEqual(['elsewhere', 'one', 'two']);
    });

    test('F27 and is thrown out of it leaves its entries to the next page', async () => {
      const { emulator, options } = await serveEmulator();
      const context = await newContext();
      const url = await servePages(pages);
      const page = await leaveByLink(context, url, options);
      // With the tab, all that it holds in the cache is gone.
      await page.close();
      const heir = await openTab(context, url, options);
      expect(await queuedTexts(heir)).toEqual(['one', 'two']);
      await tryToPush(heir);
      expect(storedTexts(emulator)).toEqual(['one', 'two']);
    });
  },
  // Playwright switches the cache off.
  { ignoreDefaultArgs: ['--disable-back-forward-cache'] },
);
