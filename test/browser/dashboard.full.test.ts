import type { BrowserContextOptions, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { Api } from '../../src/index.js';
import { describeInChromium, type NewContext } from '../support/browsers/chromium.js';
import { type DashboardConfig, serveDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { startDemo } from '../support/processes/demo.js';
import type { NodeProcess } from '../support/processes/node-process.js';
import { serveEmulator } from '../support/servers/emulator.js';

declare global {
  interface Window {
    violations: string[];
    isHidden: boolean;
    /** How often the page has asked, and been answered. */
    fetches: { started: number; ended: number };
  }
}

describeInChromium('the dashboard', (newContext) => {
  let demo: NodeProcess;
  let url: string;
  beforeAll(async () => {
    ({ demo, url } = await startDemo());
    return () => demo.stop();
  }, 30_000);

  test('shows the readings of the device as they come, without a console error or a CSP violation', async () => {
    const { page, complaints } = await openDashboard(newContext, url);
    await page.getByRole('article').filter({ hasText: 'CPU use' }).waitFor();
    // Both together: on a machine that is idle, or fully busy, one of them may stay the same.
    const shown = await page.locator('#cards').evaluate(
      (cards) =>
        new Promise<string[]>((resolve) => {
          const texts = new Set<string>();
          new MutationObserver(() => {
            const [, cpu = '', memory = ''] = [...cards.querySelectorAll('.value')].map(
              ({ textContent }) => textContent,
            );
            // Before the first reading they show that there is none.
            if ([cpu, memory].every((text) => /^\d/.test(text)))
              texts.add(`cpu ${Number(cpu)}, memory ${Number(memory)}`);
            if (texts.size === 3) resolve([...texts]);
          }).observe(cards, { childList: true, subtree: true });
        }),
    );
    for (const text of shown) await demo.line(new RegExp(`^\\S+Z ${text}(?:,|$)`));

    await page.getByText('Just now').first().waitFor();
    await page.getByRole('img', { name: 'CPU use' }).waitFor();
    expect(await page.getByRole('status').textContent()).toBe('Live');
    expect(await page.locator('#last-read').textContent()).toMatch(/^Last read at .*\d/);
    expect(await page.getByRole('heading').allTextContents()).toEqual(
      expect.arrayContaining(['Boiler room', 'Device', 'CPU use', 'Memory used']),
    );
    expect(await complaints()).toEqual([]);
  });

  test('fits a screen of 360 pixels, and its charts follow when that is turned', async () => {
    const { page } = await openDashboard(newContext, url, { viewport: { width: 360, height: 740 } });
    const chart = page.locator('.chart canvas').first();
    await chart.waitFor();
    const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(await widths()).toEqual([360, 360]);
    expect((await chart.boundingBox())?.width).toBeLessThan(330);
    await page.setViewportSize({ width: 640, height: 360 });
    await expect.poll(async () => (await chart.boundingBox())?.width, SOON).toBeGreaterThan(330);
    await page.setViewportSize({ width: 360, height: 740 });
    await expect.poll(async () => (await chart.boundingBox())?.width, SOON).toBeLessThan(330);
    expect(await widths()).toEqual([360, 360]);
  });

  test('draws its charts in the colours of the scheme, also when that changes', async () => {
    const { page } = await openDashboard(newContext, url, { colorScheme: 'light', clock: 'goes' });
    await page.locator('.chart canvas').first().waitFor();
    await expect.poll(() => drawnWith(page, LIGHT), SOON).toBe(true);
    expect(await drawnWith(page, DARK)).toBe(false);
    // No reading comes that would draw them anew.
    await page.clock.pauseAt(Date.now() + 10_000);
    await page.waitForFunction(() => window.fetches.started === window.fetches.ended);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => drawnWith(page, DARK), SOON).toBe(true);
    expect(await drawnWith(page, LIGHT)).toBe(false);
  });

  test('F37 shows markup in labels, units, ids and values as text', async () => {
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    const { options } = await serveEmulator();
    const fields = [
      { id: markup, label: markup, unit: markup },
      { id: 'number', label: 'Number', unit: markup },
      { id: `unknown ${markup}`, label: 'Unknown', unit: '' },
    ];
    const api = new Api(options);
    api.addValues({ [markup]: markup, number: 1 });
    await api.commitAndPush();
    const { page, complaints } = await openDashboard(newContext, url, {}, { ...options, fields });

    // The card of a text stands below those of numbers.
    const [number, unknown, first] = await Promise.all([0, 1, 2].map((index) => card(page, index)));
    expect(await first?.locator('.value').textContent()).toBe(markup);
    expect(await first?.locator('h2').textContent()).toBe(markup);
    expect(await first?.locator('.unit').textContent()).toBe(markup);
    expect(await number?.locator('.unit').textContent()).toBe(markup);
    expect(await unknown?.locator('.age').textContent()).toContain(markup);
    await number?.locator('.chart').press('ArrowLeft');
    await number?.locator('.tooltip').getByText(`1 ${markup}`).waitFor();
    expect(await page.locator('img:not([role]), b').count()).toBe(0);
    expect(await page.title()).toBe('Live readings');
    expect(await complaints()).toEqual([]);
  });

  test('F37 shows markup as text in the form, its queue and its log too', async () => {
    const markup = '<img src=x onerror="document.title=1"><b>bold</b><script>document.title=2</script>';
    const { emulator, options } = await serveEmulator();
    const fields = [{ id: markup, label: markup, unit: markup, input: 'text' }];
    const { page, complaints } = await openDashboard(newContext, url, {}, { ...options, fields });
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByLabel(`${markup} (${markup})`).fill(markup);
    await page.getByRole('button', { name: 'Stage' }).click();
    await page.getByRole('log').getByText(`Staged ${markup} ${markup}`).waitFor();
    await page.getByRole('button', { name: 'Commit' }).click();
    emulator.script(...Array.from({ length: 4 }, () => ({ status: 400, message: markup })));
    await page.getByRole('button', { name: 'Push' }).click();
    await page.getByRole('alert').filter({ hasText: markup }).waitFor();

    expect(await page.locator('img:not([role]), b, main script').count()).toBe(0);
    expect(await page.title()).toMatch(/Live readings$/);
    expect(await complaints()).toEqual(
      // The answers of 400.
      expect.not.arrayContaining([expect.stringMatching(/Content Security Policy|script-src|img-src|style-src/)]),
    );
  });

  test('F37 has a policy that forbids inline script, should markup ever get through', async () => {
    const { page } = await openDashboard(newContext, url);
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "run"';
      document.body.append(script);
      const image = document.createElement('div');
      image.innerHTML = '<img src="x:" onerror="document.title = 1">';
      document.body.append(image);
    });
    await expect
      .poll(() => page.evaluate(() => window.violations), SOON)
      .toEqual(expect.arrayContaining(['script-src-elem', 'script-src-attr']));
    expect(await page.title()).toBe('Live readings');
  });

  test('shows that it may not read, and tries again after half a minute', async () => {
    const { emulator, options } = await serveEmulator();
    await pushOne(options, 21.5);
    emulator.script({ status: 403, message: 'No read access' });
    const { page } = await openDashboard(newContext, url, { clock: 'stands' }, { ...options, fields: [TEMPERATURE] });
    await page.getByRole('status').filter({ hasText: 'The server does not admit this page: No read access' }).waitFor();
    const { length } = emulator.requests;
    await page.clock.runFor(25_000);
    expect(emulator.requests).toHaveLength(length);
    await page.clock.runFor(10_000);
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
  });

  test('gives a server the time that it asks for', async () => {
    const { emulator, options } = await serveEmulator();
    await pushOne(options, 21.5);
    emulator.script({ status: 503, headers: { 'Retry-After': '20' } });
    const { page } = await openDashboard(newContext, url, { clock: 'stands' }, { ...options, fields: [TEMPERATURE] });
    await page.getByRole('status').filter({ hasText: 'The server answered 503, and is asked again later' }).waitFor();
    const { length } = emulator.requests;
    await page.clock.runFor(15_000);
    expect(emulator.requests).toHaveLength(length);
    await page.clock.runFor(10_000);
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
  });

  test('shows failures with advice, keeps the last values, and goes on automatically', async () => {
    const { emulator, options } = await serveEmulator();
    await pushOne(options, 21.5);
    const { page } = await openDashboard(newContext, url, {}, { ...options, fields: [TEMPERATURE] });
    await page.getByText('Live', { exact: true }).waitFor();

    emulator.script(...Array.from({ length: 3 }, () => ({ status: 503, message: 'Back soon' })));
    // At once: by the next look it may be over.
    await page
      .getByRole('status')
      .filter({
        hasText: /^The server answered 503: Back soon\. The last known values are shown until it answers again\.$/,
      })
      .waitFor();
    expect(await page.locator('.value').textContent()).toBe('21.5');
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
  });

  test('says what is wrong with a config that was not filled in', async () => {
    const { page } = await openDashboard(
      newContext,
      url,
      {},
      { deviceId: '<Device ID>', apiKey: '<API Key>', fields: [] },
    );
    expect(await page.getByRole('status').textContent()).toContain('deviceId must be a UUID');
  });

  test('asks for one reading at a time', async () => {
    const { emulator, options } = await serveEmulator();
    await pushOne(options, 21.5);
    emulator.script({ hang: true });
    const { page } = await openDashboard(newContext, url, { clock: 'stands' }, { ...options, fields: [TEMPERATURE] });
    await page.waitForFunction(() => window.fetches.started === 1);
    await page.clock.runFor(8000);
    expect(await page.evaluate(() => window.fetches)).toEqual({ started: 1, ended: 0 });
    await page.clock.runFor(4000);
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
  });

  test('asks for nothing while it is hidden, and at once when it is seen again', async () => {
    const { emulator, options } = await serveEmulator();
    await pushOne(options, 21.5);
    const { page } = await openDashboard(newContext, url, { clock: 'goes' }, { ...options, fields: [TEMPERATURE] });
    await page.getByText('Live', { exact: true }).waitFor();
    const hide = (isHidden: boolean) =>
      page.evaluate((value) => {
        window.isHidden = value;
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);

    await hide(true);
    await page.waitForFunction(() => window.fetches.started === window.fetches.ended);
    const { started } = await page.evaluate(() => window.fetches);
    await page.clock.runFor(30_000);
    expect(await page.evaluate(() => window.fetches.started)).toBe(started);
    const before = emulator.requests.length;
    await hide(false);
    await expect.poll(() => emulator.requests.length, SOON).toBeGreaterThan(before);
  });
});

