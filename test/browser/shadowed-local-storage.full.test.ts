import { expect, test } from 'vitest';
import { describeInEveryBrowser, SOON } from '../support/browsers/every-browser.js';
import { commitTexts, makeApi, queuedTexts, servePages, tryToPush } from '../support/browsers/pages.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';

const MEMBERS = ['key', 'getItem', 'setItem', 'removeItem', 'length'];

describeInEveryBrowser('a page that uses localStorage as if it were an object', ({ newContext }) => {
  async function setUp() {
    const { emulator, options } = await serveEmulator();
    const url = await servePages({ '/frame': '<!doctype html><script src="/nikdev-iot.umd.js"></script>' });
    const tab = await (await newContext()).newTab(url);
    const shadow = (members: readonly string[]): Promise<void> =>
      tab.evaluate(
        (names) => {
          for (const member of names) Object.assign(localStorage, { [member]: 'x' });
        },
        members.filter((member) => member !== 'length'),
      );
    return { emulator, options, url, tab, shadow };
  }

  test('F50 harms nothing by an item that is called like a method: entries are saved, adopted, pushed and removed', async () => {
    const { emulator, options, url, tab, shadow } = await setUp();
    await shadow(MEMBERS);
    await makeApi(tab, options);
    await commitTexts(tab, ['one']);
    await shadow(MEMBERS);
    await commitTexts(tab, ['two']);
    expect(await tab.evaluate(() => window.api.status())).toMatchObject({ durability: 'tab', warnings: [] });
    await tab.goto(url);
    await shadow(MEMBERS);
    await makeApi(tab, options);
    await expect.poll(() => queuedTexts(tab), SOON).toEqual(['one', 'two']);
    expect((await tryToPush(tab)).result).toMatchObject({ pushed: 2 });
    const left = await tab.evaluate(() => Object.keys(localStorage).filter((key) => /\/\d+$/.test(key)));
    expect(left).toEqual([]);
    expect(storedTexts(emulator)).toEqual(['one', 'two']);
  });

  test.each(MEMBERS)('F50 harms nothing by a property %s of its own', async (member) => {
    const { options, tab } = await setUp();
    await makeApi(tab, options);
    await tab.evaluate((name) => {
      try {
        Object.defineProperty(localStorage, name, { value: 'x', configurable: true });
      } catch {
        // Not in every browser.
      }
    }, member);
    await commitTexts(tab, ['one']);
    expect(await tab.evaluate(() => window.api.status())).toMatchObject({ committed: 1, warnings: [] });
    expect((await tryToPush(tab)).result).toMatchObject({ pushed: 1 });
  });

  test('F51 is known as full by a script of another frame, which makes room by dropping the oldest entries', async () => {
    const { options, tab } = await setUp();
    const dropped = await tab.evaluate(async (given) => {
      const frame = document.createElement('iframe');
      frame.src = '/frame';
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
      document.body.append(frame);
      await loaded;
      const { Api, webStorage } = (frame.contentWindow as unknown as Window).NikDevIoT;
      const api = new Api({ ...given, overflow: 'drop-oldest', autoPush: false, storage: webStorage(localStorage) });
      let count = 0;
      api.on('discard', ({ entries }) => {
        count += entries.length;
      });
      const commit = (): void => {
        api.addValue('value', 'x'.repeat(1000));
        api.commit();
      };
      for (let index = 0; index < 50; index++) commit();
      for (let size = 1 << 20, index = 0; size >= 1; index++) {
        try {
          localStorage.setItem(`own${index}`, 'y'.repeat(size));
        } catch {
          size >>= 1;
        }
      }
      for (let index = 0; index < 30; index++) commit();
      return count;
    }, options);
    expect(dropped).toBeGreaterThan(0);
  });
});
