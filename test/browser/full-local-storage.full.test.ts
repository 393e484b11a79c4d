import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { commitTexts, crash, makeApi, openTab, queuedTexts, servePages, tryToPush } from '../support/browsers/pages.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';

/** The room that a browser gives an origin, in UTF-16 units. */
const CAPACITY = 5_242_880;

/** Fills up what is left of `localStorage`, to the last unit, with keys of the page itself. @returns How long they are. */
function fill(page: Page): Promise<number> {
  return page.evaluate(() => {
    let filled = 0;
    for (let size = 1_048_576, count = 0; size >= 1; ) {
      const key = `p${count}`;
      try {
        localStorage.setItem(key, 'x'.repeat(Math.max(0, size - key.length)));
        filled += Math.max(size, key.length);
        count += 1;
      } catch {
        size = Math.floor(size / 2);
      }
    }
    return filled;
  });
}

/** How long the page's own keys are, as far as they are as the page wrote them. */
function pagesOwn(page: Page): Promise<number> {
  return page.evaluate(() => {
    let length = 0;
    for (let index = 0; index < localStorage.length; index++) {
      const key = localStorage.key(index) ?? '';
      const value = localStorage.getItem(key) ?? '';
      if (/^p\d+$/.test(key) && /^x*$/.test(value)) length += key.length + value.length;
    }
    return length;
  });
}

/** Frees room that the page took. */
function giveRoom(page: Page): Promise<void> {
  return page.evaluate(() => localStorage.removeItem('p0'));
}

/** Tries to commit a text, and returns the message of an exception. */
function tryToCommit(page: Page, text: string) {
  return page.evaluate((given) => {
    const { api, NikDevIoT } = window;
    api.addValue('value', given);
    try {
      api.commit();
      return undefined;
    } catch (exception) {
      if (!(exception instanceof NikDevIoT.StorageException)) throw exception;
      return { message: exception.message, advice: exception.advice, status: api.status() };
    }
  }, text);
}

