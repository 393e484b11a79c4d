import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { AXE_MS, axeViolations } from '../support/browsers/axe.js';
import { BOILER_ROOM, routeBoilerRoom } from '../support/browsers/boiler-room.js';
import { describeInChromium } from '../support/browsers/chromium.js';
import { startDashboard } from '../support/browsers/dashboard.js';
import { SOON } from '../support/browsers/every-browser.js';
import { startDemo } from '../support/processes/demo.js';

const STATE = {
  committed: 100,
  stored: 100,
  waiting: 0,
  quarantined: 0,
  dropped: 0,
  lost: 0,
  now: 1_000_000,
  lastSeen: 1_000_000,
  isPushing: false,
  refused: [],
  pid: 17,
  runs: 1,
  isLiveFirst: true,
  samples: [],
};

const OUTAGE = { ...STATE, stored: 90, waiting: 10, oldestAgeSeconds: 11, serverBackAt: 1_000_019, nextTry: 1_000_004 };
const KILLED = { ...OUTAGE, pid: undefined, restartsAt: 1_000_003 };
const REFUSED = {
  ...STATE,
  stored: 99,
  quarantined: 1,
  refused: [
    { values: [{ fieldId: 'boiler', value: 75 }], reason: 'Bad request: Boiler is above 60 °C', timestamp: 999_990 },
  ],
};
const STAGES = ['Staged', 'Committed', 'Pushed', 'Quarantined'];
const LOST = { ...STATE, stored: 97, lost: 3 };

describeInChromium('the device in the dashboard', (newContext) => {
  async function open({ width = 1440, colorScheme = 'light' as 'light' | 'dark' } = {}) {
    const { url } = await startDashboard(BOILER_ROOM, { name: 'Boiler room', history: 'demo/history', demo: 'demo/' });
    const page = await (await newContext({ colorScheme, viewport: { width, height: 900 } })).newPage();
    await routeBoilerRoom(page, Math.floor(Date.now() / 1000));
    let state: object = STATE;
    const actions: string[] = [];
    await page.route('**/demo/state', (route) => route.fulfill({ json: state }));
    await page.route('**/demo/actions?name=*', (route) => {
      actions.push(new URL(route.request().url()).searchParams.get('name') ?? '');
      return route.fulfill({ json: {} });
    });
    await page.goto(url);
    const show = async (next: object, text: string | RegExp): Promise<void> => {
      state = next;
      await page.locator('#demo').getByText(text).first().waitFor();
    };
    await page.locator('.chart canvas').nth(2).waitFor();
    return { page, actions, show };
  }

  test('is described in words: running, killed, without a server', async () => {
    const { show } = await open();
    await show(STATE, /^Running as process 17$/);
    await show(
      OUTAGE,
      'Running as process 17 · the server is down for 19 s more · readings are committed to disk · next try in 4 s',
    );
    await show(OUTAGE, 'oldest 11 s');
    await show(KILLED, 'Killed · starts again in 3 s · the server is down for 19 s more');
    await show({ ...OUTAGE, serverBackAt: undefined, nextTry: undefined }, 'Running as process 17 · the queue drains');
    await show(REFUSED, 'Boiler is above 60 °C (Boiler 75 °C)');
  });

  test('says how many readings wait now in the name of its chart, and how many are lost', async () => {
    const { page, show } = await open();
    const chart = (waiting: number) =>
      page.getByRole('img', { name: `Waiting readings over the last two minutes, ${waiting} now` });
    await show(OUTAGE, 'oldest 11 s');
    await chart(10).waitFor();
    const lost = page.locator('.lost');
    expect(await lost.locator('dd').textContent()).toBe('0');
    const colour = () => lost.locator('dd').evaluate((element) => getComputedStyle(element).color);
    const none = await colour();
    await show(LOST, '97');
    await chart(0).waitFor();
    expect(await lost.innerText()).toMatch(/^Lost\s+3$/);
    expect(await colour()).not.toBe(none);
  });

  test.each([1440, 360])(
    'stands beside the readings of the page, which has a way of its own, at %d px',
    async (width) => {
      const { page, show } = await open({ width });
      await show(STATE, 'Running');
      const own = page.getByRole('region', { name: 'From this page' });
      expect(await own.getByRole('listitem').locator('span').allTextContents()).toEqual(STAGES);
      expect(await page.getByRole('region', { name: 'Device' }).getByText('From this page').count()).toBe(0);

      const [staged, committed, pushed, quarantined] = await own.locator('.stage').evaluateAll((stages) =>
        stages.map((stage) => {
          const { top, bottom, left } = stage.getBoundingClientRect();
          return { top, bottom, left };
        }),
      );
      expect(new Set([staged, committed, pushed].map((stage) => Math.round(stage?.top ?? 0))).size, 'one row').toBe(1);
      expect(committed?.left).toBeGreaterThan(staged?.left ?? 0);
      expect(pushed?.left).toBeGreaterThan(committed?.left ?? 0);
      // The quarantine branches off below the committed entries.
      expect(quarantined?.top).toBeGreaterThanOrEqual(committed?.bottom ?? Infinity);
      expect(quarantined?.left).toBeGreaterThan(committed?.left ?? Infinity);
    },
  );

  test('can be acted on, by buttons that say what they do', async () => {
    const { page, actions, show } = await open();
    await show(REFUSED, '1 reading in quarantine');
    const region = page.getByRole('region', { name: 'Device' });
    for (const [name, action] of [
      ['Take the server down for 30 s', 'outage'],
      ['Kill the device', 'kill'],
      ['Send a refused reading', 'overheat'],
      ['Restore', 'restore'],
      ['Drop', 'drop'],
    ] as const) {
      await region.getByRole('button', { name }).press('Enter');
      await expect.poll(() => actions.at(-1), SOON).toBe(action);
    }
    await region.getByRole('switch', { name: 'Live first', checked: true }).press('Space');
    await expect.poll(() => actions.at(-1), SOON).toBe('oldest-first');
    await show({ ...STATE, isLiveFirst: false }, 'Running');
    await region.getByRole('switch', { name: 'Live first', checked: false }).press('Space');
    await expect.poll(() => actions.at(-1), SOON).toBe('live-first');

    await show(KILLED, 'Killed');
    const { length } = actions;
    await region.getByRole('button', { name: 'Kill the device', disabled: true }).press('Enter');
    await region.getByRole('button', { name: 'Take the server down', disabled: true }).press('Enter');
    await region.getByRole('switch', { name: 'Live first', disabled: true }).press('Enter');
    expect(actions).toHaveLength(length);
  });

  test.each([
    [1440, 'light'],
    [1440, 'dark'],
    [360, 'light'],
    [360, 'dark'],
  ] as const)(
    'axe finds nothing, %d px and %s, whatever the state',
    { timeout: AXE_MS },
    async (width, colorScheme) => {
      const { page, show } = await open({ width, colorScheme });
      for (const [state, text] of [
        [STATE, 'Running'],
        [KILLED, 'Killed'],
        [REFUSED, '1 reading in quarantine'],
        [LOST, 'Running'],
      ] as const) {
        await show(state, text);
        expect(await axeViolations(page)).toEqual([]);
      }
    },
  );

  test.each([1440, 1280, 1024, 820, 360])('fits a screen of %d px, without a hole', async (width) => {
    const { page, show } = await open({ width });
    await show(REFUSED, '1 reading in quarantine');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(await holes(page)).toEqual([]);
  });

  test('wraps no label at 1440 px', async () => {
    const { page, show } = await open();
    await show(OUTAGE, 'Running');
    expect(await wrapped(page, 'h1, h2, h3, dt, dd, button, label, legend, .stage > *, .age, .hint')).toEqual([]);
  });

  test('shows a queue that grows, and nothing lost, within ten seconds of looking', async () => {
    const { demo, url } = await startDemo();
    onTestFinished(() => demo.stop());
    const page = await (await newContext()).newPage();
    const opened = Date.now();
    await page.goto(url);
    await page.getByRole('button', { name: 'Take the server down' }).click();
    const figure = async (name: string) => Number(await page.locator(`#device-${name}`).textContent());
    await expect.poll(() => figure('waiting'), SOON).toBeGreaterThanOrEqual(2);
    expect(Date.now() - opened).toBeLessThan(10_000);
    expect(await figure('lost')).toBe(0);
    expect(await page.locator('#device-state').textContent()).toContain('the server is down for');
  });

  test('is killed and started again by the demo', async () => {
    const { demo, url } = await startDemo();
    onTestFinished(() => demo.stop());
    const page = await (await newContext()).newPage();
    await page.goto(url);
    const state = page.locator('#device-state');
    await state.filter({ hasText: /^Running as process \d+/ }).waitFor();
    const running = await state.textContent();
    await page.getByRole('button', { name: 'Kill the device' }).click();
    await state.filter({ hasText: /^Killed · starts again in \d s/ }).waitFor();
    await state.filter({ hasText: /^Running as process \d+/ }).waitFor();
    expect(await state.textContent()).not.toBe(running);
    expect(await page.locator('#device-lost').textContent()).toBe('0');
  });
});

