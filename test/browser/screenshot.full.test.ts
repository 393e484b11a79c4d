import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createEmulator, type Emulator } from '../../src/emulator.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { NOTE, serveDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const START = Date.UTC(2026, 4, 4, 9, 30);
const STEPS = 56;
const FIELDS = [
  { id: 'temperature', label: 'Greenhouse', unit: '°C' },
  { id: 'humidity', label: 'Humidity', unit: '%' },
  { id: 'target', label: 'Target', unit: '°C', input: 'number' },
  NOTE,
] as const;

describeInChromium("the README's screenshots of the dashboard", (newContext) => {
  test.each([
    ['light', 'screenshot.png'],
    ['dark', 'screenshot-dark.png'],
  ] as const)('can be made, %s (made anew where UPDATE_SCREENSHOT is set)', async (colorScheme, name) => {
    const clock = { now: START };
    const { url, emulator } = await start(clock);
    const viewport = { width: 1200, height: 960 };
    const page = await (await newContext({ colorScheme, viewport, locale: 'en-GB', timezoneId: 'UTC' })).newPage();
    await page.clock.install({ time: START });
    await page.goto(url);
    await page.clock.pauseAt(START + 60_000);
    await live(page, emulator, clock);

    const picture = await page.screenshot({ animations: 'disabled', fullPage: true });
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    expect(picture.readUInt32BE(16)).toBe(viewport.width);
    if (process.env['UPDATE_SCREENSHOT'])
      writeFileSync(new URL(`../../examples/dashboard/${name}`, import.meta.url), picture);
  });
});

async function start(clock: { readonly now: number }) {
  const apiKeys = [{ key: API_KEY, read: true, write: true }];
  const emulator = createEmulator({ devices: [{ deviceId: DEVICE_ID, apiKeys }], now: () => clock.now });
  const server = await serveOnLoopback((request) => emulator.fetch(request) as Promise<Response>);
  const config = { ...credentials, baseUrl: `${server}api/v1/`, everySeconds: 1, fields: FIELDS };
  return { emulator, url: await serveDashboard(config) };
}

/** A minute in the life of a dashboard: its own clock goes on only while a reading is not shown yet. */
async function live(page: Page, emulator: Emulator, clock: { now: number }): Promise<void> {
  for (let step = 1; step <= STEPS; step++) {
    await page.clock.runFor(900);
    clock.now = await page.evaluate(() => Date.now());
    const { temperature, humidity } = weather(step);
    await upload(emulator, Math.floor(clock.now / 1000), [{ temperature }, { humidity }]);
    const isShown = async (): Promise<boolean> => {
      await page.clock.runFor(100);
      return (await page.locator('.value').first().textContent()) === temperature.toFixed(1);
    };
    await expect.poll(isShown, { timeout: 10_000 }).toBe(true);
    await enter(page, ENTERED[step] ?? {}, PRESSED[step] ?? []);
  }
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

/** What is entered, by steps, and then pressed. */
const ENTERED: Readonly<Record<number, Record<string, string>>> = {
  14: { Target: '21.5', Note: 'Roof opened' },
  36: { Target: '23', Note: 'Cloudy, roof closed' },
  51: { Target: '22.5' },
  54: { Note: 'Watered' },
};
const PRESSED: Readonly<Record<number, string[]>> = {
  14: ['Stage', 'Commit', 'Push'],
  36: ['Stage', 'Commit', 'Push'],
  45: ['Test'],
  51: ['Stage', 'Commit'],
  54: ['Stage'],
};

function weather(step: number): { temperature: number; humidity: number } {
  const wave = Math.sin(step / 8) + Math.sin(step / 2.7) / 4;
  return {
    // Never the same twice in a row.
    temperature: Math.round((22 + wave) * 10) / 10 + (step % 2) / 10,
    humidity: Math.round(58 - 6 * wave + Math.sin(step * 2)),
  };
}

async function enter(page: Page, values: Readonly<Record<string, string>>, buttons: readonly string[]): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(new RegExp(`^${label}(?: \\(|$)`)).fill(value);
  }
  for (const name of buttons) {
    const log = page.getByRole('log');
    const before = await log.textContent();
    await page.getByRole('button', { name }).click();
    await expect.poll(() => log.textContent(), SOON).not.toBe(before);
  }
}
