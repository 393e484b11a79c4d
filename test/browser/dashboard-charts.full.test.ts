import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { type DashboardConfig, NOTE, serveDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';
import { serveEmulator } from '../support/servers/emulator.js';

const FIELDS = [
  { id: 'boiler', label: 'Boiler', unit: '°C' },
  { id: 'load', label: 'Load', unit: '%' },
] as const;

type Point = readonly [fieldId: string, time: number, value: number, arrivedAt: number];

describeInChromium('the charts of the dashboard', (newContext) => {
  async function open(config: Partial<DashboardConfig> = {}) {
    const { options, emulator } = await serveEmulator();
    const url = await serveDashboard({ ...options, everySeconds: 1, fields: FIELDS, ...config });
    const page = await (await newContext({ locale: 'en-GB', timezoneId: 'UTC' })).newPage();
    return { url, page, options, emulator };
  }

  /** Serves a history, to which points can be added. */
  async function serveHistory(page: Page, points: Point[]): Promise<Point[]> {
    await page.route('**/history?after=*', (route) => {
      const after = Number(new URL(route.request().url()).searchParams.get('after'));
      return route.fulfill({ json: { cursor: points.length, points: points.slice(after) } });
    });
    return points;
  }

  const now = (): number => Math.floor(Date.now() / 1000);
  const past = (seconds: number): Point[] =>
    Array.from({ length: seconds }, (_, index) => now() - seconds + index).flatMap((time) => [
      ['boiler', time, 40 + (time % 7), time] as Point,
      ['load', time, 50, time] as Point,
    ]);
  const card = (page: Page, label: string) =>
    page.getByRole('article').filter({ has: page.getByRole('heading', { name: label }) });

  test('open with the history of the server, and show points that arrive late', async () => {
    const { url, page } = await open({ history: 'history' });
    const points = await serveHistory(page, past(30));
    await page.goto(url);
    await card(page, 'Boiler').getByText('40 to 46 °C since').waitFor();
    await card(page, 'Load').getByText('Steady since').waitFor();

    points.push(['boiler', now() - 40, 39, now()]);
    await card(page, 'Boiler').getByText('39 to 46 °C since').waitFor();
    await card(page, 'Boiler').getByText('1 arrived late').waitFor();
    expect(await card(page, 'Load').locator('.late').textContent()).toBe('');
  });

  test('share their cursor, by pointer and by keyboard', async () => {
    const { url, page } = await open({ history: 'history' });
    await serveHistory(page, past(50));
    await page.goto(url);
    const tooltips = page.locator('.tooltip:visible');
    await card(page, 'Boiler').locator('.u-over').hover();
    await expect.poll(() => tooltips.count(), SOON).toBe(2);
    const times = await tooltips.locator('span').allTextContents();
    expect(times[0]).toBe(times[1]);
    expect(await card(page, 'Load').locator('.tooltip strong').textContent()).toBe('50 %');
    await page.mouse.move(0, 0);
    await expect.poll(() => tooltips.count(), SOON).toBe(0);

    const chart = card(page, 'Boiler').getByRole('img');
    await chart.press('ArrowLeft');
    await expect.poll(() => tooltips.count(), SOON).toBe(2);
    const [last] = await tooltips.locator('span').allTextContents();
    await chart.press('ArrowLeft');
    await expect.poll(async () => (await tooltips.locator('span').allTextContents())[0], SOON).not.toBe(last);
    await page.getByRole('switch').focus();
    await expect.poll(() => tooltips.count(), SOON).toBe(0);
  });

  test('zoom together, by dragging and by keyboard, and out again', async () => {
    const { url, page } = await open({ history: 'history' });
    await serveHistory(page, past(50));
    await page.goto(url);
    const box = await card(page, 'Boiler').locator('.u-over').boundingBox();
    if (box === null) throw new Error('There is no chart.');
    const drag = async (from: number, to: number): Promise<void> => {
      await page.mouse.move(box.x + box.width * from, box.y + 20);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * to, box.y + 20, { steps: 4 });
      await page.mouse.up();
    };
    const zoomed = () => page.locator('.extremes').filter({ hasText: /from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d/ });
    await drag(0.3, 0.6);
    await expect.poll(() => zoomed().count(), SOON).toBe(2);
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await expect.poll(() => zoomed().count(), SOON).toBe(0);
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).name)).toBe('span');

    await drag(0.3, 0.6);
    await expect.poll(() => zoomed().count(), SOON).toBe(2);
    await page.mouse.dblclick(box.x + box.width / 2, box.y + 20);
    await expect.poll(() => zoomed().count(), SOON).toBe(0);

    const chart = card(page, 'Load').getByRole('img');
    await chart.press('+');
    await expect.poll(() => zoomed().count(), SOON).toBe(2);
    await chart.press('Escape');
    await expect.poll(() => zoomed().count(), SOON).toBe(0);
  });

  test('keep their points over a reload where the server has no history', async () => {
    const { url, page, emulator, options } = await open();
    let value = 20;
    const upload = async (): Promise<void> => {
      value += 1;
      const body = JSON.stringify({
        clientTimestamp: now(),
        entries: [{ timestamp: now(), values: [{ boiler: value }] }],
      });
      const headers = {
        'content-type': 'application/json',
        'x-device-id': options.deviceId,
        'x-api-key': String(options.apiKey),
      };
      await emulator.fetch(new Request('https://server.example/api/v1/entries/', { method: 'POST', headers, body }));
    };
    await upload();
    await page.goto(url);
    await page.locator('.value').filter({ hasText: /^21$/ }).waitFor();
    const before = now();
    await expect.poll(now, SOON).toBeGreaterThan(before + 1);
    await upload();
    await card(page, 'Boiler').getByText('21 to 22 °C since').waitFor();
    await page.reload();
    await card(page, 'Boiler').getByText('21 to 22 °C since').waitFor();
  });

  test('show a value in another colour once it is stale', async () => {
    const { url, page, emulator, options } = await open({ fields: [FIELDS[0], NOTE] });
    const body = JSON.stringify({
      clientTimestamp: now(),
      entries: [{ timestamp: now() - 90, values: [{ boiler: 20 }] }],
    });
    const headers = {
      'content-type': 'application/json',
      'x-device-id': options.deviceId,
      'x-api-key': String(options.apiKey),
    };
    await emulator.fetch(new Request('https://server.example/api/v1/entries/', { method: 'POST', headers, body }));
    await page.goto(url);
    await card(page, 'Boiler')
      .getByText(/min ago$/)
      .waitFor();
    const colourOf = (selector: string) =>
      page.locator(selector).evaluate((element) => getComputedStyle(element).color);
    expect(await colourOf('.stale .value')).not.toBe(await colourOf('h1'));
  });
});
