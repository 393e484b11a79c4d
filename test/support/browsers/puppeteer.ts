import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type BrowserContext, type Page, type LaunchOptions as PuppeteerOptions } from 'puppeteer-core';
import { LAN_HOST } from '../servers/lan.js';
import { FLAGS, findChromium } from './chromium.js';
import type { Context, KnownBrowser, RunningBrowser, Tab } from './every-browser.js';
import { findProgram } from './find-program.js';

const chromium = findChromium();
const firefox = findProgram(process.env['FIREFOX_PATH'], 'firefox-esr', 'firefox');

/** By puppeteer and not by playwright, for which every tab is always seen. */
export const CHROMIUM: KnownBrowser = {
  name: 'Chromium',
  path: chromium,
  howToGetIt: 'install one (apt-get install chromium), or set CHROME_PATH to one that you have',
  cannot: {},
  async launch({ blocksSiteData = false }) {
    const userDataDir = mkdtempSync(join(tmpdir(), 'chromium-'));
    mkdirSync(join(userDataDir, 'Default'));
    const settings = { profile: { default_content_setting_values: { cookies: 2 } } };
    if (blocksSiteData) writeFileSync(join(userDataDir, 'Default', 'Preferences'), JSON.stringify(settings));
    const browser = await launch(
      {
        executablePath: chromium ?? '',
        args: FLAGS,
        userDataDir,
        ignoreDefaultArgs: ['--disable-back-forward-cache'],
      },
      // A new context would not have the settings of the profile.
      blocksSiteData,
    );
    return {
      newContext: browser.newContext,
      async close() {
        await browser.close();
        rmSync(userDataDir, { recursive: true, force: true });
      },
    };
  },
};

/** By WebDriver BiDi. */
export const FIREFOX: KnownBrowser = {
  name: 'Firefox',
  path: firefox,
  howToGetIt: 'install one (apt-get install firefox-esr), or set FIREFOX_PATH to one that you have',
  cannot: {},
  launch: ({ blocksSiteData = false }) =>
    launch({
      browser: 'firefox',
      executablePath: firefox ?? '',
      extraPrefsFirefox: { ...FIREFOX_IS_QUIET, ...(blocksSiteData && { 'network.cookie.cookieBehavior': 2 }) },
    }),
};

export const FIREFOX_IS_QUIET = {
  'network.dns.localDomains': LAN_HOST,
  'app.update.enabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** @param isOneContext - Whether all tabs are of the browser's own. */
async function launch(options: PuppeteerOptions, isOneContext = false): Promise<RunningBrowser> {
  const browser = await puppeteer.launch({ headless: true, ...options });
  return {
    async newContext() {
      const context = isOneContext ? browser.defaultBrowserContext() : await browser.createBrowserContext();
      return contextOf(context, async () => {
        if (!isOneContext) await context.close();
      });
    },
    close: () => browser.close(),
  };
}

function contextOf(context: BrowserContext, close: () => Promise<void>): Context {
  return {
    async newTab(url) {
      const page = await context.newPage();
      await page.goto(url);
      return tabOf(page);
    },
    close,
  };
}

function tabOf(page: Page): Tab {
  let cover: Page | undefined;
  return {
    async evaluate(run: (argument: never) => unknown, argument?: unknown) {
      // As JSON, because BiDi limits the depth of a result.
      const expression = `Promise.resolve(${JSON.stringify(argument)}).then(${run}).then((value) => JSON.stringify({ value }))`;
      return JSON.parse((await page.evaluate(expression)) as string).value;
    },
    async goto(url) {
      await page.goto(url);
    },
    async reload() {
      await page.reload();
    },
    async setHidden(isHidden) {
      if (!isHidden) return page.bringToFront();
      cover ??= await page.browserContext().newPage();
      await cover.bringToFront();
    },
    setOffline: (isOffline) => page.setOfflineMode(isOffline),
    async close() {
      const closed = new Promise<void>((resolve) => page.once('close', () => resolve()));
      await page.close({ runBeforeUnload: true });
      await closed;
    },
  };
}
