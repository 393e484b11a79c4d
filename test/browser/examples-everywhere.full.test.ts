import { expect, onTestFinished, test } from 'vitest';
import { startDashboard } from '../support/browsers/dashboard.js';
import { describeInEveryBrowser, SOON, type Tab } from '../support/browsers/every-browser.js';
import { buildWebApp, serveFiles } from '../support/browsers/web-app.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { startDemo } from '../support/processes/demo.js';
import { serveEmulator } from '../support/servers/emulator.js';

const MARKUP = '<img src=x onerror="document.title=1"><b>bold</b>';

/** Fills in the first field, as its user would. */
function fill(tab: Tab, selector: string, value: string): Promise<void> {
  return tab.evaluate(
    (given) => {
      const input = document.querySelector(given.selector) as HTMLInputElement;
      input.value = given.value;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    },
    { selector, value },
  );
}

const click = (tab: Tab, selector: string): Promise<void> =>
  tab.evaluate((given) => (document.querySelector(given) as HTMLElement).click(), selector);

const textOf = (tab: Tab, selector: string): Promise<string> =>
  tab.evaluate((given) => document.querySelector(given)?.textContent ?? '', selector);

describeInEveryBrowser('the examples', ({ newContext }) => {
  test('the dashboard stages, commits, pushes and shows what comes back, as text only', async () => {
    const { url, emulator } = await startDashboard([{ id: 'note', label: `Note ${MARKUP}`, input: 'text' }]);
    const tab = await (await newContext()).newTab(url);
    await expect.poll(() => textOf(tab, '#status'), SOON).toBe('Live');
    await fill(tab, '#inputs input', MARKUP);
    await click(tab, '#stage');
    await expect.poll(() => textOf(tab, '#staged strong'), SOON).toBe('1');
    await click(tab, '#commit');
    await expect.poll(() => textOf(tab, '#committed strong'), SOON).toBe('1');
    await click(tab, '#push');
    await expect.poll(() => textOf(tab, '#pushed strong'), SOON).toBe('1');
    expect(emulator.entries(DEVICE_ID)).toMatchObject([{ values: [{ fieldId: 'note', value: MARKUP }] }]);
    await expect.poll(() => textOf(tab, '#cards'), SOON).toContain(MARKUP);
    const seen = await tab.evaluate(() => ({
      title: document.title,
      marked: document.querySelectorAll('main img, main b').length,
    }));
    expect(seen).toEqual({ title: 'Live readings', marked: 0 });
  });

  test('the dashboard tests the connection', async () => {
    const { url } = await startDashboard();
    const tab = await (await newContext()).newTab(url);
    await expect.poll(() => textOf(tab, '#status'), SOON).toBe('Live');
    await click(tab, '#test');
    await expect.poll(() => textOf(tab, '#advice'), SOON).toMatch(/^All is well/);
  });

  test('the dashboard of the demo draws the history of its device, and sets a refused reading aside', async () => {
    const { demo, url } = await startDemo();
    onTestFinished(() => demo.stop());
    const tab = await (await newContext()).newTab(url);
    await expect.poll(() => textOf(tab, '.extremes'), SOON).toMatch(/ °C since /);
    expect(await tab.evaluate(() => document.querySelectorAll('.chart canvas').length)).toBeGreaterThanOrEqual(2);
    await expect.poll(() => textOf(tab, '#device-state'), SOON).toMatch(/^Running as process \d+/);
    await click(tab, '#overheat');
    await expect.poll(() => textOf(tab, '#device-quarantined'), SOON).toBe('1');
    expect(await textOf(tab, '#device-refused-reason')).toContain('Boiler is above 60 °C');
    await click(tab, '#drop-refused');
    await expect.poll(() => textOf(tab, '#device-quarantined'), SOON).toBe('0');
    expect(await textOf(tab, '#device-lost')).toBe('0');
  });

  test('the web app saves entered values, over a reload, and pushes them automatically', async () => {
    const { emulator, options } = await serveEmulator();
    const tab = await (await newContext()).newTab(await serveFiles(await buildWebApp(options)));
    await expect.poll(() => textOf(tab, 'form'), SOON).toContain('Water');
    await fill(tab, 'form input', '123.5');
    await click(tab, 'form button');
    await tab.reload();
    await expect
      .poll(() => emulator.entries(DEVICE_ID).map(({ values }) => values), { timeout: 40_000 })
      .toEqual([[{ fieldId: 'water', value: 123.5 }]]);
  });
});
