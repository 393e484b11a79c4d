import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { commitTexts, crash, makeApi, openTab, servePages, tryToPush } from '../support/browsers/pages.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';

describeInChromium('a crash of a tab', (newContext) => {
  test('F27 leaves its entries to a new tab, which takes none of a tab that lives', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const [doomed, living] = [await openTab(context, url, options), await openTab(context, url, options)];
    const left = await commitTexts(doomed, ['doomed 1', 'doomed 2']);
    const kept = await commitTexts(living, ['living']);
    await Promise.all([doomed, living].map((page) => page.evaluate(() => window.api.ready)));

    await crash(doomed);
    const heir = await openTab(context, url, options);
    const adopted = await heir.evaluate(async () => {
      await window.api.ready;
      return window.api.log();
    });
    expect(adopted).toEqual(left);
    expect((await tryToPush(heir)).result).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['doomed 1', 'doomed 2']);

    expect(await living.evaluate(() => window.api.log())).toEqual(kept);
    expect((await tryToPush(living)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['doomed 1', 'doomed 2', 'living']);
  });

  test('F27 leaves its entries to a tab that was open before, within the minute', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const doomed = await openTab(context, url, options);
    const left = await commitTexts(doomed, ['doomed']);
    const living = await context.newPage();
    await living.clock.install();
    await living.goto(url);
    await makeApi(living, options);
    const atFirst = await living.evaluate(async () => {
      await window.api.ready;
      return window.api.log();
    });
    expect(atFirst).toEqual([]);
    const locks = () => living.evaluate(async () => (await navigator.locks.query()).held?.length);
    expect(await locks()).toBe(2);

    await crash(doomed);
    // The clock is the context's: it would ask the crashed page, too.
    await doomed.close();
    // That goes by the real clock, however far the other is by then.
    await expect.poll(locks, SOON).toBe(1);
    let seconds = 0;
    await expect
      .poll(
        async () => {
          seconds += 1;
          await living.clock.runFor(1000);
          return living.evaluate(() => window.api.log());
        },
        { timeout: 45_000, interval: 10 },
      )
      .toEqual(left);
    expect(seconds).toBeLessThan(60);
    expect((await tryToPush(living)).result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(storedTexts(emulator)).toEqual(['doomed']);
  });
});
