import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Api } from '../../src/index.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { servePages } from '../support/browsers/pages.js';
import { credentials } from '../support/builders/credentials.js';
import { type Consumer, installPacked } from '../support/package/installed-package.js';
import { blocksOf, PAGES, readPage, withIds } from '../support/package/markdown.js';
import { oneDevice } from '../support/servers/emulator.js';

const pages = PAGES.flatMap((page) => blocksOf(readPage(page))).filter(({ language }) => language === 'html');

describeInChromium('a page of the README, with the packed package,', (newContext) => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installPacked('npm install nikdev-iot');
  }, 60_000);
  afterAll(() => consumer?.remove());

  /** What unpkg serves under the package's name. */
  function script(): string {
    const folder = join(consumer.folder, 'node_modules/nikdev-iot');
    const { unpkg } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { unpkg: string };
    return readFileSync(join(folder, unpkg), 'utf8');
  }

  test.each(pages)('shows the last value as pasted, with ids put in: $section', async ({ code }) => {
    const emulator = oneDevice();
    const device = new Api({ ...credentials, fetch: emulator.fetch });
    device.addValue('field-1', 21.5);
    await device.commitAndPush();

    const url = await servePages({ '/readme': withIds(code) });
    const page = await (await newContext()).newPage();
    await page.route('https://unpkg.com/nikdev-iot', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: script() }),
    );
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
