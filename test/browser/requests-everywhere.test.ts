import { expect, test } from 'vitest';
import { describeInEveryBrowser } from '../support/browsers/every-browser.js';
import { openApiTab, servePages } from '../support/browsers/pages.js';
import { credentials } from '../support/builders/credentials.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

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

  test('F57 to a port that browsers block says so', async () => {
    const baseUrl = 'http://127.0.0.1:6000/';
    const tab = await openApiTab(await newContext(), await servePages(), { ...credentials, baseUrl });
    const { reachable, advice } = await tab.evaluate(() => window.api.testConnection());
    expect({ reachable, advice }).toEqual({ reachable: false, advice: expect.stringMatching(/port .* is blocked/) });
  });
});
