import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { endWithinPush, startTab, type Tab } from '../support/browsers/committing-tab.js';
import { crash, servePages } from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { credentials } from '../support/builders/credentials.js';
import { DeliveryLog } from '../support/servers/delivery-log.js';

const NO_FAULTS = { lost: [], doubled: [], disordered: [], adoptedFromLiving: [], invented: [] };
const close = (page: Page): Promise<void> => page.close();

/** How a tab ends, and how far its push has come then. */
type Ending = readonly [end: (page: Page) => Promise<void>, before: 'storing' | 'answering'];
const ENDS: readonly Ending[] = [
  [crash, 'answering'],
  [close, 'answering'],
  [crash, 'storing'],
  [close, 'storing'],
];

const endingOf = (index: number): Ending => ENDS[index % ENDS.length] as Ending;

/** Limits the wait: a lost entry would never come. */
async function atMost(seconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}

/**
 * Lets the last tab of an origin push all that is left, and closes its `Api`.
 *
 * @returns The keys that are left then, but for the one that counts runs.
 */
async function drain({ page }: Tab): Promise<string[]> {
  const isEmpty = () => !Object.keys(localStorage).some((key) => /\/\d+$/.test(key));
  // If it never is, what is wrong is seen better in what was delivered.
  await page.waitForFunction(isEmpty, undefined, { timeout: 20_000 }).catch(() => {});
  return page.evaluate(async () => {
    await window.api.close();
    return Object.keys(localStorage).filter((key) => key !== 'nikdev-iot/1/runs');
  });
}

function report(deliveries: DeliveryLog, ends: number): void {
  console.log(
    `${ends} tabs ended: ${deliveries.acknowledged} commits returned, ${deliveries.faults.lost.length} were lost; ` +
      `${deliveries.repeated} deliveries were repeated.`,
  );
}

describeInChromium('tabs that end in the middle of a push', (newContext) => {
  test('F27 of two tabs, one of which ends again and again, every commit that returned arrives, by the other, and an end doubles one batch at most', {
    timeout: 120_000,
  }, async () => {
    const { deliveries, start } = await setUp();
    const living = await start();
    for (const [end, before] of ENDS) {
      const doomed = await start();
      await deliveries.until(() => deliveries.acknowledgedBy(doomed.name) > 30);
      await endWithinPush(deliveries, doomed, end, before);
      await atMost(
        20,
        deliveries.until(() => deliveries.hasAllOf(doomed.name)),
      );
    }
    await living.stopCommitting();
    const left = await drain(living);
    report(deliveries, ENDS.length);
    expect(deliveries.faults).toEqual(NO_FAULTS);
    expect(left).toEqual([]);
  });

  test('F27 of five tabs, four of which end at once, then all, every commit that returned arrives, and an end doubles one batch at most', {
    timeout: 120_000,
  }, async () => {
    const { deliveries, start } = await setUp();
    const living = await start();
    const doomed = await Promise.all(ENDS.map(start));
    await deliveries.until(() => doomed.every(({ name }) => deliveries.acknowledgedBy(name) > 30));
    await Promise.all(doomed.map((tab, index) => endWithinPush(deliveries, tab, ...endingOf(index))));
    await atMost(
      20,
      deliveries.until(() => doomed.every(({ name }) => deliveries.hasAllOf(name))),
    );

    const all = [living, ...(await Promise.all(ENDS.map(start)))];
    await deliveries.until(() => all.every(({ name }) => deliveries.acknowledgedBy(name) > 30));
    await Promise.all(all.map((tab, index) => endWithinPush(deliveries, tab, ...endingOf(index))));
    const last = await start();
    await last.stopCommitting();
    const left = await drain(last);
    report(deliveries, doomed.length + all.length);
    expect(deliveries.faults).toEqual(NO_FAULTS);
    expect(left).toEqual([]);
  });

  test('F27 of two tabs that live, none takes what the other has, however often they look', async () => {
    const { deliveries, start } = await setUp();
    const tabs = await Promise.all([start(), start()]);
    const looked = await Promise.allSettled(tabs.map((tab) => tab.looks(5)));
    for (const tab of tabs) await tab.stopCommitting();
    await Promise.all(tabs.map(drain));
    expect(deliveries.faults).toEqual(NO_FAULTS);
    expect(looked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  async function setUp(): Promise<{ deliveries: DeliveryLog; start: () => Promise<Tab> }> {
    const deliveries = new DeliveryLog();
    const baseUrl = await deliveries.serve({ beforeAnswering: () => Math.random() * 40 });
    const options: PageOptions = { ...credentials, baseUrl, maxEntriesPerRequest: 20 };
    const url = await servePages();
    const context: BrowserContext = await newContext();
    return { deliveries, start: () => startTab(context, url, options) };
  }
});
