import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { buildWebApp, serveFiles } from '../support/browsers/web-app.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { blocksOf, PAGES, readPage } from '../support/package/markdown.js';
import { serveEmulator } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const DEFAULT_ORIGIN = 'https://iot.nik-dev.se';

const blocks = PAGES.flatMap((page) =>
  blocksOf(readPage(page)).map(({ language, code }) => ({ page, language, code })),
);
const headerBlocks = blocks.filter(({ language }) => language === 'http');

/** The headers of a block, for another server than the default one. */
const headersOf = (code: string, origin: string): Record<string, string> =>
  Object.fromEntries(
    code
      .trim()
      .split('\n')
      .map((line) => line.replace(DEFAULT_ORIGIN, origin).split(/: (.*)/)),
  );

test('the headers of a page are the same wherever they are shown', () => {
  expect(headerBlocks.map(({ page }) => page)).toEqual(['docs/security.md', 'examples/web-app/README.md']);
  expect(new Set(headerBlocks.map(({ code }) => code)).size).toBe(1);
});

describeInChromium('the web app, with the headers of a page that are documented,', (newContext) => {
  async function open() {
    const { emulator, options } = await serveEmulator();
    const headers = headersOf(headerBlocks[0]?.code ?? '', new URL(String(options.baseUrl)).origin);
    const url = await serveFiles(await buildWebApp(options), headers);
    const page = await (await newContext()).newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    return { emulator, url, page, complaints, headers };
  }

  test('saves, pushes and reads back without a complaint', async () => {
    const { emulator, url, page, complaints, headers } = await open();
    expect((await (await page.goto(url))?.allHeaders()) ?? {}).toMatchObject(
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    );
    await page.getByLabel('Water (m³)').fill('123.5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('123.5 m³').waitFor();
    expect(emulator.entries(DEVICE_ID).map(({ values }) => values)).toEqual([[{ fieldId: 'water', value: 123.5 }]]);
    expect(complaints).toEqual([]);
  });

  test('sends nothing anywhere else, runs no inline script, and is shown in no other page', async () => {
    const { url, page, complaints } = await open();
    const reached: string[] = [];
    const other = await serveOnLoopback(async (request) => {
      reached.push(new URL(request.url).pathname);
      const html = { 'content-type': 'text/html', 'access-control-allow-origin': '*' };
      return new Response(`<!doctype html><iframe src="${url}"></iframe>`, { headers: html });
    });
    await page.goto(url);
    await page.evaluate(async (target) => {
      const script = document.createElement('script');
      script.textContent = `new Image().src = '${target}inline'`;
      document.body.append(script);
      await fetch(`${target}fetch`).catch(() => {});
      navigator.sendBeacon(`${target}beacon`);
    }, other);
    const directives = () =>
      ['connect-src', 'script-src', 'frame-ancestors'].filter((name) => complaints.join('\n').includes(name));
    await expect.poll(directives, SOON).toEqual(['connect-src', 'script-src']);
    expect(reached).toEqual([]);
    await page.goto(other);
    await expect.poll(directives, SOON).toContain('frame-ancestors');
    await expect.poll(() => page.frames()[1]?.url(), SOON).toMatch(/^chrome-error:/);
  });
});
