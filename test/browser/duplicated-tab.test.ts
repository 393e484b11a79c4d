import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium } from '../support/chromium.js';
import { DEVICE_ID } from '../support/credentials.js';
import { makeApi, openTab, serveEmulator, servePages, tryToPush } from '../support/pages.js';

describeInChromium('a duplicated tab', (newContext) => {
  it('F27 is a writer of its own, and takes nothing of the tab that it was made of', async () => {
    const { emulator, options } = await serveEmulator();
    const context = await newContext();
    const first = await openTab(context, await servePages(), options);
    await first.evaluate(() => sessionStorage.setItem('copied', 'yes'));
    const one = await commit(first, 'first');
    const opened = context.waitForEvent('page');
    await first.evaluate(() => void window.open(location.href));
    const second = await opened;
    await second.waitForLoadState();
    // Else it was no duplicate.
    expect(await second.evaluate(() => sessionStorage.getItem('copied'))).toBe('yes');
    await makeApi(second, options);
    await second.evaluate(() => window.api.ready);
    const other = await commit(second, 'second');

    expect(writerOf(other)).not.toBe(writerOf(one));
    for (const tab of [second, first]) expect((await tryToPush(tab)).result?.pushed).toBe(1);
    expect(emulator.entries(DEVICE_ID).flatMap(({ values }) => values.map(({ value }) => value))).toEqual([
      'second',
      'first',
    ]);
  });

  /** @returns The entry's id. */
  function commit(page: Page, value: string): Promise<string | undefined> {
    return page.evaluate((given) => {
      window.api.addValue('value', given);
      return window.api.commit()?.id;
    }, value);
  }

  const writerOf = (id: string | undefined): string | undefined => id?.split('-')[0];
});
