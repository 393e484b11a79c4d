import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { expectBadLuck, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { uploadedEntries } from '../support/builders/uploads.js';
import { range } from '../support/fakes/picky-server.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';
import { describeBehindNginx, startNginx } from '../support/servers/nginx.js';

type Answer = (response: ServerResponse) => void;

/** A server behind nginx that keeps the numbers of each request, and the `Api` of a device in front of both. */
async function setUp(answer: Answer = (response) => json(response, 200, { data: {} })) {
  const numbers: number[][] = [];
  const state = { answer };
  const upstream = await loopbackServer(({ body }, response) => {
    numbers.push(uploadedEntries(body).map(({ values }) => Number(values[0]?.[1])));
    state.answer(response);
  });
  const baseUrl = await startNginx(Number(new URL(upstream.baseUrl).port));
  return { api: openApi({ baseUrl }), numbers, state };
}

const PAGES: Readonly<Record<string, readonly [status: number, answer: Answer, advice: RegExp]>> = {
  'is asked too often': [429, (response) => response.writeHead(429).end(), /fewer requests/],
  'closes the connection': [502, (response) => response.destroy(), /server behind the proxy at baseUrl is down/],
  restarts: [503, (response) => response.writeHead(503).end(), /server behind the proxy at baseUrl is down/],
  'does not answer': [504, () => {}, /server behind the proxy at baseUrl is down/],
};

const STORED: Readonly<Record<string, Answer>> = {
  'a 204': (response) => response.writeHead(204, { 'content-type': 'text/html' }).end(),
  'a 200 with an empty body': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(),
  'a 201 with JSON': (response) =>
    response.writeHead(201, { 'content-type': 'text/html; charset=UTF-8' }).end('{"data":{}}'),
};

describeBehindNginx('behind nginx', () => {
  test('F41 300 entries arrive in one push though it takes bodies of 4 KiB only', async () => {
    const { api, numbers } = await setUp();
    commitEach(api, ...range(1, 300));
    const { pushed, requests } = await api.push();
    console.log(`300 entries behind client_max_body_size 4k: ${requests} requests, of which ${numbers.length} passed`);
    expect(pushed).toBe(300);
    expect(numbers.flat()).toEqual(range(1, 300));
    expect(requests).toBeLessThanOrEqual(20);
    // The size is learned.
    commitEach(api, ...range(301, 330));
    expect(await api.push()).toEqual({ pushed: 30, requests: 1, expired: 0 });
  });

  test.each(Object.entries(PAGES))(
    'F41 a page for a server that %s is reported as what it is, and nothing is lost',
    async (_name, [status, answer, advice]) => {
      const { api, numbers, state } = await setUp(answer);
      const entries = commitEach(api, 1);
      const exception = await pushFailure(api.push());
      expectBadLuck(exception);
      expect(exception.message).toBe(`Bad luck: the server answered ${status}.`);
      expect(exception.advice).toMatch(advice);
      expect(exception.advice).not.toMatch(/portal|sign/i);
      expect(exception.status).toBe(status);
      expect(api.log()).toEqual(entries);
      state.answer = (response) => json(response, 200, { data: {} });
      expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
      expect(numbers).toEqual([[1], [1]]);
    },
  );

  test.each(Object.entries(STORED))(
    'F41 %s under text/html is stored once, and not sent again',
    async (_name, answer) => {
      const { api, numbers } = await setUp(answer);
      commitEach(api, 1, 2, 3);
      expect(await api.push()).toEqual({ pushed: 3, requests: 1, expired: 0 });
      expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
      expect(numbers).toEqual([[1, 2, 3]]);
    },
  );
});
