import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { openTab, servePages } from '../support/browsers/pages.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { serveEmulator } from '../support/servers/emulator.js';

describeInChromium('the UMD by script tag', (newContext) => {
  test('stages, commits, pushes to another origin and reads back', async () => {
    const { emulator, options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), options);

    const seen = await page.evaluate(async () => {
      const { api } = window;
      api.addValue('temperature', 21.5);
      api.addValue('a,b/c', 'on');
      const entry = api.commit();
      const saved = api.status();
      const result = await api.push();
      return { entry, saved, result, after: api.status().committed, readings: await api.get(['a,b/c', 'temperature']) };
    });

    expect(seen.saved).toMatchObject({ committed: 1, durability: 'tab', warnings: [] });
    expect(seen.result).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(seen.after).toBe(0);
    expect(emulator.entries(DEVICE_ID)).toEqual([{ timestamp: seen.entry?.timestamp, values: seen.entry?.values }]);
    expect(seen.readings.map(({ fieldId, value }) => ({ fieldId, value }))).toEqual([
      { fieldId: 'a,b/c', value: 'on' },
      { fieldId: 'temperature', value: 21.5 },
    ]);
  });

  test('puts nothing on the global but NikDevIoT', async () => {
    const url = await servePages();
    const context = await newContext();
    const globalsAt = async (path: string): Promise<string[]> => {
      const page = await context.newPage();
      await page.goto(url + path);
      return page.evaluate(() => Object.getOwnPropertyNames(window));
    };
    const without = new Set(await globalsAt('empty'));
    expect((await globalsAt('')).filter((name) => !without.has(name))).toEqual(['NikDevIoT']);
  });
});
