import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { makeApi, openTab, servePages, tryToPush } from '../support/browsers/pages.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { serveEmulator } from '../support/servers/emulator.js';

describeInChromium('a reload of the page', (newContext) => {
  test('keeps what was committed and what was staged, and each entry is delivered once', async () => {
    const { emulator, options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), options);

    // A push goes on with half after its first failure, so an outage lasts for two requests.
    emulator.script({ status: 503 }, { status: 503 });
    const committed = await page.evaluate(() => {
      const { api } = window;
      return [1, 2, 3].map((count) => {
        api.addValue('count', count);
        return api.commit();
      });
    });
    expect((await tryToPush(page)).exception).toMatchObject({ status: 503, retainedData: true });
    // Staged values are saved in the microtask of their task, so before this returns.
    await page.evaluate(() => window.api.addValues({ count: 4, state: 'on' }));

    await page.reload();
    await makeApi(page, options);
    const kept = await page.evaluate(async () => {
      await window.api.ready;
      return { log: window.api.log(), staged: window.api.status().staged };
    });
    expect(kept).toEqual({ log: committed, staged: 2 });

    expect((await tryToPush(page)).result?.pushed).toBe(3);
    const last = await page.evaluate(() => window.api.commit());
    expect((await tryToPush(page)).result?.pushed).toBe(1);
    expect(last?.values).toEqual([
      { fieldId: 'count', value: 4 },
      { fieldId: 'state', value: 'on' },
    ]);
    expect(emulator.entries(DEVICE_ID)).toEqual(
      [...committed, last].map((entry) => ({ timestamp: entry?.timestamp, values: entry?.values })),
    );

    await page.reload();
    await makeApi(page, options);
    const rest = await page.evaluate(async () => {
      await window.api.ready;
      return window.api.status();
    });
    expect(rest).toMatchObject({ committed: 0, staged: 0, warnings: [] });
  });
});
