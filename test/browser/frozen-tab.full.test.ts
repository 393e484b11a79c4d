import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { commitTexts, queuedTexts, servePages, tryToPush } from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';
import { asOnLan } from '../support/servers/lan.js';

/** Three minutes take three seconds. */
const SPEED = 60;

/** Opens a tab whose `Api` has a hurried clock. */
async function openHurried(context: BrowserContext, url: string, options: PageOptions): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.evaluate(
    ({ options, speed }) => {
      const clock = {
        now: () => Date.now(),
        monotonic: () => performance.now() * speed,
        random: () => Math.random(),
        setTimer(run: () => void, milliseconds: number) {
          const timer = setTimeout(run, milliseconds / speed);
          return () => clearTimeout(timer);
        },
      };
      // Its requests take as long as ever.
      window.api = new window.NikDevIoT.Api({ ...options, requestTimeout: 10 * speed }, { clock });
    },
    { options, speed: SPEED },
  );
  return page;
}

/**
 * Stops a tab between two of its timers, as the browser freezes one that is long hidden: nothing of it runs, and what it
 * holds it keeps. By the debugger, as no tab is hidden for long enough here.
 *
 * @returns A function that wakes it up, once it was seen that it slept.
 */
async function freeze(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => {
    const seen = Object.assign(window, { longestGap: 0 });
    let last = performance.now();
    setInterval(() => {
      seen.longestGap = Math.max(seen.longestGap, performance.now() - last);
      last = performance.now();
    }, 20);
  });
  const session = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  const paused = new Promise<void>((resolve) => session.once('Debugger.paused', () => resolve()));
  await session.send('Debugger.pause');
  await paused;
  const start = performance.now();
  return async () => {
    const slept = performance.now() - start;
    await session.send('Debugger.resume');
    await session.detach();
    await page.waitForFunction((least) => 'longestGap' in window && Number(window.longestGap) >= least, slept - 100);
  };
}

async function setUp(toUrl: (url: string) => string) {
  const { emulator, options } = await serveEmulator();
  return { emulator, options, url: toUrl(await servePages()) };
}

const warningsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => window.api.status().warnings.map(({ code }) => code));

describeInChromium('a tab that the browser freezes', (newContext) => {
  test('F27 is not fenced by another that looks again and again, as it holds its lock, and goes on', async () => {
    const { emulator, options, url } = await setUp((loopback) => loopback);
    const context = await newContext();
    const frozen = await openHurried(context, url, options);
    await commitTexts(frozen, ['one', 'two']);
    const wake = await freeze(frozen);
    const other = await openHurried(context, url, options);
    // As long as five minutes.
    await other.waitForTimeout((5 * 60_000) / SPEED);
    expect(await queuedTexts(other)).toEqual([]);
    await wake();
    await commitTexts(frozen, ['three']);
    expect((await tryToPush(frozen)).result).toEqual({ pushed: 3, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
    expect(await warningsOf(frozen)).toEqual([]);
  });

  test('F28 on plain http is presumed dead after three minutes; when it wakes up it is fenced, and sends no adopted entry', async () => {
    const { emulator, options, url } = await setUp(asOnLan);
    const context = await newContext();
    const frozen = await openHurried(context, url, options);
    await commitTexts(frozen, ['one', 'two']);
    const wake = await freeze(frozen);
    const other = await openHurried(context, url, options);
    await expect.poll(() => queuedTexts(other), { timeout: 20_000 }).toEqual(['one', 'two']);
    await wake();
    await commitTexts(frozen, ['three']);
    await expect.poll(() => warningsOf(frozen), SOON).toEqual(expect.arrayContaining(['taken-over']));
    await tryToPush(frozen);
    await tryToPush(other);
    expect(storedTexts(emulator)).toEqual(['three', 'one', 'two']);
  });
});
