import { beforeAll, expect, test } from 'vitest';
import { describeInChromium } from '../support/browsers/chromium.js';
import { SOON } from '../support/browsers/every-browser.js';
import { startDemo } from '../support/processes/demo.js';
import type { NodeProcess } from '../support/processes/node-process.js';
import { LAN_HOST } from '../support/servers/lan.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

declare global {
  interface Window {
    DASHBOARD?: { readonly deviceId: string; readonly apiKey: string };
  }
}

const blank = (): Response => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });

describeInChromium('while the demo runs, a page of another origin', (newContext) => {
  let demo: NodeProcess;
  let url: string;
  beforeAll(async () => {
    ({ demo, url } = await startDemo());
    return () => demo.stop();
  }, 30_000);

  /** A page of another origin. @param handle - The answers of its server. */
  async function foreignPage(handle: (request: Request) => Response | Promise<Response> = blank) {
    const page = await (await newContext()).newPage();
    await page.goto(await serveOnLoopback(handle));
    return page;
  }

  const loadScript = (source: string) =>
    new Promise<{ event: string; key: string | undefined }>((resolve) => {
      const script = document.createElement('script');
      script.src = source;
      for (const event of ['load', 'error'])
        script.addEventListener(event, () => resolve({ event, key: window.DASHBOARD?.apiKey }));
      document.head.append(script);
    });

  test('cannot read its key by a script tag', async () => {
    const page = await foreignPage();
    expect(await page.evaluate(loadScript, `${url}config.js`)).toEqual({ event: 'error', key: undefined });
  });

  test('could, without the headers of the demo', async () => {
    const config = await (await fetch(`${url}config.js`)).text();
    const bare = await serveOnLoopback(() => new Response(config, { headers: { 'content-type': 'text/javascript' } }));
    const page = await foreignPage();
    expect(await page.evaluate(loadScript, bare)).toMatchObject({
      event: 'load',
      key: expect.stringMatching(/^\w{8}-/),
    });
  });

  test('cannot read its key by fetch, with CORS or without', async () => {
    const page = await foreignPage();
    const attempt = (mode: RequestMode) =>
      page.evaluate(
        ([source, how]) =>
          fetch(source, { mode: how }).then(
            (answer) => answer.text(),
            (error: Error) => error.name,
          ),
        [`${url}config.js`, mode] as const,
      );
    expect(await attempt('cors')).toBe('TypeError');
    expect(await attempt('no-cors')).toBe('TypeError');
  });

  test('cannot put it into a frame', async () => {
    const page = await foreignPage((request) =>
      request.url.endsWith('/frame')
        ? new Response(`<!doctype html><iframe src="${url}"></iframe>`, { headers: { 'content-type': 'text/html' } })
        : blank(),
    );
    const blocked = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.goto(`${page.url()}frame`);
    await blocked;
    const [, frame] = page.frames();
    await expect.poll(() => frame?.url(), SOON).toMatch(/^chrome-error:/);
  });

  test('cannot use a key at its server', async () => {
    const { apiKey, deviceId } = JSON.parse(/\{.*\}/.exec(await (await fetch(`${url}config.js`)).text())?.[0] ?? '');
    const read = ([source, device, key]: readonly [string, string, string]) =>
      fetch(source, { headers: { 'x-device-id': device, 'x-api-key': key } }).then(
        ({ status }) => status,
        (error: Error) => error.name,
      );
    const credentials = [`${url}api/v1/values/cpu`, deviceId, apiKey] as const;
    expect(await (await foreignPage()).evaluate(read, credentials)).toBe('TypeError');
    const own = await (await newContext()).newPage();
    await own.goto(url);
    expect(await own.evaluate(read, credentials)).toBe(200);
  });

  test.each(['', 'config.js', 'api/v1/values/cpu', 'nothing'])(
    'cannot reach it by a host name of its own that leads to loopback (DNS rebinding): /%s',
    async (path) => {
      const page = await (await newContext()).newPage();
      const rebound = `${url.replace('127.0.0.1', LAN_HOST)}${path}`;
      const answer = await page.goto(rebound);
      expect(answer?.status()).toBe(421);
      expect(await page.content()).not.toMatch(/DASHBOARD|\w{8}-\w{4}-\w{4}/);
      expect(await page.evaluate((again) => fetch(again).then(({ status }) => status), rebound)).toBe(421);
    },
  );

  test('gets nothing from the page: it connects to its server only', async () => {
    const reached: string[] = [];
    const other = await serveOnLoopback((request) => {
      reached.push(request.url);
      return new Response('', { headers: { 'access-control-allow-origin': '*' } });
    });
    const page = await (await newContext()).newPage();
    const answer = await page.goto(url);
    const policy = (await answer?.allHeaders())?.['content-security-policy'];
    expect(policy).toContain(`connect-src 'self' ${new URL(url).origin};`);
    const seen: string[] = [];
    await page.exposeFunction('note', (outcome: string) => seen.push(outcome));
    await page.evaluate(async (target) => {
      const { note } = window as unknown as { note(outcome: string): void };
      document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => note(violatedDirective));
      await fetch(`${target}fetch`).catch(({ name }: Error) => note(name));
      navigator.sendBeacon(`${target}beacon`, 'key');
      new Image().src = `${target}image`;
    }, other);
    await expect.poll(() => seen, SOON).toEqual(expect.arrayContaining(['TypeError', 'connect-src', 'img-src']));
    expect(reached).toEqual([]);
  });
});
