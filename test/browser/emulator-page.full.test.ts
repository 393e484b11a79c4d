import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { run } from '../support/processes/command.js';
import { type RunningEmulator, startEmulator } from '../support/processes/emulator.js';

describeInChromium('the page of nikdev-iot emulator', (newContext) => {
  async function open(): Promise<{ page: Page; emulator: RunningEmulator; complaints: readonly string[] }> {
    const emulator = await startEmulator();
    const page = await (await newContext()).newPage();
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(emulator.url);
    await expect.poll(() => page.getByRole('status').textContent(), SOON).toBe('live');
    return { page, emulator, complaints };
  }

  /** The texts of the cells of a table. */
  const rowsOf = (page: Page, id: 'values' | 'requests'): Promise<string[][]> =>
    page
      .locator(`#${id}`)
      .evaluate((body) =>
        Array.from((body as HTMLTableSectionElement).rows, ({ cells }) =>
          Array.from(cells, ({ textContent }) => textContent ?? ''),
        ),
      );

  /** Uploads an entry, past the command. */
  async function upload({ env }: RunningEmulator, values: readonly object[]): Promise<number> {
    const headers = { 'x-device-id': env.NIKDEV_DEVICE_ID, 'x-api-key': env.NIKDEV_API_KEY };
    const now = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({ clientTimestamp: now, entries: [{ timestamp: now, values }] });
    const { status } = await fetch(`${env.NIKDEV_URL}entries/`, { method: 'POST', headers, body });
    return status;
  }

  test('shows what a call adds, without a reload, and a later value in the same row', async () => {
    const { page, emulator, complaints } = await open();
    expect([await rowsOf(page, 'values'), await rowsOf(page, 'requests')]).toEqual([[], []]);
    const folder = temporaryFolder();
    for (const value of ['21.5', '22']) {
      expect(await run(folder, ['add', `temperature=${value}`, '-cp'], emulator.env)).toMatchObject({ code: 0 });
      await expect
        .poll(() => rowsOf(page, 'values'), SOON)
        .toEqual([['temperature', value, expect.stringContaining(':'), emulator.env.NIKDEV_DEVICE_ID]]);
    }
    expect(await rowsOf(page, 'requests')).toEqual(
      Array(2).fill([expect.stringContaining(':'), 'POST', '/api/v1/entries/', '200', '1']),
    );
    expect(complaints).toEqual([]);
  });

  test('shows markup as the text that it is, in values and field ids', async () => {
    const { page, emulator, complaints } = await open();
    const markup = '<img src=x onerror="document.title=1">';
    const folder = temporaryFolder();
    expect(await run(folder, ['add', `note=${markup}`, '-cp'], emulator.env)).toMatchObject({ code: 0 });
    expect(await upload(emulator, [{ [markup]: '</td><script>document.title=2</script>' }])).toBe(200);
    await expect
      .poll(async () => (await rowsOf(page, 'values')).map((row) => row.slice(0, 2)), SOON)
      .toEqual([
        ['note', markup],
        [markup, '</td><script>document.title=2</script>'],
      ]);
    expect(await page.locator('#values :is(img, script)').count()).toBe(0);
    expect(await page.title()).toBe('NikDev IoT emulator');
    expect(complaints).toEqual([]);
  });

  test('has at most 100 requests and 500 fields, and goes on showing later values of these', async () => {
    const { page, emulator, complaints } = await open();
    expect(
      await upload(
        emulator,
        Array.from({ length: 600 }, (_, at) => ({ [`f-${at}`]: at })),
      ),
    ).toBe(200);
    for (let at = 0; at < 120; at++) expect(await upload(emulator, [{ last: at }, { 'f-499': at }])).toBe(200);
    await expect.poll(async () => (await rowsOf(page, 'values')).at(-1)?.slice(0, 2), SOON).toEqual(['f-499', '119']);
    expect(await rowsOf(page, 'values')).toHaveLength(500);
    expect(await rowsOf(page, 'requests')).toHaveLength(100);
    expect(complaints).toEqual([]);
  });

  test('shows to a page that is opened later the latest of what arrived before', async () => {
    const { page, emulator } = await open();
    expect(await upload(emulator, [{ a: 1 }])).toBe(200);
    await page.reload();
    await expect.poll(async () => (await rowsOf(page, 'values')).map(([field]) => field), SOON).toEqual(['a']);
  });

  test('says that it is not connected once the emulator has ended', async () => {
    const { page, emulator } = await open();
    emulator.process.kill('SIGTERM');
    await expect.poll(() => page.getByRole('status').textContent(), SOON).toBe('not connected');
  });
});
