import { expect, test } from 'vitest';
import { Api } from '../../src/index.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { startDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';

const MEASURED = { id: 'measured', label: 'Measured' };
const OTHER = { id: 'other', label: 'Other' };

describeInChromium('the dashboard, given a number that no chart has a scale for,', (newContext) => {
  test.each([
    2 ** 53 - 1,
    1e17,
    1_795_349_662_000_000_000,
    1.5e21,
    -1e24,
    1e25,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    Number.MIN_VALUE,
  ])('shows %d, and goes on with the other cards', (extreme) =>
    // Twice, and a little apart: the range of a chart is that of several numbers.
    expectShown(extreme, extreme * (1 - Number.EPSILON)),
  );

  test.each([
    [1e17, 1e17 + 3e11],
    [-1e24, 1e24],
    [Number.MIN_VALUE, 1e24],
    [1, Number.MAX_VALUE],
    [1_795_349_662_000_000_000, 1_795_349_663_000_000_000],
  ])('shows %d and then %d, and goes on with the other cards', (first, second) => expectShown(first, second));

  async function expectShown(first: number, second: number): Promise<void> {
    const { url, options } = await startDashboard([MEASURED, OTHER]);
    const api = new Api(options);
    const send = async (measured: number, other: number): Promise<void> => {
      api.addValues({ measured, other });
      await api.commitAndPush();
    };
    await send(first, 1);
    const page = await (await newContext()).newPage();
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.goto(url);
    const other = page.getByRole('article').filter({ hasText: OTHER.label }).locator('.value');
    await expect.poll(() => other.textContent(), SOON).toBe('1');
    await send(second, 2);
    await expect.poll(() => other.textContent(), SOON).toBe('2');
    const measured = page.getByRole('article').filter({ hasText: MEASURED.label });
    expect(await measured.locator('.value').textContent()).not.toBe('');
    expect(await measured.locator('.age').textContent()).not.toContain('failed');
    expect(errors).toEqual([]);
    await api.close();
  }
});
