import { expect, test } from 'vitest';
import { describeInEveryBrowser, SOON, type Tab } from '../support/browsers/every-browser.js';
import { doMainJob } from '../support/browsers/main-job.js';
import {
  commitTexts,
  makeApi,
  numbered,
  openApiTab,
  queuedTexts,
  servePages,
  tryToPush,
} from '../support/browsers/pages.js';
import { credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { asHandler, oneDevice, serveEmulator, storedTexts } from '../support/servers/emulator.js';
import { asOnLan } from '../support/servers/lan.js';
import { closedPort } from '../support/servers/raw-server.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const EAGER = { everySeconds: 0.1, atEntries: 1000 };

/** The browser says that it is online, or that it is not, and never that this has changed. */
async function lieAboutTheNetwork(tab: Tab, isOnline: boolean): Promise<void> {
  await tab.evaluate((value) => {
    Object.defineProperty(navigator, 'onLine', { get: () => value });
    for (const type of ['online', 'offline'])
      addEventListener(type, (event) => event.stopImmediatePropagation(), { capture: true });
  }, isOnline);
}

describeInEveryBrowser('the SDK', ({ newContext, cannot }) => {
  test.each([
    ['the UMD by script tag', ''],
    ['the ESM by import', 'esm'],
  ])('as %s stages, commits, pushes to another origin and reads back', async (_build, path) => {
    const { emulator, options } = await serveEmulator();
    const { timestamp } = await doMainJob(await newContext(), (await servePages()) + path, options, emulator);
    expect(emulator.entries(DEVICE_ID)).toMatchObject([{ timestamp }]);
  });

  test('takes markup in names, ids, values and messages for the text that it is', async () => {
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    const { emulator, options } = await serveEmulator();
    const tab = await openApiTab(await newContext(), await servePages(), {
      ...options,
      fields: { [markup]: `id ${markup}` },
    });
    const seen = await tab.evaluate(async (text) => {
      const { api } = window;
      api.addValue(text, text);
      await api.commitAndPush();
      const [reading] = await api.get([text]);
      let message = '';
      try {
        api.addValue(`unknown ${text}`, 1);
      } catch (exception) {
        message = (exception as Error).message;
      }
      return { reading, message, title: document.title, elements: document.querySelectorAll('img, b').length };
    }, markup);
    expect(seen.reading).toMatchObject({ fieldId: `id ${markup}`, field: markup, value: markup });
    expect(seen.message).toContain('unknown <img src=x');
    expect(seen).toMatchObject({ title: 'SDK', elements: 0 });
    expect(emulator.entries(DEVICE_ID)).toMatchObject([{ values: [{ fieldId: `id ${markup}`, value: markup }] }]);
  });

  test('finds after a reload what was committed and staged, and delivers each entry once', async () => {
    const { emulator, options } = await serveEmulator();
    const tab = await openApiTab(await newContext(), await servePages(), options);
    // A push goes on with half after its first failure, so an outage lasts for two requests.
    emulator.script({ status: 503 }, { status: 503 });
    await commitTexts(tab, ['one', 'two']);
    expect((await tryToPush(tab)).exception).toMatchObject({ status: 503, retainedData: true });
    await tab.evaluate(() => window.api.addValue('value', 'staged'));

    await tab.reload();
    await makeApi(tab, options);
    expect(await queuedTexts(tab)).toEqual(['one', 'two']);
    await tab.evaluate(() => window.api.commit());
    expect((await tryToPush(tab)).result).toEqual({ pushed: 3, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'staged']);

    await tab.reload();
    await makeApi(tab, options);
    expect(await queuedTexts(tab)).toEqual([]);
  });

  test('F15 goes on committing while it is offline, and pushes automatically once it is back', async ({ skip }) => {
    skip(cannot.noticeThatItIsOffline !== undefined, cannot.noticeThatItIsOffline);
    const { emulator, options } = await serveEmulator();
    const tab = await openApiTab(await newContext(), await servePages(), {
      ...options,
      autoPush: EAGER,
    });
    await tab.setOffline(true);
    await commitTexts(tab, ['one', 'two']);
    const statusOf = () => tab.evaluate(() => window.api.status());
    await expect
      .poll(statusOf, SOON)
      .toMatchObject({ lastException: { retainedData: true }, online: false, committed: 2 });
    expect(emulator.requests).toEqual([]);
    await tab.setOffline(false);
    await expect.poll(statusOf, SOON).toMatchObject({ online: true, committed: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('F15 pushes automatically once it is back, though the browser always reported online', async () => {
    const { emulator, options } = await serveEmulator();
    const tab = await newContext().then(async (context) => context.newTab(await servePages()));
    await lieAboutTheNetwork(tab, true);
    await makeApi(tab, { ...options, autoPush: EAGER });
    await tab.setOffline(true);
    await commitTexts(tab, ['one', 'two']);
    const statusOf = () => tab.evaluate(() => window.api.status());
    await expect
      .poll(statusOf, SOON)
      .toMatchObject({ lastException: { retainedData: true }, online: false, committed: 2 });
    expect(emulator.requests).toEqual([]);
    await tab.setOffline(false);
    await expect.poll(statusOf, SOON).toMatchObject({ online: true, committed: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('F15 pushes automatically though the browser reports offline', async () => {
    const { emulator, options } = await serveEmulator();
    const tab = await newContext().then(async (context) => context.newTab(await servePages()));
    await lieAboutTheNetwork(tab, false);
    await makeApi(tab, { ...options, autoPush: EAGER });
    await commitTexts(tab, ['one', 'two']);
    await expect
      .poll(() => tab.evaluate(() => window.api.status()), SOON)
      .toMatchObject({ online: true, committed: 0, lastPush: { entries: 2 } });
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('pushes automatically once the server is back, whatever the browser reports of the network', async () => {
    const port = await closedPort();
    const tab = await openApiTab(await newContext(), await servePages(), {
      ...credentials,
      baseUrl: `http://127.0.0.1:${port}/api/v1/`,
      autoPush: EAGER,
    });
    await commitTexts(tab, ['one', 'two']);
    await expect
      .poll(() => tab.evaluate(() => window.api.status()), SOON)
      .toMatchObject({ committed: 2, lastException: { retainedData: true } });
    const emulator = oneDevice();
    await serveOnLoopback(asHandler(emulator), port);
    await expect.poll(() => storedTexts(emulator), SOON).toEqual(['one', 'two']);
  });

  test('F27 in two tabs that commit and push at once loses nothing, doubles nothing, and keeps the order of each', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const tabs = [await openApiTab(context, url, options), await openApiTab(context, url, options)];
    const names = ['first', 'second'];
    await Promise.all(
      tabs.map((tab, index) =>
        tab.evaluate(
          (texts) => {
            // Timers of a hidden tab are slow.
            const turn = () =>
              new Promise((resolve) => {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = resolve;
                port2.postMessage(undefined);
              });
            const work = async () => {
              for (const [number, text] of texts.entries()) {
                window.api.addValue('value', text);
                window.api.commit();
                // Now and then it pushes, and goes on committing while the answer is on its way.
                if (number % 20 === 0) void window.api.push();
                if (number % 5 === 0) await turn();
              }
              await window.api.push();
            };
            // Not waited for: both are to be at it.
            void work();
          },
          numbered(names[index] ?? '', 100),
        ),
      ),
    );
    await expect.poll(() => storedTexts(emulator).length, SOON).toBe(200);
    for (const tab of tabs) await expect.poll(() => queuedTexts(tab), SOON).toEqual([]);
    for (const name of names)
      expect(storedTexts(emulator).filter((text) => String(text).startsWith(name))).toEqual(numbered(name, 100));
  });

  test('F27 leaves what a closed tab had to a new one, and takes nothing from one that is open', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const open = await openApiTab(context, url, options);
    const closed = await openApiTab(context, url, options);
    await commitTexts(open, ['open']);
    await commitTexts(closed, ['closed']);
    await closed.close();
    const heir = await openApiTab(context, url, options);
    await expect.poll(() => queuedTexts(heir), SOON).toEqual(['closed']);
    expect(await queuedTexts(open)).toEqual(['open']);
    await tryToPush(heir);
    await tryToPush(open);
    expect(storedTexts(emulator)).toEqual(['closed', 'open']);
  });

  test('saves and pushes in a hidden page, and pushes waiting entries automatically when it is shown', async () => {
    const { emulator, options } = await serveEmulator();
    const tab = await openApiTab(await newContext(), await servePages(), {
      ...options,
      autoPush: { everySeconds: 3600, atEntries: 1000 },
    });
    const isHidden = () => tab.evaluate(() => document.hidden);
    await tab.setHidden(true);
    await expect.poll(isHidden, SOON).toBe(true);
    await commitTexts(tab, ['waits']);
    expect(await tab.evaluate(() => window.api.status())).toMatchObject({ committed: 1, durability: 'tab' });
    expect(emulator.requests).toEqual([]);
    await tab.setHidden(false);
    await expect.poll(() => storedTexts(emulator), SOON).toEqual(['waits']);
    await tab.setHidden(true);
    await expect.poll(isHidden, SOON).toBe(true);
    await commitTexts(tab, ['hidden']);
    expect((await tryToPush(tab)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['waits', 'hidden']);
  });

  test('F28 on plain http, away from loopback, has no Web Locks, and finds after a reload what it had', async () => {
    const { emulator, options } = await serveEmulator();
    const tab = await openApiTab(await newContext(), asOnLan(await servePages()), options);
    expect(await tab.evaluate(() => [isSecureContext, typeof navigator.locks])).toEqual([false, 'undefined']);
    await commitTexts(tab, ['one', 'two']);
    expect(await tab.evaluate(() => window.api.status())).toMatchObject({ committed: 2, durability: 'tab' });
    await tab.reload();
    await makeApi(tab, options);
    expect(await queuedTexts(tab)).toEqual(['one', 'two']);
    expect((await tryToPush(tab)).result).toEqual({ pushed: 2, requests: 1, expired: 0 });
    await tab.reload();
    await makeApi(tab, options);
    expect(await queuedTexts(tab)).toEqual([]);
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });
});

describeInEveryBrowser(
  'the SDK, where the user lets no site store data',
  ({ newContext }) => {
    test('F28 queues in memory, warns, and still pushes', async () => {
      const { emulator, options } = await serveEmulator();
      const tab = await openApiTab(await newContext(), await servePages(), options);
      const isBlocked = await tab.evaluate(() => {
        try {
          return !window.localStorage;
        } catch {
          return true;
        }
      });
      expect(isBlocked).toBe(true);
      await commitTexts(tab, ['one']);
      expect(await tab.evaluate(() => window.api.status())).toMatchObject({
        committed: 1,
        durability: 'none',
        warnings: [{ code: 'storage-unavailable' }],
      });
      expect((await tryToPush(tab)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
      expect(storedTexts(emulator)).toEqual(['one']);
    });
  },
  { blocksSiteData: true },
);
