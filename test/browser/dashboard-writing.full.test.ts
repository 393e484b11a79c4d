import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { Api } from '../../src/index.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { NOTE, ROOM, startDashboard } from '../support/browsers/dashboard.js';
import { DEVICE_ID } from '../support/builders/credentials.js';

describeInChromium('the dashboard, where something is entered', (newContext) => {
  const open = async (url: string, options?: BrowserContextOptions): Promise<Page> => {
    const page = await (await newContext(options)).newPage();
    await page.goto(url);
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
    return page;
  };

  test('shows what is staged, committed and pushed, as that changes', async () => {
    const { url, emulator } = await startDashboard();
    const page = await open(url);
    await waitForStages(page, { Staged: 0, Committed: 0, Pushed: 0, Quarantined: 0 });
    await page.getByLabel('Room temperature (°C)').fill('21.5');
    await page.getByLabel('Note', { exact: true }).fill('window open');
    await page.getByLabel('Heating').selectOption('false');
    await page.getByRole('button', { name: 'Stage' }).click();
    await waitForStages(page, { Staged: 3, Committed: 0, Pushed: 0 });
    await page.getByRole('button', { name: 'Commit' }).click();
    await waitForStages(page, { Staged: 0, Committed: 1, Pushed: 0 });
    await page.getByRole('button', { name: 'Push' }).click();
    await waitForStages(page, { Staged: 0, Committed: 0, Pushed: 1 });
    expect(storedValues(emulator)).toEqual([{ room: 21.5, note: 'window open', heating: false }]);
    // Pushed values come back as readings.
    await page.getByRole('article').filter({ hasText: 'window open' }).waitFor();
    await page.getByRole('img', { name: 'Room temperature' }).waitFor();
  });

  test('does the whole main job by keyboard', async () => {
    const { url, emulator } = await startDashboard([ROOM, NOTE]);
    const page = await open(url);
    const { keyboard } = page;
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        return element.id || element.textContent;
      });
    const tabTo = async (id: string): Promise<void> => {
      for (let steps = 0; steps < 20 && (await focused()) !== id; steps++) await keyboard.press('Tab');
      expect(await focused()).toBe(id);
      // Without a visible focus the page can't be used with a keyboard.
      expect(await page.locator(':focus-visible').count()).toBe(1);
    };

    await tabTo('offline');
    await keyboard.press('Space');
    await page
      .getByRole('status')
      .filter({ hasText: /^Offline/ })
      .waitFor();
    await tabTo('input-0');
    await keyboard.type('21.5');
    await keyboard.press('Tab');
    expect(await focused()).toBe('input-1');
    await keyboard.type('window open');
    await keyboard.press('Enter');
    await waitForStages(page, { Staged: 2 });
    // Ready for the next one.
    expect(await focused()).toBe('input-0');
    await tabTo('commit');
    await keyboard.press('Enter');
    await waitForStages(page, { Staged: 0, Committed: 1 });
    await tabTo('push');
    await keyboard.press('Space');
    await page.getByRole('alert').filter({ hasText: 'offline: what is committed stays queued' }).waitFor();
    expect(emulator.entries(DEVICE_ID)).toEqual([]);

    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    for (let steps = 0; steps < 20 && (await focused()) !== 'offline'; steps++) await keyboard.press('Shift+Tab');
    await keyboard.press('Enter');
    await page
      .getByRole('status')
      .filter({ hasText: /^Live$/ })
      .waitFor();
    await tabTo('push');
    await keyboard.press('Enter');
    await waitForStages(page, { Committed: 0, Pushed: 1 });
    expect(storedValues(emulator)).toEqual([{ room: 21.5, note: 'window open' }]);
    // The button that did it is where it was, and nothing was lost of the focus.
    expect(await focused()).toBe('push');
    await tabTo('test');
    await keyboard.press('Enter');
    await page.getByRole('log').getByText('Connection test: All is well').waitFor();
  });

  test('asks for nothing while it is switched offline, and reads again as soon as it is back', async () => {
    const { url, emulator, options } = await startDashboard([ROOM]);
    await push(options, { room: 20 });
    const page = await open(url);
    await page.getByRole('article').getByText('20', { exact: true }).waitFor();
    await page.getByRole('switch', { name: 'Simulate offline' }).click();
    await page
      .getByRole('status')
      .filter({ hasText: /^Offline/ })
      .waitFor();
    expect(await page.title()).toBe('⚠ Live readings');
    await push(options, { room: 22 });
    const { length } = emulator.requests;
    await page.getByRole('button', { name: 'Test' }).click();
    await page.locator('#findings div').filter({ hasText: 'Reachableno' }).waitFor();
    expect(emulator.requests).toHaveLength(length);
    await page.getByRole('switch', { name: 'Simulate offline' }).click();
    await page.getByRole('article').getByText('22', { exact: true }).waitFor();
    expect(await page.title()).toBe('Live readings');
  });

  test('keeps what is committed offline over a reload', async () => {
    const { url, emulator } = await startDashboard([ROOM]);
    const page = await open(url);
    await page.getByText('Committed values survive a reload and a crash of this tab.').waitFor();
    await page.getByRole('switch', { name: 'Simulate offline' }).click();
    await page.getByLabel('Room temperature (°C)').fill('19');
    await page.getByRole('button', { name: 'Stage' }).click();
    await page.getByRole('button', { name: 'Commit' }).click();
    await waitForStages(page, { Committed: 1 });
    await page.reload();
    await page.getByRole('log').getByText('Adopted 1 entry of an earlier visit').waitFor();
    await waitForStages(page, { Committed: 1 });
    await page.getByRole('button', { name: 'Push' }).click();
    await waitForStages(page, { Committed: 0, Pushed: 1 });
    expect(storedValues(emulator)).toEqual([{ room: 19 }]);
  });

  test('says that a push failed, why, and what to do; and keeps what was to be pushed', async () => {
    const { url, emulator } = await startDashboard([ROOM]);
    const page = await open(url);
    await commit(page, '21');
    await answerUploads(page, () => ({ status: 503, message: 'Back soon' }));
    await page.getByRole('button', { name: 'Push' }).click();
    await page.getByRole('alert').filter({ hasText: 'The server answered 503: Back soon.' }).waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('Committed values stay queued.');
    await waitForStages(page, { Committed: 1, Pushed: 0 });
    expect(emulator.entries(DEVICE_ID)).toEqual([]);
  });

  test('shows what the connection test finds', async () => {
    const { url } = await startDashboard([ROOM]);
    const page = await open(url);
    await page.getByRole('button', { name: 'Test' }).click();
    await page.getByText(/^All is well: this page may read and write/).waitFor();
    const findings = await page.locator('#findings div').allTextContents();
    expect(findings).toEqual([
      'Reachableyes',
      'Admittedyes',
      'May readyes',
      'May writeyes',
      expect.stringMatching(/^Latency\d+ ms$/),
      'Clockright',
    ]);
  });

  test('shows entries that the server refuses, why, and restores or removes them', async () => {
    const { url, emulator } = await startDashboard([ROOM, NOTE]);
    const page = await open(url);
    await page.getByRole('switch', { name: 'Simulate offline' }).click();
    await commit(page, '-300');
    await commit(page, '20');
    await page.getByRole('switch', { name: 'Simulate offline' }).click();
    await answerUploads(page, (body) =>
      body.includes('-300') ? { status: 422, message: 'Colder than it gets' } : undefined,
    );
    await page.getByRole('button', { name: 'Push' }).click();
    await waitForStages(page, { Committed: 0, Pushed: 1, Quarantined: 1 });
    await page.getByRole('listitem').filter({ hasText: 'Room temperature -300\u00a0°C Colder than it gets' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'The server refused 1 entry. The others are stored.' }).waitFor();
    await page.getByRole('button', { name: 'Restore' }).click();
    await waitForStages(page, { Committed: 1, Quarantined: 0 });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('queue-title');

    await commit(page, '21');
    await page.getByRole('button', { name: 'Push' }).click();
    await waitForStages(page, { Committed: 0, Pushed: 2, Quarantined: 1 });
    await page.getByRole('button', { name: 'Drop' }).click();
    await waitForStages(page, { Committed: 0, Quarantined: 0 });
    expect(storedValues(emulator)).toEqual([{ room: 20 }, { room: 21 }]);
  });

  test('says what is missing where there is nothing to stage, commit or push', async () => {
    const { url } = await startDashboard([ROOM, NOTE]);
    const page = await open(url);
    for (const [button, problem] of [
      ['Stage', 'Fill in a value first.'],
      ['Commit', 'Nothing is staged.'],
      ['Push', 'Nothing is committed.'],
    ] as const) {
      // Pressed by hand: two of them say that they are disabled, and still explain themselves.
      await page.getByRole('button', { name: button }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter({ hasText: problem }).waitFor();
    }
    await waitForStages(page, { Staged: 0, Committed: 0, Pushed: 0 });
  });
});

