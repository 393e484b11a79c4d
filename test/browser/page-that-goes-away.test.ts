import { expect, test } from 'vitest';
import { expectRestored, noteReturn } from '../support/browsers/back-forward-cache.js';
import { type Context, describeInEveryBrowser, SOON, type Tab } from '../support/browsers/every-browser.js';
import { commitTexts, openApiTab, queuedTexts, servePages, tryToPush } from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { API_KEY } from '../support/builders/credentials.js';
import { storedTexts } from '../support/servers/emulator.js';
import { serveRecordedEmulator } from '../support/servers/recorded-emulator.js';

/** The limit of all requests together that outlive a page, in bytes. */
const BUDGET = 60 * 1024;

/** Texts of a thousand characters. */
const long = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${name} ${number} `.padEnd(1000, '.'));

/** Makes an `Api` whose entries go with the page. */
async function makeForgetful(tab: Tab, options: PageOptions): Promise<void> {
  await tab.evaluate((given) => {
    const { Api, memoryStorage } = window.NikDevIoT;
    window.api = new Api({ ...given, storage: memoryStorage() });
  }, options);
}

const statusOf = (tab: Tab) => tab.evaluate(() => window.api.status());

async function hide(tab: Tab): Promise<void> {
  await tab.setHidden(true);
  await expect.poll(() => tab.evaluate(() => document.hidden), SOON).toBe(true);
}

async function show(tab: Tab): Promise<void> {
  await tab.setHidden(false);
  await expect.poll(() => tab.evaluate(() => document.hidden), SOON).toBe(false);
}

describeInEveryBrowser('a page that goes away', ({ name, newContext }) => {
  async function setUp() {
    const server = await serveRecordedEmulator();
    const url = await servePages();
    const context = await newContext();
    const openForgetful = async (more: Partial<PageOptions> = {}): Promise<Tab> => {
      const tab = await context.newTab(url);
      await makeForgetful(tab, { ...server.options, ...more });
      return tab;
    };
    return { ...server, url, context, openForgetful };
  }

  const ENDS: readonly [string, (tab: Tab, url: string) => Promise<void>][] = [
    ['is closed', (tab) => tab.close()],
    ['goes to another page', (tab, url) => tab.goto(`${url}empty`)],
    ['is loaded anew', (tab) => tab.reload()],
  ];

  test.each(ENDS)('and %s sends what only its memory has, in one request, with its headers', async (_end, end) => {
    const { arrivals, emulator, url, uploads, context, openForgetful } = await setUp();
    const tab = await openForgetful();
    await commitTexts(tab, ['one', 'two']);
    await end(tab, url);
    await expect.poll(() => storedTexts(emulator), SOON).toEqual(['one', 'two']);
    await lastWord(context, url);
    expect(uploads()).toMatchObject([{ apiKey: API_KEY, texts: ['one', 'two'] }]);
    expect(arrivals.map(({ method }) => method)).toEqual(['OPTIONS', 'POST']);
  });

  test('by default sends nothing that its storage keeps', async () => {
    const { emulator, options, url, context } = await setUp();
    const tab = await openApiTab(context, url, options);
    await commitTexts(tab, ['one']);
    await tab.close();
    const heir = await openApiTab(context, url, options);
    await expect.poll(() => queuedTexts(heir), SOON).toEqual(['one']);
    expect(emulator.requests).toEqual([]);
  });

  test('with flushOnHide sends saved entries, which are not removed before the answer', async () => {
    const { options, url, context, uploads, holdAnswers } = await setUp();
    const tab = await openApiTab(context, url, { ...options, flushOnHide: true });
    await commitTexts(tab, ['one', 'two']);
    const release = holdAnswers();
    await tab.close();
    await expect.poll(uploads, SOON).toMatchObject([{ apiKey: API_KEY, texts: ['one', 'two'] }]);
    release();
    // The page that could have read the answer is gone: the entry may come twice, but is not lost.
    const heir = await openApiTab(context, url, options);
    await expect.poll(() => queuedTexts(heir), SOON).toEqual(['one', 'two']);
  });

  test.each(ENDS)('and %s sends what is being uploaded too, as that request ends with the page', async (_end, end) => {
    const { emulator, url, openForgetful } = await setUp();
    const tab = await openForgetful();
    emulator.script({ hang: true });
    await commitTexts(tab, ['one']);
    await tab.evaluate(() => void window.api.push().catch(() => {}));
    await expect.poll(() => emulator.requests.length, SOON).toBe(1);
    await commitTexts(tab, ['two']);
    await end(tab, url);
    await expect.poll(() => storedTexts(emulator), SOON).toEqual(['one', 'two']);
  });

  test('sends the oldest 60 KiB of more than that', async () => {
    const { emulator, uploads, openForgetful } = await setUp();
    const tab = await openForgetful();
    const texts = long('reading', 100);
    await commitTexts(tab, texts);
    await tab.close();
    await expect.poll(() => storedTexts(emulator).length, SOON).toBeGreaterThan(0);
    const bytes = (): number => uploads().reduce((sum, upload) => sum + upload.bytes, 0);
    await expect.poll(bytes, SOON).toBeGreaterThan(BUDGET - 5000);
    // The requests are under way at the same time, and may arrive in any order.
    const isOldest = (sent: readonly unknown[]): boolean =>
      texts.slice(0, sent.length).every((text) => sent.includes(text));
    await expect.poll(() => isOldest(uploads().flatMap((upload) => upload.texts)), SOON).toBe(true);
    expect(bytes()).toBeLessThanOrEqual(BUDGET);
  });

  test('sends 60 KiB in all for two Apis', async () => {
    const { emulator, options, uploads, openForgetful } = await setUp();
    const tab = await openForgetful();
    const [first, second] = [long('first', 40), long('second', 40)];
    await commitTexts(tab, first);
    await makeForgetful(tab, options);
    await commitTexts(tab, second);
    await tab.close();
    // Pieces travel side by side: they may arrive in any order.
    const areOldest = (stored: readonly unknown[]) =>
      [...first, ...second.slice(0, stored.length - 40)].every((text) => stored.includes(text));
    const arrived = () => ({ areMany: storedTexts(emulator).length > 50, areOldest: areOldest(storedTexts(emulator)) });
    await expect.poll(arrived, SOON).toEqual({ areMany: true, areOldest: true });
    expect(uploads().reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(BUDGET);
  });

  test('and was only hidden removes acknowledged entries, and sends nothing twice', async () => {
    const { emulator, uploads, openForgetful, holdAnswers } = await setUp();
    const tab = await openForgetful();
    await commitTexts(tab, ['one', 'two']);
    const release = holdAnswers();
    await hide(tab);
    await expect.poll(uploads, SOON).toHaveLength(1);
    expect(await statusOf(tab)).toMatchObject({ committed: 2 });
    release();
    await expect.poll(() => statusOf(tab), SOON).toMatchObject({ committed: 0, lastPush: { entries: 2 } });
    await show(tab);
    await commitTexts(tab, ['three']);
    expect((await tryToPush(tab)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    await tab.close();
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
  });

  test('and was only hidden keeps what was not stored, and pushes it later', async () => {
    const { emulator, openForgetful } = await setUp();
    const tab = await openForgetful();
    emulator.script({ status: 503 });
    await commitTexts(tab, ['one']);
    await hide(tab);
    await expect.poll(() => emulator.requests, SOON).toMatchObject([{ status: 503 }]);
    await show(tab);
    expect(await statusOf(tab)).toMatchObject({ committed: 1 });
    expect((await tryToPush(tab)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['one']);
  });

  test('and comes back out of the back/forward cache sends nothing twice that was answered before', async () => {
    const { emulator, url, openForgetful } = await setUp();
    const tab = await openForgetful();
    await commitTexts(tab, ['one', 'two']);
    await hide(tab);
    await expect.poll(() => statusOf(tab), SOON).toMatchObject({ committed: 0 });
    await show(tab);
    const goBack = await leave(tab, url);
    await goBack();
    await commitTexts(tab, ['three']);
    expect((await tryToPush(tab)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
  });

  test('and comes back out of the back/forward cache before the answer is there waits for it, and sends nothing twice', async () => {
    const { emulator, url, openForgetful, holdAnswers, uploads } = await setUp();
    const tab = await openForgetful();
    await commitTexts(tab, ['one', 'two']);
    const release = holdAnswers();
    const goBack = await leave(tab, url);
    await expect.poll(uploads, SOON).toHaveLength(1);
    await goBack();
    expect(await queuedTexts(tab)).toEqual(['one', 'two']);
    const pushed = tryToPush(tab);
    release();
    expect((await pushed).committed).toBe(0);
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('and comes back out of the back/forward cache after the answer came pushes unacknowledged entries again', async () => {
    const { emulator, url, openForgetful } = await setUp();
    // Firefox waits until the time is over, the others read the answer that came meanwhile.
    const tab = await openForgetful({ requestTimeout: name === 'Firefox' ? 1 : 10 });
    await commitTexts(tab, ['one', 'two']);
    const goBack = await leave(tab, url);
    await expect.poll(() => storedTexts(emulator), SOON).toEqual(['one', 'two']);
    await goBack();
    expect((await tryToPush(tab)).committed).toBe(0);
    // It drops what comes for a page in its cache: no answer, once the request's time is over.
    const again = name === 'Firefox' ? ['one', 'two'] : [];
    expect(storedTexts(emulator)).toEqual(['one', 'two', ...again]);
  });
});

/** Lets the page itself go to another. @returns A function that brings it back as it was, out of the cache. */
async function leave(tab: Tab, url: string): Promise<() => Promise<void>> {
  const path = () => tab.evaluate(() => location.pathname);
  await noteReturn(tab);
  // Not at once: a page in which the driver still has something to do is not kept.
  await tab.evaluate((there) => void setTimeout(() => location.assign(there), 100), `${url}empty`);
  await expect.poll(path, SOON).toBe('/empty');
  return async () => {
    await tab.evaluate(() => void setTimeout(() => history.back(), 100));
    await expect.poll(path, SOON).toBe('/');
    await expectRestored(tab);
  };
}

/** Resolves when nothing is on its way any more that a page of this context sent when it went away. */
async function lastWord(context: Context, url: string): Promise<void> {
  const { options, emulator } = await serveRecordedEmulator();
  const tab = await openApiTab(context, url, options);
  await commitTexts(tab, ['last word']);
  await tryToPush(tab);
  expect(storedTexts(emulator)).toEqual(['last word']);
}
