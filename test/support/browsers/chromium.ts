import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
} from 'playwright-core';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { LAN_HOST } from '../servers/lan.js';
import { findProgram } from './find-program.js';

const HOW_TO_GET_ONE =
  'No Chromium was found: install one (apt-get install chromium), or set CHROME_PATH to one that you have.';

/** The flags of every Chromium of the tests. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${LAN_HOST} 127.0.0.1`,
];

/** Makes a context, with a storage of its own, that ends with the test. */
export type NewContext = (options?: BrowserContextOptions) => Promise<BrowserContext>;

/**
 * Describes tests that need a browser, started once for all of them. Where there is none they are skipped, with a line
 * that says how to get one; where `CI` is set they fail.
 */
export function describeInChromium(
  name: string,
  define: (newContext: NewContext) => void,
  launchOptions: LaunchOptions = {},
): void {
  const executablePath = findChromium();
  if (executablePath === undefined && !process.env['CI']) {
    console.warn(`"${name}" is skipped. ${HOW_TO_GET_ONE}`);
    describe.skip(name, () => define(() => Promise.reject(new Error(HOW_TO_GET_ONE))));
    return;
  }
  describe(name, { timeout: 60_000 }, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      if (executablePath === undefined) throw new Error(HOW_TO_GET_ONE);
      browser = await chromium.launch({ executablePath, args: FLAGS, ...launchOptions });
    }, 60_000);
    afterAll(() => browser?.close());
    define(async (options) => {
      if (browser === undefined) throw new Error('The browser did not start.');
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      return context;
    });
  });
}

/** The path of a Chromium, if one is installed. */
export function findChromium(): string | undefined {
  return findProgram(process.env['CHROME_PATH'], '/usr/bin/chromium', 'chromium', 'chromium-browser', 'google-chrome');
}
