import { expect, it as test } from 'vitest';
import { describeInEveryBrowser } from '../support/browsers/every-browser.js';
import { servePages } from '../support/browsers/pages.js';

const SCRIPT = '<script src="/nikdev-iot.umd.js"></script>';
const page = (before: string): string =>
  `<!doctype html><title>SDK</title><link rel="icon" href="data:,">${before}${SCRIPT}`;

describeInEveryBrowser('F58 the UMD by script tag', ({ newContext }) => {
  test.each([
    ['an AMD loader', '<script>function define() {} define.amd = {}</script>'],
    ['module and exports of Electron', '<script>var module = { exports: {} }, exports = module.exports</script>'],
    ['elements called module and exports', '<form id="module"><input name="exports" id="exports"></form>'],
    ['an element called NikDevIoT', '<div id="NikDevIoT"></div>'],
    ['an element called define', '<object id="define"></object><embed name="amd">'],
  ])('sets its global beside %s', async (_what, before) => {
    const url = await servePages({ '/page': page(before) });
    const tab = await (await newContext()).newTab(`${url}page`);
    expect(await tab.evaluate(() => typeof window.NikDevIoT.Api)).toBe('function');
  });
});
