import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { LENGTH } from '../../length.js';
import { CHROMIUM, FIREFOX } from './puppeteer.js';
import { WEBKIT } from './webkit.js';

/** Where a function can be run in a page. It sees nothing but its argument, which travels as JSON; so does its result. */
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
  /** Puts something before it, or lets it be seen again, as its user would: it is told. */
  setHidden(isHidden: boolean): Promise<void>;
  /** Takes the network away from it, or gives it back. */
  setOffline(isOffline: boolean): Promise<void>;
  /** As its user closes it: it is told. */
  close(): Promise<void>;
}

/** Tabs that share a storage with each other, and with nobody else. */
export interface Context {
  /** One at a time is run in: no function may wait for what another tab of its context is yet to do. */
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
  /** Where it was found; `undefined` if it was not. */
  readonly path: string | undefined;
  readonly howToGetIt: string;
  /** What it can't be made to do, each with the reason. */
  readonly cannot: { readonly noticeThatItIsOffline?: string };
  launch(options: LaunchOptions): Promise<RunningBrowser>;
}

/** For `expect.poll`: it takes as long as a browser on a busy machine may. */
export const SOON = { timeout: 15_000 } as const;

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

/** What a user without it is told. */
export function howToGet({ name, howToGetIt }: KnownBrowser): string {
  return `${name} was not found, and is not tested: ${howToGetIt}.`;
}
