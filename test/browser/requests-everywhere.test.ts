import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeInEveryBrowser } from '../support/browsers/every-browser.js';
import { openApiTab, servePages } from '../support/browsers/pages.js';
import { credentials } from '../support/builders/credentials.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const UMD = new URL('../../dist/index.umd.js', import.meta.url);

/** As a proxy or a CDN may have them: an emulator's own forbid every cache. */
const CACHEABLE = [
  ['Last-Modified', { 'Last-Modified': 'Mon, 02 Nov 2026 10:00:00 GMT' }],
  ['max-age', { 'Cache-Control': 'max-age=60' }],
] as const;

describeInEveryBrowser('a request', ({ newContext }) => {
  test.each(CACHEABLE)('F52 reads past an HTTP cache that %s lets keep the answer', async (_name, headers) => {
    let value = 0;
    const baseUrl = await serveOnLoopback((request) => {
      const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'x-device-id, x-api-key' };
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: cors });
      value += 1;
      const values = [{ t: { value, timestamp: 1 } }];
      return Response.json({ data: { servertime: 1, values } }, { headers: { ...headers, ...cors } });
    });
    const tab = await openApiTab(await newContext(), await servePages(), { ...credentials, baseUrl });
    const read = () => tab.evaluate(async () => (await window.api.get('t')).map((reading) => reading.value));
    expect([await read(), await read()]).toEqual([[1], [2]]);
  });

  test('F52 with another key never gets the readings of the first from the HTTP cache', async () => {
    const baseUrl = await serveOnLoopback((request) => {
      const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'x-device-id, x-api-key' };
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: cors });
      // Without Vary, as a proxy may leave it out.
      const headers = { ...cors, 'Cache-Control': 'public, max-age=600' };
      if (request.headers.get('x-api-key') !== credentials.apiKey)
        return Response.json({ message: 'Unknown key' }, { status: 401, headers });
      return Response.json(
        { data: { servertime: 1, values: [{ t: { value: 'secret', timestamp: 1 } }] } },
        { headers },
      );
    });
    const tab = await openApiTab(await newContext(), await servePages(), { ...credentials, baseUrl });
    const readWith = (apiKey: string) =>
      tab.evaluate(
        async (options) => {
          const api = new window.NikDevIoT.Api(options);
          const seen = await api.get('t').then(
            (readings) => readings[0]?.value,
            (exception: { status: number }) => exception.status,
          );
          await api.close();
          return seen;
        },
        { ...credentials, apiKey, baseUrl },
      );
    expect(await readWith(credentials.apiKey)).toBe('secret');
    expect(await readWith('33333333-3333-4333-8333-333333333333')).toBe(401);
  });

  test("F34 to the page's own server does not carry the page's address", async () => {
    const referrers: (string | null)[] = [];
    const url = await serveOnLoopback((request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/page')
        return new Response('<!doctype html><script src="/umd.js"></script>', {
          headers: { 'content-type': 'text/html' },
        });
      if (pathname === '/umd.js')
        return new Response(readFileSync(UMD), { headers: { 'content-type': 'text/javascript' } });
      if (!pathname.startsWith('/api/')) return new Response(null, { status: 404 });
      referrers.push(request.headers.get('referer'));
      return Response.json({ data: { servertime: 1, values: [] } });
    });
    const options = { ...credentials, baseUrl: `${url}api/` };
    const tab = await openApiTab(await newContext(), `${url}page?token=secret`, options);
    await tab.evaluate(async () => {
      await window.api.get('t');
      window.api.addValue('t', 1);
      await window.api.commitAndPush();
      window.api.addValue('t', 2);
      window.api.commit();
      dispatchEvent(new Event('pagehide'));
    });
    await expect.poll(() => referrers.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    expect(new Set(referrers)).toEqual(new Set([null]));
  });

  test('F34 takes nothing that a script put into Object.prototype', async () => {
    const requests: string[] = [];
    const baseUrl = await serveOnLoopback(async (request) => {
      const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: cors });
      requests.push(request.method + (await request.text()).slice(0, 2));
      return Response.json({ data: { servertime: 1, values: [] } }, { headers: cors });
    });
    const tab = await openApiTab(await newContext(), await servePages(), { ...credentials, baseUrl });
    const result = await tab.evaluate(
      async (options) => {
        const names = [
          'fetch',
          'storage',
          'signal',
          'body',
          'mode',
          'keepalive',
          'integrity',
          'hooks',
          'cache',
          'prefixUrl',
        ];
        const taken: string[] = [];
        for (const name of names)
          Object.defineProperty(Object.prototype, name, {
            value: () => void taken.push(name),
            configurable: true,
            writable: true,
            enumerable: true,
          });
        try {
          const api = new window.NikDevIoT.Api(options);
          const readings = await api.get('t');
          api.addValue('t', 1);
          const { pushed } = await api.commitAndPush();
          await api.close();
          return [readings.length, pushed, taken.length];
        } finally {
          for (const name of names) Reflect.deleteProperty(Object.prototype, name);
        }
      },
      { ...credentials, baseUrl },
    );
    expect(result).toEqual([0, 1, 0]);
    expect(requests).toEqual(['GET', 'POST{"']);
  });

  test('F57 to a port that browsers block says so', async () => {
    const baseUrl = 'http://127.0.0.1:6000/';
    const tab = await openApiTab(await newContext(), await servePages(), { ...credentials, baseUrl });
    const { reachable, advice } = await tab.evaluate(() => window.api.testConnection());
    expect({ reachable, advice }).toEqual({ reachable: false, advice: expect.stringMatching(/port .* is blocked/) });
  });
});