const TEMPERATURE = { id: 'temperature', label: 'Temperature', unit: '°C' };
const LIGHT = [0x1f, 0x5f, 0xbf] as const;
const DARK = [0x7d, 0xb2, 0xff] as const;

/**
 * @param options - `clock`: whether the page's can be set, and until then goes or stands.
 * @param config - Takes the place of the demo's.
 */
async function openDashboard(
  newContext: NewContext,
  url: string,
  { clock, ...options }: BrowserContextOptions & { clock?: 'goes' | 'stands' } = {},
  config?: object,
) {
  const page = await (await newContext(options)).newPage();
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective));
    window.isHidden = false;
    Object.defineProperty(document, 'hidden', { get: () => window.isHidden });
    window.fetches = { started: 0, ended: 0 };
    const { fetch } = window;
    window.fetch = (...input) => {
      window.fetches.started += 1;
      return fetch(...input).finally(() => {
        window.fetches.ended += 1;
      });
    };
  });
  const isServed = config !== undefined && 'baseUrl' in config;
  if (config && !isServed) {
    const body = `window.DASHBOARD = ${JSON.stringify(config)}`;
    await page.route('**/config.js', (route) => route.fulfill({ contentType: 'text/javascript', body }));
  }
  if (clock) await page.clock.install();
  if (clock === 'stands') await page.clock.pauseAt(Date.now() + 1000);
  // The page's policy names the config's server.
  await page.goto(isServed ? await serveDashboard(config as DashboardConfig) : url);
  if (clock === 'stands') await expect.poll(() => firstRequest(page), SOON).toBe(true);
  return { page, complaints: async () => [...errors, ...(await page.evaluate(() => window.violations))] };
}

