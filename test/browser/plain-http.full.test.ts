import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { expectRestored, noteReturn } from '../support/browsers/back-forward-cache.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { commitTexts, crash, makeApi, openTab, queuedTexts, servePages, tryToPush } from '../support/browsers/pages.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';
import { asOnLan } from '../support/servers/lan.js';

const MINUTE = 60_000;

/** Lets time pass in all the tabs of a context, which share a clock, in steps in which their timers take turns. */
async function pass(tabs: readonly Page[], milliseconds: number): Promise<void> {
  const step = 10_000;
  for (let passed = 0; passed < milliseconds; passed += step) {
    await tabs[0]?.clock.runFor(step);
    // The other tabs see a write in a real turn only.
    for (const tab of tabs) await tab.evaluate(() => undefined);
  }
}

describeInChromium('a page on plain http, away from loopback', (newContext) => {
  async function setUp(): Promise<
    { context: BrowserContext; url: string } & Awaited<ReturnType<typeof serveEmulator>>
  > {
    return { context: await newContext(), url: asOnLan(await servePages()), ...(await serveEmulator()) };
  }

  test('F28 has no Web Locks, but localStorage, and saves there', async () => {
    const { context, url, options } = await setUp();
    const page = await openTab(context, url, options);
    const seen = await page.evaluate(() => {
      const { isSecureContext, navigator, api, localStorage } = window;
      return { isSecureContext, locks: typeof navigator.locks, before: localStorage.length, status: api.status() };
    });
    expect(seen).toMatchObject({
      isSecureContext: false,
      locks: 'undefined',
      before: 0,
      status: { durability: 'tab' },
    });
    await commitTexts(page, ['one']);
    expect(await page.evaluate(() => localStorage.length)).toBeGreaterThan(0);
  });

  test('F28 finds after a reload what it had committed and staged, and each entry is delivered once', async () => {
    const { context, url, emulator, options } = await setUp();
    const page = await openTab(context, url, options);
    await commitTexts(page, ['one', 'two']);
    await page.evaluate(() => window.api.addValue('value', 'staged'));
    await page.reload();
    await makeApi(page, options);
    expect(await queuedTexts(page)).toEqual(['one', 'two']);
    await page.evaluate(() => window.api.commit());
    expect((await tryToPush(page)).result).toEqual({ pushed: 3, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'staged']);

    await page.reload();
    await makeApi(page, options);
    expect(await queuedTexts(page)).toEqual([]);
  });

  test('F28 leaves its entries to a new tab when it is closed', async () => {
    const { context, url, emulator, options } = await setUp();
    const closed = await openTab(context, url, options);
    await commitTexts(closed, ['one']);
    // As a user closes it: playwright otherwise leaves out the events of a page that is closed.
    await closed.close({ runBeforeUnload: true });
    await expect.poll(() => context.pages(), SOON).toHaveLength(0);
    const heir = await openTab(context, url, options);
    expect(await queuedTexts(heir)).toEqual(['one']);
    await tryToPush(heir);
    expect(storedTexts(emulator)).toEqual(['one']);
  });

  test('F28 is not fenced by another tab, however long both are open, and fences none', async () => {
    const { context, url, emulator, options } = await setUp();
    await context.clock.install();
    const one = await openTab(context, url, options);
    const other = await openTab(context, url, options);
    await commitTexts(one, ['one']);
    await commitTexts(other, ['other']);
    await pass([one, other], 10 * MINUTE);
    expect([await queuedTexts(one), await queuedTexts(other)]).toEqual([['one'], ['other']]);
    await Promise.all([tryToPush(one), tryToPush(other)]);
    expect(storedTexts(emulator).sort()).toEqual(['one', 'other']);
  });

  test('F28 adopts the entries of a crashed tab after three minutes, and not sooner', async () => {
    const { context, url, emulator, options } = await setUp();
    await context.clock.install();
    const doomed = await openTab(context, url, options);
    const living = await openTab(context, url, options);
    await commitTexts(doomed, ['one', 'two']);
    await pass([living, doomed], MINUTE);
    await crash(doomed);
    // The clock is the context's: it would ask the crashed page, too.
    await doomed.close();
    await pass([living], 2 * MINUTE);
    expect(await queuedTexts(living)).toEqual([]);
    await pass([living], 3 * MINUTE);
    expect(await queuedTexts(living)).toEqual(['one', 'two']);
    expect((await tryToPush(living)).result).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('F28 that may not store data queues in memory, warns, and still pushes', async () => {
    const { emulator, options } = await serveEmulator();
    const url = asOnLan(
      await servePages({ '/outer': '<!doctype html><iframe sandbox="allow-scripts" src="/"></iframe>' }),
    );
    const page = await (await newContext()).newPage();
    await page.goto(`${url}outer`);
    const frame = page.frames()[1];
    await frame?.waitForFunction(() => 'NikDevIoT' in window);
    const status = await frame?.evaluate(async (given) => {
      const api = new window.NikDevIoT.Api(given);
      await api.ready;
      api.addValue('value', 'one');
      await api.commitAndPush();
      return api.status();
    }, options);
    expect(status).toMatchObject({ durability: 'none', committed: 0, warnings: [{ code: 'storage-unavailable' }] });
    expect(storedTexts(emulator)).toEqual(['one']);
  });
});

describeInChromium(
  'a page on plain http, away from loopback, in the back/forward cache',
  (newContext) => {
    async function leaveByLink() {
      const { emulator, options } = await serveEmulator();
      const elsewhere = '<!doctype html><title>Elsewhere</title><script src="/nikdev-iot.umd.js"></script>';
      const url = asOnLan(await servePages({ '/elsewhere': elsewhere }));
      const page = await openTab(await newContext(), url, options);
      await noteReturn(page);
      await commitTexts(page, ['one', 'two']);
      await page.goto(`${url}elsewhere`);
      return { emulator, options, page };
    }

    /** As it was left, out of the cache. */
    async function goBack(page: Page): Promise<void> {
      // It is not loaded: no more is waited for than the navigation.
      await page.goBack({ waitUntil: 'commit' });
      await expectRestored(page);
    }

    test('F27 F28 goes on when it comes back, if no page adopted its entries', async () => {
      const { emulator, page } = await leaveByLink();
      await goBack(page);
      await commitTexts(page, ['three']);
      await tryToPush(page);
      expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
    });

    test('F27 F28 sends no entry that the page shown instead has adopted, and is fenced', async () => {
      const { emulator, options, page } = await leaveByLink();
      await makeApi(page, options);
      expect(await queuedTexts(page)).toEqual(['one', 'two']);
      await tryToPush(page);
      await goBack(page);
      await commitTexts(page, ['three']);
      expect(await page.evaluate(() => window.api.status().warnings)).toMatchObject([{ code: 'taken-over' }]);
      await tryToPush(page);
      expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
    });

    test('F27 F28 does not touch entries that the page shown instead adopted and has not sent yet', async () => {
      const { emulator, options, page } = await leaveByLink();
      await makeApi(page, options);
      expect(await queuedTexts(page)).toEqual(['one', 'two']);
      await commitTexts(page, ['elsewhere']);
      await goBack(page);
      await commitTexts(page, ['three']);
      await tryToPush(page);
      await page.reload();
      await makeApi(page, options);
      // By now both of the others have been left.
      await queuedTexts(page);
      await tryToPush(page);
      expect(storedTexts(emulator).sort()).toEqual(['elsewhere', 'one', 'three', 'two']);
    });
  },
  // Playwright switches the cache off.
  { ignoreDefaultArgs: ['--disable-back-forward-cache'] },
);
