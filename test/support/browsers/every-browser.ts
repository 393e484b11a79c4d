import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { LENGTH } from '../../length.js';
import { CHROMIUM, FIREFOX } from './puppeteer.js';
import { WEBKIT } from './webkit.js';

/** Runs functions in a page. A function sees only its argument; argument and result travel as JSON. */
export interface Evaluates {
  evaluate<Result>(run: () => Result | Promise<Result>): Promise<Result>;
  evaluate<Argument, Result>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
}

/** A page in a browser, shown to a user that does not look away. */
export interface Tab extends Evaluates {
  /** Resolves when it is loaded. */
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  /** Hides or shows the tab as its user would, with the events of that. */
  setHidden(isHidden: boolean): Promise<void>;
  /** Takes the network away from it, or gives it back. */
  setOffline(isOffline: boolean): Promise<void>;
  /** Closes the tab as its user would, with the events of that. */
  close(): Promise<void>;
}

/** Tabs that share one storage. */
export interface Context {
  /** Functions run in one tab at a time: none may wait for another tab of its context. */
  newTab(url: string): Promise<Tab>;
  close(): Promise<void>;
}

/** A browser that runs. */
export interface RunningBrowser {
  newContext(): Promise<Context>;
  close(): Promise<void>;
}

export interface LaunchOptions {
  /** Its user allows no site to store data. */
  readonly blocksSiteData?: boolean;
}

/** A browser that can be driven, if it is installed. */
export interface KnownBrowser {
  readonly name: string;
  /** The path of the browser; `undefined` if it is not installed. */
  readonly path: string | undefined;
  readonly howToGetIt: string;
  /** Unsupported actions, each with the reason. */
  readonly cannot: { readonly noticeThatItIsOffline?: string; readonly keepPrivateFiles?: string };
  launch(options: LaunchOptions): Promise<RunningBrowser>;
}

/** For `expect.poll`: as long as a browser on a busy machine may take, and a page that looks for orphans again after 30 s. */
export const SOON = { timeout: 35_000 } as const;

/** Those that tests run in, at the length of this run. */
export const TESTED_BROWSERS: readonly KnownBrowser[] = LENGTH.everyBrowser ? [CHROMIUM, FIREFOX, WEBKIT] : [CHROMIUM];

/** A browser as its tests see it: started once for all of them. */
export interface BrowserUnderTest extends Pick<KnownBrowser, 'name' | 'cannot'> {
  /** Makes a context that ends with the test. */
  newContext(): Promise<Context>;
}

/**
 * Describes tests once for each browser of this run. Where one is missing its tests are skipped; where `CI` is set they fail, and say
 * how to get it.
 */
export function describeInEveryBrowser(
  name: string,
  define: (browser: BrowserUnderTest) => void,
  options: LaunchOptions = {},
): void {
  for (const browser of TESTED_BROWSERS) {
    const isSkipped = browser.path === undefined && !process.env['CI'];
    describe.skipIf(isSkipped)(`${name}, in ${browser.name}`, { timeout: 60_000 }, () => {
      let running: RunningBrowser | undefined;
      beforeAll(async () => {
        if (browser.path === undefined) throw new Error(howToGet(browser));
        running = await browser.launch(options);
      }, 60_000);
      afterAll(() => running?.close());
      define({
        name: browser.name,
        cannot: browser.cannot,
        async newContext() {
          if (running === undefined) throw new Error('The browser did not start.');
          const context = await running.newContext();
          onTestFinished(() => context.close());
          return context;
        },
      });
    });
  }
}

/** The message where a browser is not installed. */
export function howToGet({ name, howToGetIt }: KnownBrowser): string {
  return `${name} was not found, and is not tested: ${howToGetIt}.`;
}
