import { inChromium } from './chromium.mjs';
import { median } from './compare.mjs';

export const TABS = [1, 5, 20];
/** Queued in each other tab. */
const QUEUED = 100;

/**
 * How costs in a tab grow with the number of tabs of a page in Chromium, whose queues share one localStorage.
 *
 * @returns For each number of tabs, in milliseconds and bytes; `undefined` where there is no Chromium.
 */
export const growthByTabs = () =>
  inChromium(async (browser, open) => {
    await ofTabs(browser, open, 1);
    const results = [];
    for (const count of TABS) results.push(await ofTabs(browser, open, count));
    return results;
  });

async function ofTabs(browser, open, count) {
  const context = await browser.newContext();
  for (let other = 1; other < count; other++) await (await open(context)).page.evaluate(queue, QUEUED);
  const { page, load } = await open(context);
  await page.evaluate(queue, 1);
  const empty = await heapOf(context, page);
  await page.evaluate(queue, 1000);
  const heap = ((await heapOf(context, page)) - empty) / 1000;
  const { commits, pushes } = await page.evaluate(measure);
  await page.evaluate(queue, 1000);
  await page.reload();
  await load();
  const reopen = await page.evaluate(reopening);
  await context.close();
  return { commit: median(commits), push: median(pushes), reopen, heap };
}

async function heapOf(context, page) {
  const session = await context.newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

// These run in the page.

function queue(count) {
  globalThis.api ??= globalThis.openApi();
  for (let index = 0; index < count; index++) globalThis.commitTwo(globalThis.api, index);
}

async function measure() {
  const { api } = globalThis;
  const commits = [];
  const pushes = [];
  for (let round = 0; round < 9; round++) {
    await api.push();
    let start = performance.now();
    for (let index = 0; index < 1000; index++) globalThis.commitTwo(api, index);
    commits.push((performance.now() - start) / 1000);
    start = performance.now();
    await api.push();
    pushes.push(performance.now() - start);
  }
  return { commits, pushes };
}

async function reopening() {
  const start = performance.now();
  const api = globalThis.openApi();
  await api.ready;
  const milliseconds = performance.now() - start;
  const { committed } = api.status();
  if (committed < 1000) throw new Error(`${committed} are queued`);
  return milliseconds;
}
