import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { openTab, servePages } from '../support/browsers/pages.js';
import { blocksOf, readPage, withIds } from '../support/package/markdown.js';
import { serveEmulator } from '../support/servers/emulator.js';

const signOut = blocksOf(readPage('docs/security.md')).find(({ code }) => code.includes('dropQuarantined'));

describeInChromium('signing out as docs/security.md has it', (newContext) => {
  test('leaves nothing in localStorage of what earlier visits and this one could not push', async () => {
    const { options } = await serveEmulator();
    const context = await newContext();
    const url = await servePages();
    const page = await openTab(context, url, options);
    const uploads = `${String(options.baseUrl)}entries/`;
    await page.route(uploads, (route) => {
      if (!route.request().postData()?.includes('refused')) return route.continue();
      return route.fulfill({ status: 422, headers: { 'access-control-allow-origin': '*' }, body: '{}' });
    });
    const saved = await page.evaluate(async () => {
      const { api } = window;
      const secret = (field: string): string => `secret ${field}`;
      api.addValue('refused', secret('refused'));
      api.commit();
      api.addValue('good', 'known');
      api.commit();
      await api.push().catch(() => {});
      api.addValue('committed', secret('committed'));
      api.commit();
      api.addValue('staged', secret('staged'));
      await api.close();
      return JSON.stringify({ ...localStorage });
    });
    expect(saved.match(/secret \w+/g)?.sort()).toEqual(['secret committed', 'secret refused', 'secret staged']);

    await page.reload();
    await page.unroute(uploads);
    await page.route(uploads, (route) => route.abort());
    const code = withIds(signOut?.code ?? '')
      .replace(/^import .*$/m, 'const { Api } = NikDevIoT')
      .replace(' })', `, baseUrl: '${options.baseUrl}' })`);
    await page.evaluate(`(async () => { ${code} })()`);
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('secret');
  });
});
