import { expect, test } from 'vitest';
import type { Entry, PushResult, Warning } from '../../src/index.js';
import { describeInEveryBrowser, SOON, type Tab } from '../support/browsers/every-browser.js';
import { commitTexts, openApiTab, queuedTexts, servePages, tryToPush } from '../support/browsers/pages.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

/** A page that has its browser prerender another. */
const START = `<!doctype html><title>Start</title><link rel="icon" href="data:,">
<script type="speculationrules">{"prerender":[{"source":"list","urls":["/prerendered"],"eagerness":"immediate"}]}</script>`;

interface Report {
  readonly when: 'adopted' | 'shown';
  readonly log: readonly Entry[];
  readonly warnings: readonly Warning[];
  /** Of the origin. */
  readonly heartbeats: number;
  /** Whether its lock shows that it lives. */
  readonly isLocked: boolean;
  /** The result of a push after another entry was committed. */
  readonly result: PushResult;
}

/**
 * A page that commits as it is loaded, and reports what it sees when it is shown: its driver may lose it then, as the
 * browser puts it in the place of the page that had it prerendered.
 */
const prerendered = (options: PageOptions, reportTo: string): string => `<!doctype html><title>Prerendered</title>
<link rel="icon" href="data:,"><script src="/nikdev-iot.umd.js"></script><script>
const api = new NikDevIoT.Api(${JSON.stringify(options)})
const commit = (text) => {
  api.addValue('value', text)
  return api.commit()
}
const report = (when, more) =>
  fetch('${reportTo}', { method: 'POST', mode: 'no-cors', body: JSON.stringify({ when, log: api.log(), ...more }) })
const [{ id }] = ['one', 'two', 'three'].map(commit)
api.on('adopt', () => report('adopted'))
document.addEventListener('prerenderingchange', async () => {
  // Granted after those that were asked for before.
  await navigator.locks.request('last', () => {})
  const { held } = await navigator.locks.query()
  const isLocked = held.some(({ name }) => name.endsWith(id.split('-')[0]))
  const heartbeats = Object.keys(localStorage).filter((key) => key.endsWith('/life')).length
  commit('four')
  report('shown', { isLocked, heartbeats, result: await api.push(), warnings: api.status().warnings })
})
</script>`;

/** How many of the keys of an origin end in such a way. */
const keys = (tab: Tab, end: string): Promise<number> =>
  tab.evaluate(
    (pattern) => Object.keys(localStorage).filter((key) => new RegExp(`/${pattern}$`).test(key)).length,
    end,
  );

describeInEveryBrowser('a page that is prerendered', ({ name, newContext }) => {
  // No other browser prerenders.
  const inChromium = test.skipIf(name !== 'Chromium');

  /** @param left - Entries of a page that is gone. */
  async function setUp(...left: string[]) {
    const { emulator, options } = await serveEmulator();
    const reports: Report[] = [];
    const reportTo = await serveOnLoopback(async (request) => {
      reports.push(JSON.parse(await request.text()));
      return new Response();
    });
    const url = await servePages({ '/start': START, '/prerendered': prerendered(options, reportTo) });
    const context = await newContext();
    const tab = await openApiTab(context, url, options);
    await commitTexts(tab, left);
    await tab.goto(`${url}start`);
    await expect.poll(() => keys(tab, '\\d+'), SOON).toBe(left.length + 3);
    const show = async (): Promise<void> => {
      await tab.setHidden(false);
      await tab.evaluate(() => void setTimeout(() => location.assign('/prerendered'), 100));
    };
    const reportOf = async (when: Report['when']): Promise<Report> => {
      const report = (): Report | undefined => reports.find((one) => one.when === when);
      await expect.poll(report, SOON).toBeDefined();
      return report() as Report;
    };
    return { emulator, options, url, context, tab, reports, show, reportOf };
  }

  inChromium(
    'F48 keeps its entries though another tab looks for those of the dead, and sends each once when it is shown',
    async () => {
      const { emulator, options, url, context, show, reportOf } = await setUp();
      const other = await openApiTab(context, url, options);
      expect(await queuedTexts(other)).toEqual([]);
      expect((await tryToPush(other)).result).toEqual({ pushed: 0, requests: 0, expired: 0 });
      await show();
      expect(await reportOf('shown')).toMatchObject({ result: { pushed: 4, requests: 1, expired: 0 }, warnings: [] });
      expect(storedTexts(emulator)).toEqual(['one', 'two', 'three', 'four']);
    },
  );

  inChromium('F48 shows by a heartbeat that it lives, and by its lock once it is shown', async () => {
    const { tab, show, reportOf } = await setUp();
    expect(await keys(tab, 'life')).toBe(1);
    await show();
    expect(await reportOf('shown')).toMatchObject({ isLocked: true, heartbeats: 0 });
  });

  inChromium('F48 adopts entries of dead pages once it is shown, and not before', async () => {
    const { reports, show, reportOf } = await setUp('left');
    expect(reports).toEqual([]);
    await show();
    const { log } = await reportOf('adopted');
    expect(log.map(({ values }) => values[0]?.value)).toContain('left');
  });
});
