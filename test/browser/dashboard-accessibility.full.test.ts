import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { AXE_MS, axeViolations } from '../support/browsers/axe.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { HEATING, NOTE, ROOM, startDashboard } from '../support/browsers/dashboard.js';

const SIZES = { narrow: { width: 360, height: 740 }, wide: { width: 1360, height: 860 } } as const;
const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  (['narrow', 'wide'] as const).map((size) => ({ colorScheme, size })),
);

describeInChromium('whom the dashboard is for: everybody', (newContext) => {
  test.each(LOOKS)(
    'axe finds nothing, $colorScheme and $size, whatever the state',
    { timeout: AXE_MS },
    async ({ colorScheme, size }) => {
      const { url, emulator } = await startDashboard([
        { ...ROOM, id: 'unknown', label: 'Unknown' },
        ROOM,
        NOTE,
        HEATING,
      ]);
      const page = await (await newContext({ colorScheme, viewport: SIZES[size] })).newPage();
      await page.goto(url);
      await page
        .getByRole('status')
        .filter({ hasText: /^Live$/ })
        .waitFor();
      expect(await axeViolations(page), 'at first').toEqual([]);

      await page.getByRole('button', { name: 'Stage' }).click();
      await enter(page, '21.5', 'window open');
      await page.getByRole('button', { name: 'Push' }).click();
      await page.getByRole('article').getByText('window open').waitFor();
      await page.getByRole('button', { name: 'Test' }).click();
      await page
        .getByText(/^All is well/)
        .first()
        .waitFor();
      await page.getByLabel('5 min', { exact: true }).check();
      expect(await axeViolations(page), 'with readings').toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(SIZES[size].width);

      await page.getByRole('switch').click();
      await enter(page, '22', 'bad');
      await page.getByRole('button', { name: 'Push' }).click();
      await page.getByRole('alert').filter({ hasText: 'offline' }).waitFor();
      expect(await axeViolations(page), 'offline').toEqual([]);

      await enter(page, '23', 'good');
      await page.route('**/entries/', (route) =>
        route.request().postData()?.includes('bad')
          ? route.fulfill({ status: 422, json: { message: 'No' }, headers: { 'Access-Control-Allow-Origin': '*' } })
          : route.fallback(),
      );
      await page.getByRole('switch').click();
      await page.getByRole('button', { name: 'Push' }).click();
      await page.getByRole('button', { name: 'Drop' }).waitFor();
      emulator.script(...Array.from({ length: 30 }, () => ({ status: 503, message: 'Back soon' })));
      await page.getByRole('status').filter({ hasText: 'Back soon' }).waitFor();
      expect(await axeViolations(page), 'in trouble').toEqual([]);
    },
  );
});

async function enter(page: Page, temperature: string, note: string): Promise<void> {
  await page.getByLabel('Room temperature (°C)').fill(temperature);
  await page.getByLabel('Note', { exact: true }).fill(note);
  await page.getByRole('button', { name: 'Stage' }).click();
  await page.getByRole('button', { name: 'Commit' }).click();
}