describeInChromium('a localStorage that the page fills up', (newContext) => {
  async function openFull() {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const page = await openTab(context, url, options);
    await commitTexts(page, ['one', 'two']);
    const filled = await fill(page);
    return { emulator, options, url, context, page, filled };
  }

  test('F19 F40 refuses a commit: says what is full and what is safe, keeps the values staged, and harms no key of the page', async () => {
    const { page, filled } = await openFull();
    const rejection = await tryToCommit(page, 'three');
    expect(rejection?.message).toMatch(/localStorage is full.*Still queued and safe: 2 .*still staged/);
    expect(rejection?.advice).toMatch(/\w/);
    expect(rejection?.status).toMatchObject({ staged: 1, committed: 2 });
    expect(await pagesOwn(page)).toBe(filled);
  });

  test('F19 F40 accepts the same commit once the page has freed space', async () => {
    const { page } = await openFull();
    await tryToCommit(page, 'three');
    await giveRoom(page);
    expect(await page.evaluate(() => window.api.commit()?.values[0]?.value)).toBe('three');
    await page.reload();
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).toContain('three');
  });

  test('F19 removes pushed entries, as removal never needs space: no new tab sends them again', async () => {
    const { emulator, options, url, context, page } = await openFull();
    expect((await tryToPush(page)).result).toEqual({ pushed: 2, requests: 1, expired: 0 });
    await crash(page);
    const next = await openTab(context, url, options);
    expect(await queuedTexts(next)).toEqual([]);
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('F19 leaves saved entries to a new tab, which needs no space to adopt and push them', async () => {
    const { emulator, options, url, context, page } = await openFull();
    await tryToCommit(page, 'three');
    await crash(page);
    const heir = await openTab(context, url, options);
    expect(await queuedTexts(heir)).toEqual(['one', 'two']);
    await tryToPush(heir);
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test('F40 with "drop-oldest" saves the newest, reports each dropped entry, and harms no key of the page', async () => {
    const { options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), { ...options, overflow: 'drop-oldest' });
    const texts = Array.from({ length: 60 }, (_, index) => `number ${String(index).padStart(3, '0')}`);
    await commitTexts(page, texts.slice(0, 30));
    const filled = await fill(page);
    const dropped = await page.evaluate((given) => {
      const { api } = window;
      const heard: unknown[] = [];
      api.on('discard', ({ entries }) => heard.push(...entries.map(({ values }) => values[0]?.value)));
      for (const text of given) {
        api.addValue('value', text);
        api.commit();
      }
      return heard;
    }, texts.slice(30));
    const kept = await queuedTexts(page);
    expect([...dropped, ...kept]).toEqual(texts);
    expect(kept).toContain(texts.at(-1));
    expect(kept.length).toBeGreaterThan(20);
    expect(await pagesOwn(page)).toBe(filled);
    await page.reload();
    await makeApi(page, options);
    expect(await queuedTexts(page)).toEqual(kept);
  });
});

describeInChromium('a localStorage that the page has filled up, and two tabs', (newContext) => {
  test('F40 with "drop-oldest" each tab drops only its own entries', async () => {
    const { options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const quiet = await openTab(context, url, options);
    const busy = await openTab(context, url, { ...options, overflow: 'drop-oldest' });
    await commitTexts(quiet, ['one', 'two']);
    const texts = Array.from({ length: 40 }, (_, index) => `number ${index}`);
    await commitTexts(busy, texts.slice(0, 20));
    const filled = await fill(busy);
    await commitTexts(busy, texts.slice(20));
    const kept = await queuedTexts(busy);
    expect(kept.at(-1)).toBe('number 39');
    expect(kept.length).toBeLessThan(40);
    expect(await pagesOwn(busy)).toBe(filled);
    await crash(busy);
    await crash(quiet);
    const heir = await openTab(context, url, options);
    expect(new Set(await queuedTexts(heir))).toEqual(new Set(['one', 'two', ...kept]));
  });
});

describeInChromium('a localStorage of which we have had our share', (newContext) => {
  test('F40 leaves the page as much space as promised', async () => {
    const { options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), options);
    const committed = await page.evaluate(() => {
      const { api, NikDevIoT } = window;
      for (let count = 0; ; count++) {
        api.addValue('value', 'x'.repeat(20_000));
        try {
          api.commit();
        } catch (exception) {
          if (exception instanceof NikDevIoT.StorageException) return count;
          throw exception;
        }
      }
    });
    // We may use what we were given, and no more.
    expect(committed).toBeGreaterThan(140);
    expect(await fill(page)).toBeGreaterThanOrEqual(CAPACITY - 3_000_000);
    expect(await page.evaluate(() => window.api.status().committed)).toBe(committed);
  });
});

describeInChromium('a localStorage that is cleared underneath', (newContext) => {
  test('F19 is reported, and a commit saves again from memory what was queued: a new tab delivers all of it', async () => {
    const { emulator, options } = await serveEmulator();
    const url = await servePages();
    const context = await newContext();
    const page = await openTab(context, url, options);
    await commitTexts(page, ['one', 'two']);
    await page.evaluate(() => localStorage.clear());
    await commitTexts(page, ['three']);
    expect(await page.evaluate(() => window.api.status().warnings)).toMatchObject([{ code: 'storage-cleared' }]);
    await crash(page);
    const heir = await openTab(context, url, options);
    expect(await queuedTexts(heir)).toEqual(['one', 'two', 'three']);
    await tryToPush(heir);
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
  });

  test('F19 is noticed within a minute though nothing is committed', async () => {
    const { options } = await serveEmulator();
    const context = await newContext();
    await context.clock.install();
    const url = await servePages();
    const page = await openTab(context, url, options);
    await commitTexts(page, ['one', 'two']);
    await page.evaluate(() => localStorage.clear());
    let seconds = 0;
    await expect
      .poll(
        async () => {
          seconds += 1;
          await page.clock.runFor(1000);
          return page.evaluate(() => Object.values({ ...localStorage }).filter((text) => /"(one|two)"/.test(text)));
        },
        { timeout: 45_000, interval: 10 },
      )
      .toHaveLength(2);
    expect(await page.evaluate(() => window.api.status().warnings)).toMatchObject([{ code: 'storage-cleared' }]);
    expect(seconds).toBeLessThan(60);
  });

  test('F19 harms no push: what is queued is delivered once, and nothing of it is left', async () => {
    const { emulator, options } = await serveEmulator();
    const page = await openTab(await newContext(), await servePages(), options);
    await commitTexts(page, ['one', 'two']);
    await page.evaluate(() => localStorage.clear());
    expect((await tryToPush(page)).result).toEqual({ pushed: 2, requests: 1, expired: 0 });
    await commitTexts(page, ['three']);
    await tryToPush(page);
    await page.reload();
    await makeApi(page, options);
    expect(await queuedTexts(page)).toEqual([]);
    expect(storedTexts(emulator)).toEqual(['one', 'two', 'three']);
  });
});
