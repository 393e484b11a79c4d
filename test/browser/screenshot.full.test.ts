import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createEmulator, type Emulator } from '../../src/emulator.js';
import { BOILER_ROOM, measure, type Point, routeBoilerRoom } from '../support/browsers/boiler-room.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { serveDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const START = Date.UTC(2026, 4, 4, 9, 30);
const END = START + 60_000;
const UPDATED = process.env['UPDATE_SCREENSHOT'];
const STALE =
  'The dashboard shows other texts than its pictures. Take them anew: UPDATE_SCREENSHOT=1 npm run test:full -- test/browser/screenshot.full.test.ts';
const FONT = import.meta.resolve('vitepress/dist/client/theme-default/fonts/inter-roman-latin.woff2');
const FONT_FACE = '@font-face { font-family: Inter; font-weight: 100 900; src: url(inter.woff2); }\n';
const beside = (name: string): URL => new URL(`../../examples/dashboard/${name}`, import.meta.url);

describeInChromium("the README's screenshots of the dashboard", (newContext) => {
  test.each([
    ['light', 'screenshot.png'],
    ['dark', 'screenshot-dark.png'],
  ] as const)('show the page as it is, %s (made anew where UPDATE_SCREENSHOT is set)', async (colorScheme, name) => {
    const clock = { now: START };
    const { url, emulator } = await start(clock);
    const viewport = { width: 1440, height: 900 };
    const page = await (await newContext({ colorScheme, viewport, locale: 'en-GB', timezoneId: 'UTC' })).newPage();
    await routeBoilerRoom(page, END / 1000, () => enteredPoints(emulator));
    await useOneFont(page);
    await page.clock.install({ time: START });
    await page.goto(url);
    await page.clock.pauseAt(START + 30_000);
    await live(page, emulator, clock);

    const picture = await page.screenshot({ animations: 'disabled', fullPage: true });
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    expect(picture.readUInt32BE(16)).toBe(viewport.width);
    expect(await cutLines(page), 'lines of the activity that are cut off').toEqual([]);
    const text = await visibleText(page);
    if (UPDATED) {
      writeFileSync(beside(name), picture);
      writeFileSync(beside('screenshot.txt'), text);
    }
    expect(text, STALE).toBe(readFileSync(beside('screenshot.txt'), 'utf8'));
  });
});

/** The same letters on every machine, in place of those of its system. */
async function useOneFont(page: Page): Promise<void> {
  await page.route('**/inter.woff2', (route) =>
    route.fulfill({ path: fileURLToPath(FONT), contentType: 'font/woff2' }),
  );
  await page.route(/\/(dashboard\.css|chart\.js|queue-chart\.js)$/, async (route) => {
    const response = await route.fetch();
    const text = (await response.text()).replaceAll('system-ui', 'Inter');
    return route.fulfill({ response, body: route.request().url().endsWith('.css') ? FONT_FACE + text : text });
  });
}

/** The texts of the page, without numbers, times and ids. */
async function visibleText(page: Page): Promise<string> {
  const text = await page.locator('body').innerText();
  const lines = text
    .replace(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, '<id>')
    .replace(/\d+(?:[.,:]\d+)*/g, '0')
    .split('\n')
    .map((line) => line.trim());
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

/** @returns The texts of the activity of which only a part is seen. */
function cutLines(page: Page): Promise<string[]> {
  return page.getByRole('log').evaluate((log) => {
    const { bottom } = log.getBoundingClientRect();
    return [...log.querySelectorAll('span')]
      .filter((text) => {
        const box = text.getBoundingClientRect();
        return box.top < bottom && box.bottom > bottom + 1;
      })
      .map(({ innerText }) => innerText);
  });
}

/** The readings that the page has pushed, as a history has them. */
function enteredPoints(emulator: Emulator): Point[] {
  const isEntered = (fieldId: string): boolean => BOILER_ROOM.some(({ id, input }) => id === fieldId && input);
  return emulator
    .entries(DEVICE_ID)
    .flatMap(({ timestamp, values }) =>
      values
        .filter(({ fieldId }) => isEntered(fieldId))
        .map(({ fieldId, value }): Point => [fieldId, timestamp, value, timestamp]),
    );
}

async function start(clock: { readonly now: number }) {
  const apiKeys = [{ key: API_KEY, read: true, write: true }];
  const emulator = createEmulator({ devices: [{ deviceId: DEVICE_ID, apiKeys }], now: () => clock.now });
  const server = await serveOnLoopback((request) => emulator.fetch(request) as Promise<Response>);
  const config = {
    ...credentials,
    name: 'Boiler room',
    baseUrl: `${server}api/v1/`,
    everySeconds: 1,
    history: 'demo/history',
    demo: 'demo/',
    fields: BOILER_ROOM,
  };
  return { emulator, url: await serveDashboard(config) };
}

/** Half a minute of a dashboard: its clock goes only as far as its next step. */
async function live(page: Page, emulator: Emulator, clock: { now: number }): Promise<void> {
  for (const [second, { values = {}, buttons = [] }] of STEPS) {
    const now = START + second * 1000;
    await page.clock.runFor(now - (await page.evaluate(() => Date.now())));
    clock.now = now;
    await enter(page, values, buttons);
  }
  const last = measure(119);
  clock.now = END;
  await upload(
    emulator,
    END / 1000,
    Object.entries(last).map(([id, value]) => ({ [id]: value })),
  );
  await page.clock.runFor(END - (await page.evaluate(() => Date.now())));
  await expect.poll(() => page.locator('.value').first().textContent(), SOON).toBe(String(last['boiler']));
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.mouse.move(0, 0);
}

/** A device whose clock is the page's. */
async function upload(emulator: Emulator, timestamp: number, values: readonly object[]): Promise<void> {
  const body = JSON.stringify({ clientTimestamp: timestamp, entries: [{ timestamp, values }] });
  const headers = { 'content-type': 'application/json', 'x-device-id': DEVICE_ID, 'x-api-key': API_KEY };
  const { status } = await emulator.fetch(
    new Request('https://server.example/api/v1/entries/', { method: 'POST', headers, body }),
  );
  expect(status).toBe(200);
}

interface Step {
  readonly values?: Readonly<Record<string, string>>;
  readonly buttons?: readonly string[];
}

/** The values that are entered, by seconds, and the buttons that are pressed then. */
const STEPS: readonly (readonly [second: number, step: Step])[] = [
  [31, { buttons: ['Test'] }],
  [32, { values: { 'Boiler target': '50', Note: 'Burner cleaned' }, buttons: ['Stage', 'Commit', 'Push'] }],
  [40, { values: { 'Boiler target': '52', Note: 'Pump 2 on' }, buttons: ['Stage', 'Commit', 'Push'] }],
  [50, { values: { Note: 'Filter changed' }, buttons: ['Stage', 'Commit'] }],
  [57, { values: { 'Boiler target': '51' }, buttons: ['Stage'] }],
];

async function enter(page: Page, values: Readonly<Record<string, string>>, buttons: readonly string[]): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(new RegExp(`^${label}(?: \\(|$)`)).fill(value);
  }
  for (const name of buttons) {
    const log = page.getByRole('log');
    const before = await log.textContent();
    await page.getByRole('button', { name, exact: true }).click();
    await expect.poll(() => log.textContent(), SOON).not.toBe(before);
  }
}
