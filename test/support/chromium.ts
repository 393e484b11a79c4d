import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
} from 'playwright-core';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';

const HOW_TO_GET_ONE =
  'No Chromium was found: install one (apt-get install chromium), or set CHROME_PATH to one that you have.';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // By name it is no loopback for the browser: on plain http a page from there has no secure context.
  '--host-resolver-rules=MAP lan-device.example 127.0.0.1',
];

/** The same server as at `url`, on this machine, by a name that makes it an insecure context on plain http. */
export function asOnLan(url: string): string {
  return url.replace('127.0.0.1', 'lan-device.example');
}

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

function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return [
    process.env['CHROME_PATH'],
    '/usr/bin/chromium',
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
  ].find((path) => path && isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
