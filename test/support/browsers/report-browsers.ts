import { howToGet, TESTED_BROWSERS } from './every-browser.js';

/** Says, before any test, in which browsers they run. */
export default function sayBrowsers(): void {
  const found = TESTED_BROWSERS.filter(({ path }) => path !== undefined);
  console.log(`Browsers: ${found.map(({ name, path }) => `${name} (${path})`).join(', ') || 'none'}.`);
  for (const browser of TESTED_BROWSERS) if (browser.path === undefined) console.warn(howToGet(browser));
}