/** Answers uploads in the server's place, unless `answer` has none. */
async function answerUploads(
  page: Page,
  answer: (body: string) => { status: number; message: string } | undefined,
): Promise<void> {
  await page.route('**/entries/', (route) => {
    const request = route.request();
    const found = request.method() === 'POST' ? answer(request.postData() ?? '') : undefined;
    if (found === undefined) return route.fallback();
    const { status, message } = found;
    return route.fulfill({ status, json: { message }, headers: { 'Access-Control-Allow-Origin': '*' } });
  });
}

async function commit(page: Page, temperature: string): Promise<void> {
  await page.getByLabel('Room temperature (°C)').fill(temperature);
  await page.getByRole('button', { name: 'Stage' }).click();
  await page.getByRole('button', { name: 'Commit' }).click();
}

/** Waits until stages show these counts. */
async function waitForStages(page: Page, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, count] of Object.entries(counts)) {
    await page
      .locator('.stage')
      .filter({ hasText: name })
      .locator('strong')
      .filter({ hasText: new RegExp(`^${count}$`) })
      .waitFor();
  }
}

/** The values of each stored entry. */
function storedValues(emulator: Emulator): unknown[] {
  return emulator
    .entries(DEVICE_ID)
    .map(({ values }) => Object.fromEntries(values.map(({ fieldId, value }) => [fieldId, value])));
}

async function push(options: ConstructorParameters<typeof Api>[0], values: Record<string, number>): Promise<void> {
  const api = new Api(options);
  api.addValues(values);
  await api.commitAndPush();
  await api.close();
}