/** @returns Names of areas that leave the end of a row, or the foot of a column, empty. */
function holes(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const boxOf = (selector: string) => (document.querySelector(selector) as Element).getBoundingClientRect();
    const isSame = (one: number, other: number) => Math.abs(one - other) < 2;
    const found: string[] = [];
    for (const selector of ['#numbers', '#texts', '.device-figures', '.side', '.stages']) {
      const area = document.querySelector(selector) as Element;
      const boxes = [...area.children].map((child) => child.getBoundingClientRect()).filter(({ width }) => width > 0);
      const right = Math.max(...boxes.map((box) => box.right));
      for (const { top } of boxes) {
        const row = boxes.filter((box) => isSame(box.top, top));
        if (!isSame(Math.max(...row.map((box) => box.right)), right)) found.push(selector);
      }
    }
    const [readings, side] = [boxOf('.readings'), boxOf('.side')];
    if (isSame(readings.top, side.top) && !isSame(boxOf('#texts').bottom, boxOf('.past-events').bottom)) {
      found.push('the foot of a column');
    }
    return found;
  });
}

/** @returns The texts of elements that take more than one line. */
function wrapped(page: Page, selector: string): Promise<string[]> {
  return page.evaluate((given) => {
    const lines = (element: Element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      const tops = [...range.getClientRects()].filter(({ width }) => width > 0).map(({ bottom }) => bottom);
      return tops.length > 0 && Math.max(...tops) - Math.min(...tops) > 12;
    };
    return [...document.querySelectorAll(given)].filter(lines).map(({ textContent }) => textContent);
  }, selector);
}