/** Lets no more time pass than it takes until the page asks. */
async function firstRequest(page: Page): Promise<boolean> {
  await page.clock.runFor(10);
  return page.evaluate(() => window.fetches.started > 0);
}

async function card(page: Page, index: number) {
  const found = page.getByRole('article').nth(index);
  await found.locator('.age').filter({ hasNotText: 'Waiting' }).waitFor();
  return found;
}

async function pushOne(options: PageOptions, temperature: number): Promise<void> {
  const api = new Api(options);
  api.addValue(TEMPERATURE.id, temperature);
  await api.commitAndPush();
  await api.close();
}

/** Whether a chart has a line of a colour; the softer area below the line does not count. */
function drawnWith(page: Page, colour: readonly [number, number, number]): Promise<boolean> {
  return page
    .locator('.chart canvas')
    .first()
    .evaluate((canvas, wanted) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const context = (canvas as HTMLCanvasElement).getContext('2d');
      const data = context?.getImageData(0, 0, width, height).data ?? [];
      for (let index = 0; index < data.length; index += 4) {
        const isClose = wanted.every((part, channel) => Math.abs((data[index + channel] ?? 0) - part) < 8);
        if (isClose && (data[index + 3] ?? 0) > 100) return true;
      }
      return false;
    }, colour);
}
