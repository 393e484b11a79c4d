import type { BrowserContext, Page } from 'playwright-core';
import type { FetchInit } from '../../../src/index.js';
import type { PageOptions } from '../builders/credentials.js';
import { type DeliveryLog, SENDER } from '../servers/delivery-log.js';

/** A tab that commits and pushes in the background until it ends or `stopCommitting()` is called. */
export interface Tab {
  readonly name: string;
  readonly page: Page;
  /** Ends committing; queued entries are still pushed. */
  stopCommitting(): Promise<void>;
  /** Resolves once it has looked for orphans `times` times from now. */
  looks(times: number): Promise<void>;
}

declare global {
  interface Window {
    /** Whether {@link startTab}'s tab has committed enough. */
    isEnough: boolean;
    /** The number of looks for orphans. */
    looks: number;
  }
}

let tabs = 0;

/** Opens a tab that commits steadily, reports each acknowledged commit to the server, and pushes. */
export async function startTab(context: BrowserContext, url: string, options: PageOptions): Promise<Tab> {
  const name = `tab${++tabs}`;
  const page = await context.newPage();
  await page.goto(url);
  await page.evaluate(commitAndPushForEver, {
    name,
    options,
    sender: SENDER,
    reportAt: new URL('/committed', options.baseUrl).href,
  });
  return {
    name,
    page,
    stopCommitting: () =>
      page.evaluate(() => {
        window.isEnough = true;
      }),
    async looks(times) {
      const enough = (await page.evaluate(() => window.looks)) + times;
      await page.waitForFunction((wanted) => window.looks >= wanted, enough, { timeout: 15_000 });
    },
  };
}

/** Runs in the page. */
function commitAndPushForEver(given: {
  readonly name: string;
  readonly options: PageOptions;
  readonly sender: string;
  readonly reportAt: string;
}): void {
  const { name, options, sender, reportAt } = given;
  const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    setTimer(run: () => void, milliseconds: number) {
      // Only the 30 s between two looks are shortened: the settle time of a lock must not change.
      const timer = setTimeout(run, milliseconds === 30_000 ? 300 : milliseconds);
      return () => clearTimeout(timer);
    },
  };
  const query = navigator.locks.query.bind(navigator.locks);
  window.looks = 0;
  navigator.locks.query = () => {
    window.looks += 1;
    return query();
  };
  const fetchAsSender = (url: string, init: FetchInit): Promise<Response> =>
    fetch(url, { ...init, headers: { ...init.headers, [sender]: name } });
  const api = new window.NikDevIoT.Api({ ...options, fetch: fetchAsSender }, { clock });
  window.api = api;
  window.isEnough = false;

  let count = 0;
  const commit = (): void => {
    const id = `${name}-${count++}`;
    api.addValue('reading', id);
    api.commit();
    // Synchronous, so that no crash comes between a commit and its report, except by cutting the report off.
    const report = new XMLHttpRequest();
    report.open('POST', reportAt, false);
    report.send(id);
  };
  const commitForEver = async (): Promise<void> => {
    while (!window.isEnough) {
      if (api.status().committed < 60) commit();
      await wait(5);
    }
  };
  const pushForEver = async (): Promise<void> => {
    for (;;) {
      await api.push();
      await wait(5);
    }
  };
  void commitForEver();
  void pushForEver();
}

/**
 * Ends a tab in the middle of a push.
 *
 * @param before - How far the push has come. Where it is not stored yet, it never is.
 */
export async function endWithinPush(
  deliveries: DeliveryLog,
  { name, page }: Tab,
  end: (page: Page) => Promise<void>,
  before: 'storing' | 'answering',
): Promise<void> {
  const { reached, release, drop } = deliveries.hold(name, before);
  await reached;
  deliveries.willKill(name);
  await end(page);
  if (before === 'storing') drop();
  else release();
}
