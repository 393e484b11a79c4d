import type { BrowserContext, Page } from 'playwright-core';
import type { ApiOptions, FetchInit } from '../../../src/index.js';
import { type DeliveryLog, SENDER } from '../servers/delivery-log.js';

/** A tab that commits and pushes by itself, until it ends or is told that it is enough. */
export interface Tab {
  readonly name: string;
  readonly page: Page;
  /** No more commits: what is queued is still pushed. */
  stopCommitting(): Promise<void>;
  /** Resolves once it has looked for what the dead left, `times` times from now. */
  looks(times: number): Promise<void>;
}

declare global {
  interface Window {
    /** Whether {@link startTab}'s tab has committed enough. */
    isEnough: boolean;
    /** How often the tab has asked who lives. */
    looks: number;
  }
}

let tabs = 0;

/** Opens a tab that commits steadily, says each commit that returned to the server, and pushes. */
export async function startTab(context: BrowserContext, url: string, options: ApiOptions): Promise<Tab> {
  const name = `tab${++tabs}`;
  const page = await context.newPage();
  await page.goto(url);
  await page.evaluate(commitAndPushForEver, {
    name,
    options,
    sender: SENDER,
    tellAt: new URL('/committed', options.baseUrl).href,
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
  readonly options: ApiOptions;
  readonly sender: string;
  readonly tellAt: string;
}): void {
  const { name, options, sender, tellAt } = given;
  const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    setTimer(run: () => void, milliseconds: number) {
      // Only the half minutes between two looks are short: how long a tab watches a lock must stay as it is.
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
    // Synchronous, so that no crash comes between the commit and the word of it but one that is cut off by it.
    const told = new XMLHttpRequest();
    told.open('POST', tellAt, false);
    told.send(id);
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
