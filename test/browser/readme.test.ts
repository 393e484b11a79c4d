import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Api } from '../../src/index.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { servePages } from '../support/browsers/pages.js';
import { credentials } from '../support/builders/credentials.js';
import { type Consumer, installPacked } from '../support/package/installed-package.js';
import { blocksOf, PAGES, readPage, withIds } from '../support/package/markdown.js';
import { oneDevice } from '../support/servers/emulator.js';

type PinScriptTag = (readme: string, version: string, script: Buffer) => string;

const { version } = JSON.parse(readPage('package.json')) as { version: string };
const { pinScriptTag } = (await import(new URL('../../build/script-tag.mjs', import.meta.url).href)) as {
  pinScriptTag: PinScriptTag;
};

const pages = PAGES.flatMap((page) => blocksOf(readPage(page))).filter(({ language }) => language === 'html');

describeInChromium('a page of the documentation, with the packed package,', (newContext) => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installPacked('npm install nikdev-iot');
  }, 120_000);
  afterAll(() => consumer?.remove());

  /** The file that unpkg serves. */
  function script(): Buffer {
    const folder = join(consumer.folder, 'node_modules/nikdev-iot');
    const { unpkg } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { unpkg: string };
    return readFileSync(join(folder, unpkg));
  }

  /** Opens a page of the README as it is released with this package. @param served - The part of it that unpkg serves. */
  async function open(code: string, served: Buffer) {
    const emulator = oneDevice();
    const device = new Api({ ...credentials, fetch: emulator.fetch });
    device.addValue('field-1', 21.5);
    await device.commitAndPush();

    const page = await (await newContext()).newPage();
    await page.route(`https://unpkg.com/nikdev-iot@${version}/dist/index.umd.js`, (route) =>
      route.fulfill({ contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' }, body: served }),
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
    const html = withIds(pinScriptTag(code, version, script()));
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(`${await servePages({ '/readme': html })}readme`);
    return { page, errors };
  }

  test.each(pages)('shows the last value as pasted, with ids put in: $section', async ({ code }) => {
    const { page } = await open(code, script());
    await page.waitForFunction(() => document.getElementById('temperature')?.textContent !== '…');
    expect(await page.textContent('#temperature')).toBe('21.5');
  });

  test.each(pages)('runs no other file than the one that was released: $section', async ({ code }) => {
    const { page, errors } = await open(code, Buffer.concat([script(), Buffer.from('\n')]));
    await expect
      .poll(() => errors.join('\n'), SOON)
      .toContain("Failed to find a valid digest in the 'integrity' attribute");
    expect(await page.evaluate(() => 'NikDevIoT' in window)).toBe(false);
    expect(await page.textContent('#temperature')).toBe('…');
  });
});
