import { howToGet, TESTED_BROWSERS } from './every-browser.js';

/** Prints, before any test, the browsers that are tested. */
export default function reportBrowsers(): void {
  const found = TESTED_BROWSERS.filter(({ path }) => path !== undefined);
  console.log(`Browsers: ${found.map(({ name, path }) => `${name} (${path})`).join(', ') || 'none'}.`);
  for (const browser of TESTED_BROWSERS) if (browser.path === undefined) console.warn(howToGet(browser));
}
