import { readFile } from 'node:fs/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Api, Entry } from '../../../src/index.js';
import type { PageOptions } from '../builders/credentials.js';
import { serveOnLoopback } from '../servers/serve-on-loopback.js';
import type { Context, Evaluates, Tab } from './every-browser.js';

declare global {
  interface Window {
    readonly NikDevIoT: typeof import('../../../src/index.js');
    /** The one that {@link openTab} made. */
    api: Api;
  }
}

const DIST = new URL('../../../dist/', import.meta.url);
const WITH_UMD =
  '<!doctype html><title>SDK</title><link rel="icon" href="data:,"><script src="/nikdev-iot.umd.js"></script>';
const WITH_ESM = `<!doctype html><title>SDK</title><link rel="icon" href="data:,"><script type="module">
import * as NikDevIoT from '/dist/index.js'
window.NikDevIoT = NikDevIoT
</script>`;
const WITHOUT_UMD = '<!doctype html><title>Empty</title><link rel="icon" href="data:,">';

/**
 * Serves pages of one origin: `/` has the UMD by script tag, `/esm` the ESM by import, `/empty` has nothing, and whatever
 * else is asked for is for `more` to answer.
 */
export function servePages(more: Readonly<Record<string, string>> = {}): Promise<string> {
  const html = { 'content-type': 'text/html; charset=utf-8' };
  const pages: Readonly<Record<string, string>> = { '/': WITH_UMD, '/esm': WITH_ESM, '/empty': WITHOUT_UMD, ...more };
  return serveOnLoopback(async (request) => {
    const { pathname } = new URL(request.url);
    const built = pathname === '/nikdev-iot.umd.js' ? '/dist/index.umd.js' : pathname;
    if (/^\/dist\/[\w./-]+\.js$/.test(built)) {
      const script = await readFile(new URL(built.slice('/dist/'.length), DIST));
      return new Response(script, { headers: { 'content-type': 'text/javascript' } });
    }
    const page = pages[pathname];
    const headers = pathname.endsWith('.js') ? { 'content-type': 'text/javascript' } : html;
    return page === undefined ? new Response(null, { status: 404 }) : new Response(page, { headers });
  });
}

/** Opens a tab and makes an `Api` in it, as `window.api`. */
export async function openTab(context: BrowserContext, url: string, options: PageOptions): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await makeApi(page, options);
  return page;
}

/** As {@link openTab}, in any browser. */
export async function openApiTab(context: Context, url: string, options: PageOptions): Promise<Tab> {
  const tab = await context.newTab(url);
  // On a busy machine WebKit's driver takes a page for loaded whose module has not run.
  await expect.poll(() => tab.evaluate(() => 'NikDevIoT' in window), { timeout: 15_000 }).toBe(true);
  await makeApi(tab, options);
  return tab;
}

export async function makeApi(page: Evaluates, options: PageOptions): Promise<void> {
  await page.evaluate((given) => {
    window.api = new window.NikDevIoT.Api(given);
  }, options);
}

/** Texts to commit, each another. */
export const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${name} ${number}`);

/** Commits each text as an entry of its own. */
export function commitTexts(page: Evaluates, texts: readonly string[]): Promise<(Entry | undefined)[]> {
  return page.evaluate(
    (given) =>
      given.map((text) => {
        window.api.addValue('value', text);
        return window.api.commit();
      }),
    texts,
  );
}

/** The values of the queued entries, once orphans have been adopted. */
export function queuedTexts(page: Evaluates): Promise<unknown[]> {
  return page.evaluate(async () => {
    await window.api.ready;
    return window.api.log().map(({ values }) => values[0]?.value);
  });
}

/** Kills a tab's renderer: no event is fired in it, and nothing of it runs any more. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  // Never answered, as the renderer has ended.
  session.send('Page.crash').catch(() => {});
  await crashed;
}

/** Pushes. @returns The result, or the fields of the exception. */
export function tryToPush(page: Evaluates): Promise<PushOutcome> {
  return page.evaluate(async () => {
    const { api, NikDevIoT } = window;
    try {
      const result = await api.push();
      return { result, committed: api.status().committed };
    } catch (exception) {
      if (!(exception instanceof NikDevIoT.PushException)) throw exception;
      const { message, retainedData, status, retryAfter } = exception;
      return { exception: { message, retainedData, status, retryAfter }, committed: api.status().committed };
    }
  });
}

export interface PushOutcome {
  readonly result?: { readonly pushed: number; readonly requests: number };
  readonly exception?: {
    readonly message: string;
    readonly retainedData: boolean;
    readonly status: number | undefined;
    readonly retryAfter: number | undefined;
  };
  readonly committed: number;
}
