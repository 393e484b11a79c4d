import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { DEVELOPERS_WORDS, NOTE, ROOM, startDashboard } from '../support/browsers/dashboard.js';

const OTHER_DEVICE = { deviceId: '99999999-9999-4999-8999-999999999999', baseUrl: 'https://other.example/api/v1/' };
const UNAUTHORIZED = {
  status: 401,
  json: { message: 'Unknown device' },
  headers: { 'Access-Control-Allow-Origin': '*' },
};

describeInChromium('somebody who looks at the dashboard', (newContext) => {
  test('reads no advice for its developer, whatever fails', async () => {
    const { url } = await startDashboard([ROOM, NOTE]);
    const page = await (await newContext()).newPage();
    await page.addInitScript(plantEntry, OTHER_DEVICE);
    await page.goto(url);
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
    for (const place of [page.locator('#warnings'), page.getByRole('log')])
      await place.getByText('This browser also holds values for another device.').waitFor();
    await expectViewersWords(page);

    await enter(page, 'first');
    await page.getByRole('button', { name: 'Commit' }).click();
    await page.route('**/api/v1/**', (route) => route.abort());
    await pushExpecting(page, 'The server can’t be reached. Committed values stay queued.');
    await page.getByRole('status').filter({ hasText: 'The server can’t be reached.' }).waitFor();
    await testExpecting(page, 'The server can’t be reached.');

    await page.unroute('**/api/v1/**');
    await page.route('**/api/v1/**', (route) =>
      route.request().method() === 'OPTIONS' ? route.fallback() : route.fulfill(UNAUTHORIZED),
    );
    await pushExpecting(page, 'The server does not admit this page: Unknown device. Committed values stay queued.');
    await page.getByRole('status').filter({ hasText: 'The server does not admit this page' }).waitFor();
    await testExpecting(page, 'The server does not admit this page.');

    await enter(page, 'second');
    await page.evaluate(fillStorage);
    await commitExpecting(page, 'This browser has no space left.');
    await page.evaluate(() => localStorage.removeItem('filled'));
    await enter(page, 'x'.repeat(3_100_000));
    await commitExpecting(page, 'This browser could not save the values.');
  });

  async function pushExpecting(page: Page, text: string): Promise<void> {
    await page.getByRole('button', { name: 'Push' }).click();
    await page.getByRole('alert').filter({ hasText: text }).waitFor();
    await expectViewersWords(page);
  }

  async function commitExpecting(page: Page, text: string): Promise<void> {
    await page.getByRole('button', { name: 'Commit' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: `${text} ` })
      .filter({ hasText: 'The values are still staged.' })
      .waitFor();
    await expectViewersWords(page);
  }

  async function testExpecting(page: Page, text: string): Promise<void> {
    await page.getByRole('button', { name: 'Test' }).click();
    await page.locator('#advice').getByText(text).waitFor();
    await expectViewersWords(page);
  }
});

async function expectViewersWords(page: Page): Promise<void> {
  expect(await page.locator('body').innerText()).not.toMatch(DEVELOPERS_WORDS);
}

async function enter(page: Page, note: string): Promise<void> {
  await page.getByLabel('Note', { exact: true }).fill(note);
  await page.getByRole('button', { name: 'Stage' }).click();
}

/** Leaves an entry behind, as a page of another device does whose tab crashed. */
function plantEntry(destination: object): void {
  const writer = 'nikdev-iot/1/abcdefgh12345678';
  localStorage.setItem(`${writer}/writer`, JSON.stringify(destination));
  localStorage.setItem(`${writer}/1`, '{"version":1,"timestamp":1700000000,"values":[{"a":1}]}');
}

/** Takes all space of this origin but a few characters. */
function fillStorage(): void {
  let text = '';
  for (let length = 2 ** 23; length >= 1; length /= 2) {
    try {
      localStorage.setItem('filled', text + 'x'.repeat(length));
      text += 'x'.repeat(length);
    } catch {
      // Half of it may fit.
    }
  }
}
