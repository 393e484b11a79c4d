import { expect, test } from 'vitest';
import { expectBadLuck, getFailure, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { loopbackServer } from '../support/servers/loopback-server.js';

const REDIRECTS = [300, 301, 302, 303, 305, 307, 308];

/** A server that sends everyone to another one, which would answer 200. */
async function makeServers(status: number) {
  const target = await loopbackServer((_request, response) => response.end('{"data":{"servertime":0,"values":[]}}'));
  const portal = await loopbackServer((_request, response) => {
    response.writeHead(status, { location: `${target.baseUrl}entries/` }).end();
  });
  return { target, portal };
}

test.each(REDIRECTS)('F7 a %i that a push is answered with is bad luck, kept, and not followed', async (status) => {
  const { target, portal } = await makeServers(status);
  const api = openApi({ baseUrl: portal.baseUrl });
  const entries = commitEach(api, 1, 2);
  const exception = await pushFailure(api.push());
  expectBadLuck(exception);
  expect(exception.message).toContain('redirect');
  expect(exception.status).toBe(status);
  expect(api.log()).toEqual(entries);
  expect(portal.requests).toHaveLength(1);
  expect(target.requests).toEqual([]);
});

test.each(REDIRECTS)('F7 a %i that a get is answered with is bad luck and not followed', async (status) => {
  const { target, portal } = await makeServers(status);
  const api = openApi({ baseUrl: portal.baseUrl });
  const exception = await getFailure(api.get('temperature'));
  expect(exception.message).toMatch(/^Bad luck: .*redirect/);
  expect(exception.status).toBe(status);
  expect(portal.requests).toHaveLength(1);
  expect(target.requests).toEqual([]);
});

test.each([
  ['to a path of the same server', '/elsewhere/'],
  ['to itself', '/api/v1/entries/'],
  ['to nowhere', undefined],
  ['to something that is no address', 'http://[not-an-address/'],
])('F7 a redirect %s is asked for nothing but the upload, and keeps it', async (_name, location) => {
  const server = await loopbackServer((request, response) => {
    const isFirst = request === server.requests[0];
    response.writeHead(isFirst ? 302 : 200, location === undefined ? {} : { location }).end();
  });
  const api = openApi({ baseUrl: server.baseUrl });
  const entries = commitEach(api, 1);
  expectBadLuck(await pushFailure(api.push()));
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /api/v1/entries/']);
  expect(api.log()).toEqual(entries);
});
