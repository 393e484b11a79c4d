import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { servePages } from '../support/browsers/pages.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { serveEmulator } from '../support/servers/emulator.js';

describeInChromium('a page that may not store data', (newContext) => {
  test('F28 queues in memory, warns, and still pushes', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages({ '/outer': '<!doctype html><iframe sandbox="allow-scripts" src="/"></iframe>' });
    const page = await (await newContext()).newPage();
    await page.goto(`${url}outer`);
    const [, frame] = page.frames();
    await frame?.waitForFunction(() => 'NikDevIoT' in window);

    const seen = await frame?.evaluate(async (given) => {
      const isBlocked = (() => {
        try {
          return typeof localStorage === 'undefined';
        } catch {
          return true;
        }
      })();
      const api = new window.NikDevIoT.Api(given);
      const warned = new Promise<string>((resolve) => api.on('warning', ({ code }) => resolve(code)));
      await api.ready;
      api.addValue('temperature', 21.5);
      api.commit();
      const { durability, warnings } = api.status();
      return { isBlocked, warned: await warned, durability, warnings, result: await api.push() };
    }, options);

    expect(seen).toMatchObject({
      isBlocked: true,
      warned: 'storage-unavailable',
      durability: 'none',
      warnings: [{ code: 'storage-unavailable' }],
      result: { pushed: 1, requests: 1, expired: 0 },
    });
    expect(emulator.entries(DEVICE_ID)).toHaveLength(1);
  });
});
