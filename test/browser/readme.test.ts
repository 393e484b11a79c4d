import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Api } from '../../src/index.js';
import { describeInChromium } from '../support/chromium.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/credentials.js';
import { oneDevice, servePages } from '../support/pages.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const block = /^```html\n(.*?)^```$/ms.exec(readme)?.[1] ?? '';

describeInChromium("the README's page", (newContext) => {
  it('shows the last value as pasted, with ids put in', async () => {
    const emulator = oneDevice();
    const device = new Api({ ...credentials, fetch: emulator.fetch });
    device.addValue('field-1', 21.5);
    await device.commitAndPush();

    const html = block
      .replace('https://unpkg.com/nikdev-iot', '/nikdev-iot.umd.js')
      .replace('<Device ID>', DEVICE_ID)
      .replace('<API Key>', API_KEY)
      .replace('<Field ID>', 'field-1');
    const url = await servePages({ '/readme': html });
    const page = await (await newContext()).newPage();
    // The emulator in the place of the server whose address is the default.
    await page.route('https://iot.nik-dev.se/**', async (route) => {
      const request = route.request();
      const response = await emulator.fetch(
        new Request(request.url(), { method: request.method(), headers: await request.allHeaders() }),
      );
      await route.fulfill({
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: await response.text(),
      });
    });
    await page.goto(`${url}readme`);
    await page.waitForFunction(() => document.getElementById('temperature')?.textContent !== '…');
    expect(await page.textContent('#temperature')).toBe('21.5');
  });
});
