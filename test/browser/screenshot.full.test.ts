import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createEmulator, type Emulator } from '../../src/emulator.js';
import { BOILER_ROOM, measure, routeBoilerRoom } from '../support/browsers/boiler-room.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { serveDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const START = Date.UTC(2026, 4, 4, 9, 30);
const END = START + 60_000;
const UPDATED = process.env['UPDATE_SCREENSHOT'];

describeInChromium("the README's screenshots of the dashboard", (newContext) => {
  test.each([
    ['light', 'screenshot.png'],
    ['dark', 'screenshot-dark.png'],
  ] as const)('can be made, %s (made anew where UPDATE_SCREENSHOT is set)', async (colorScheme, name) => {
    const clock = { now: START };
    const { url, emulator } = await start(clock);
    const viewport = { width: 1440, height: 900 };
    const page = await (await newContext({ colorScheme, viewport, locale: 'en-GB', timezoneId: 'UTC' })).newPage();
    await routeBoilerRoom(page, END / 1000);
    await page.clock.install({ time: START });
    await page.goto(url);
    await page.clock.pauseAt(START + 30_000);
    await live(page, emulator, clock);

    const picture = await page.screenshot({ animations: 'disabled', fullPage: true });
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    expect(picture.readUInt32BE(16)).toBe(viewport.width);
    if (UPDATED) writeFileSync(new URL(`../../examples/dashboard/${name}`, import.meta.url), picture);
  });
});

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
  [32, { values: { 'Boiler target': '50', Note: 'Burner cleaned' }, buttons: ['Stage', 'Commit', 'Push'] }],
  [40, { values: { 'Boiler target': '52', Note: 'Pump 2 on' }, buttons: ['Stage', 'Commit', 'Push'] }],
  [46, { buttons: ['Test'] }],
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
