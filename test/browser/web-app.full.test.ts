import { extname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { buildWebApp, serveFiles } from '../support/browsers/web-app.js';
import { credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { serveEmulator } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

describe('the web app', { timeout: 60_000 }, () => {
  test('is built into a page, a script and a style sheet', async () => {
    const files = await buildWebApp({ ...credentials, baseUrl: 'https://iot.example/api/v1/' });
    const kinds = [...files.keys()].map((path) => extname(path));
    expect(kinds.sort()).toEqual(['.css', '.html', '.js', '.svg']);
  });

  test.each([
    ['its server', 'https://iot.example:8443/api/v1/', 'https://iot.example:8443'],
    ['the default server', '', 'https://iot.nik-dev.se'],
  ])('may connect to %s only', async (_, baseUrl, origin) => {
    const html = (await buildWebApp({ ...credentials, baseUrl })).get('/index.html')?.toString();
    expect(html).toMatch(/<head>\s*<meta http-equiv="Content-Security-Policy" content="default-src &#39;self&#39;; /);
    expect(html).toContain(`; connect-src ${origin}; `);
  });
});

describeInChromium('the web app', (newContext) => {
  test('saves entered values without a network, over a reload, and pushes them automatically when there is one', async () => {
    const { emulator, options } = await serveEmulator();
    const context = await newContext();
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.text().includes('Content Security Policy') && errors.push(message.text()));
    await page.goto(await serveFiles(await buildWebApp(options)));
    const status = (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();

    // No server, while the page itself can still be loaded.
    const isApi = (url: URL): boolean => url.href.startsWith(String(options.baseUrl));
    await page.route(isApi, (route) => route.abort());
    await page.getByLabel('Water (m³)').fill('123.5');
    await page.getByLabel('Power (kWh)').fill('4567');
    await page.getByRole('button', { name: 'Save' }).click();
    await status('1 saved, not pushed yet');
    await page.getByText('The server can’t be reached: saved readings are pushed').waitFor();
    await page.reload();
    await status('1 saved, not pushed yet');
    expect(emulator.entries(DEVICE_ID)).toEqual([]);

    await page.unroute(isApi);
    await status('Nothing is queued');
    await page.getByText('123.5 m³').waitFor();
    expect(emulator.entries(DEVICE_ID).map(({ values }) => values)).toEqual([
      [
        { fieldId: 'water', value: 123.5 },
        { fieldId: 'power', value: 4567 },
      ],
    ]);

    await page.getByLabel('Water (m³)').fill('124');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('124 m³').waitFor();
    expect(emulator.entries(DEVICE_ID)).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  test('sends its key nowhere else', async () => {
    const { options } = await serveEmulator();
    const page = await (await newContext()).newPage();
    const reached: string[] = [];
    const other = await serveOnLoopback((request) => {
      reached.push(request.url);
      return new Response('', { headers: { 'access-control-allow-origin': '*' } });
    });
    await page.goto(await serveFiles(await buildWebApp(options)));
    const outcome = await page.evaluate((url) => fetch(url).catch(({ name }: Error) => name), other);
    expect({ outcome, reached }).toEqual({ outcome: 'TypeError', reached: [] });
  });

  test('says that there is no network, until there is one', async () => {
    const { options } = await serveEmulator();
    const context = await newContext();
    const page = await context.newPage();
    await page.goto(await serveFiles(await buildWebApp(options)));
    const notice = page.getByRole('status').filter({ hasText: /^No network: saved readings are pushed/ });
    await page.getByText('Nothing is queued').waitFor();
    expect(await notice.count()).toBe(0);
    await context.setOffline(true);
    await notice.waitFor();
    await context.setOffline(false);
    await notice.waitFor({ state: 'detached' });
  });

  test('says that nothing was filled in', async () => {
    const { options } = await serveEmulator();
    const page = await (await newContext()).newPage();
    await page.goto(await serveFiles(await buildWebApp(options)));
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: 'Fill in a meter first.' }).waitFor();
  });
});
