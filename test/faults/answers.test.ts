import { describe, expect, test } from 'vitest';
import { httpFetch } from '../../src/node.js';
import { expectBadLuck, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { asUploaded } from '../support/builders/uploads.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { deferred, reply, replyJson, StubFetch } from '../support/fakes/stub-fetch.js';
import { loopbackServer } from '../support/servers/loopback-server.js';
import { rawServer } from '../support/servers/raw-server.js';

const BODIES: Record<string, string> = {
  'no body': '',
  'the usual body': '{"data":{}}',
  'JSON of another shape': '[null]',
  'text that is not JSON': 'OK, stored < 1 s',
  'JSON that speaks of an error': '{"message":"<html> is not allowed"}',
};

describe('stored entries', () => {
  const cases = [200, 201, 202, 204].flatMap((status) =>
    Object.entries(BODIES)
      .filter(([, body]) => status !== 204 || body === '')
      .map(([name, body]) => [status, name, body] as const),
  );

  test.each(cases)(
    'F5 after a %i with %s exactly the entries that were sent leave the queue',
    async (status, _name, body) => {
      const asked = deferred<void>();
      const answer = deferred<Response>();
      const stub = new StubFetch(() => {
        asked.resolve();
        return answer.promise;
      });
      const api = openApi({ fetch: stub.fetch });
      const sent = commitEach(api, 1, 2, 3);
      const push = api.push();
      await asked.promise;
      const meanwhile = commitEach(api, 4, 5);
      expect(api.log()).toEqual([...sent, ...meanwhile]);
      answer.resolve(reply(status, body));
      expect(await push).toEqual({ pushed: 3, requests: 1, expired: 0 });
      expect(stub.uploads).toEqual([asUploaded(sent)]);
      expect(api.log()).toEqual(meanwhile);
      expect(api.status().committed).toBe(2);

      stub.answerWith(() => reply(status, body));
      expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
      expect(stub.uploads[1]).toEqual(asUploaded(meanwhile));
      expect(api.status()).toMatchObject({ committed: 0, bytes: 0 });
    },
  );

  test('F5 a push that fails in its second request has removed what its first one stored, and no more', async () => {
    const stub = new StubFetch((_request, index) => reply(index === 1 ? 429 : 200));
    const api = openApi({ fetch: stub.fetch, maxEntriesPerRequest: 2 });
    const entries = commitEach(api, 1, 2, 3, 4, 5);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries.slice(2));
    expect(await api.push()).toMatchObject({ pushed: 3 });
    expect(stub.uploads.slice(2).flat()).toEqual(asUploaded(entries.slice(2)));
  });

  test('F5 nothing to upload is no request', async () => {
    const stub = new StubFetch();
    const api = openApi({ fetch: stub.fetch });
    expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
    expect(stub.requests).toEqual([]);
  });
});

const PAGE = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>';

/** How pages look: [what, body, content-type]. */
const PAGES: readonly (readonly [string, string, string | undefined])[] = [
  ['without a type', PAGE, undefined],
  ['called JSON', PAGE, 'application/json'],
  ['called text', PAGE.toLowerCase(), 'text/plain'],
  ['with an old doctype', '<!doctype HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">\n<html></html>', undefined],
  ['after blank lines', `\r\n\t \n${PAGE}`, undefined],
  ['after a byte order mark', `\uFEFF${PAGE}`, undefined],
  ['after a comment', `<!-- captive > portal -->\n${PAGE}`, undefined],
  ['after a long comment', `<!-- ${'licence '.repeat(400)} -->\n${PAGE}`, undefined],
  ['after many blanks', ' '.repeat(3000) + PAGE, undefined],
  ['after an XML declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${PAGE}`, undefined],
  ['without a doctype', '<HTML><BODY>Sign in</BODY></HTML>', undefined],
  ['a head', '<head><meta http-equiv="refresh" content="0;url=http://portal/"></head>', undefined],
  ['a script', '<script>top.location="http://portal/"</script>', undefined],
  ['a heading', '<h1>403 Forbidden</h1>', undefined],
];

const UTF_16 = {
  'little-endian': Buffer.from(`\uFEFF${PAGE}`, 'utf16le'),
  'big-endian': Buffer.from(`\uFEFF${PAGE}`, 'utf16le').swap16(),
  'little-endian without a byte order mark': Buffer.from(`\r\n${PAGE}`, 'utf16le'),
  'big-endian without a byte order mark': Buffer.from(`\r\n${PAGE}`, 'utf16le').swap16(),
};

describe('pages of captive portals and proxies', () => {
  test.each(
    Object.entries(UTF_16).flatMap(([name, page]) =>
      [undefined, 'text/html; charset=utf-16'].flatMap((type) =>
        Object.entries({ fetch: undefined, httpFetch: httpFetch() }).map(
          ([caller, fetch]) => [name, type, caller, page, fetch] as const,
        ),
      ),
    ),
  )('F6 in UTF-16, %s, of the type %s, are no success over %s', async (_name, type, _caller, page, fetch) => {
    const { baseUrl } = await loopbackServer((_request, response) =>
      response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(page),
    );
    const api = openApi({ baseUrl, fetch });
    const entries = commitEach(api, 1);
    const exception = await pushFailure(api.push());
    expectBadLuck(exception);
    expect(exception.message).toContain('an HTML page came back (status 200)');
    expect(api.log()).toEqual(entries);
  });

  test.each(
    PAGES.flatMap(([name, body, type]) => [200, 401, 403, 400].map((status) => [status, name, body, type] as const)),
  )('F6 a %i with HTML, %s, is bad luck, says so, and discards nothing', async (status, _name, body, type) => {
    const stub = new StubFetch(() => reply(status, body, type === undefined ? {} : { 'content-type': type }));
    const api = openApi({ fetch: stub.fetch });
    const discards: unknown[] = [];
    api.on('discard', (event) => discards.push(event));
    const entries = commitEach(api, 1, 2);
    const exception = await pushFailure(api.push());
    expectBadLuck(exception);
    expect(exception.message).toContain('HTML');
    expect(exception.status).toBe(status);
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);

    // A rejection may be about the content: halves follow, in this push and the next.
    const requests = status === 200 ? 1 : 2;
    expect(stub.requests).toHaveLength(requests);
    stub.answerWith(() => replyJson(200, { data: {} }));
    expect(await api.push()).toEqual({ pushed: 2, requests, expired: 0 });
    expect(stub.uploads.slice(requests).flat()).toEqual(asUploaded(entries));
  });
});

describe('statuses that are no answer', () => {
  test.each([203, 205, 206, 207, 226, 299, 304, 600, 999])(
    'F8 a %i is bad luck and keeps everything',
    async (status) => {
      const stub = new StubFetch(() => reply(status, '{"data":{}}', { 'content-type': 'application/json' }));
      const api = openApi({ fetch: stub.fetch });
      const entries = commitEach(api, 1, 2);
      const exception = await pushFailure(api.push());
      expectBadLuck(exception);
      expect(exception.status).toBe(status);
      expect(api.log()).toEqual(entries);
    },
  );

  test.each([203, 206, 304, 999])('F8 a real %i off the wire is bad luck and keeps everything', async (status) => {
    const server = await loopbackServer((_request, response) => response.writeHead(status).end());
    const api = openApi({ baseUrl: server.baseUrl });
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
    expect(server.requests).toHaveLength(1);
  });

  test('F8 a 101 to a request that asked for no upgrade is bad luck and keeps everything', async () => {
    const server = await rawServer(async (socket, request) => {
      await request;
      socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n');
    });
    const api = openApi({ baseUrl: server.baseUrl, requestTimeout: 5 });
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
  });
});

describe('rejections', () => {
  test.each([404, 405, 409, 410, 402, 406, 418, 431, 451, 499])(
    'F12 a %i is a bad request and keeps everything',
    async (status) => {
      const stub = new StubFetch(() => replyJson(status, { message: 'No such thing.' }));
      const api = openApi({ fetch: stub.fetch });
      const discards: unknown[] = [];
      api.on('discard', (event) => discards.push(event));
      const entries = commitEach(api, 1, 2);
      const exception = await pushFailure(api.push());
      expect(exception.message).toBe('Bad request: No such thing.');
      expect(exception).toMatchObject({ status, retainedData: true, discarded: [], quarantined: [] });
      expect(api.log()).toEqual(entries);
      expect(discards).toEqual([]);

      // The content may be the reason: halves follow, in this push and the next.
      expect(stub.uploads).toEqual([asUploaded(entries), asUploaded(entries.slice(0, 1))]);
      stub.answerWith(() => reply(200));
      expect(await api.push()).toEqual({ pushed: 2, requests: 2, expired: 0 });
      expect(stub.uploads.slice(2).flat()).toEqual(asUploaded(entries));
    },
  );

  test.each(['', 'Not found', '{"error":"x"}', '{"message":""}', '[]', 'null', '"message"', '{"message":{"a":1}}'])(
    'F12 a 404 whose body is %j, without a message, is reported by its status',
    async (body) => {
      const api = openApi({ fetch: new StubFetch(() => reply(404, body)).fetch });
      commitEach(api, 1);
      expect((await pushFailure(api.push())).message).toBe('Bad request: 404');
    },
  );
});

describe('answers that ask to wait', () => {
  const PASSING = [408, 425, 429, 500, 501, 502, 503, 504, 507, 599];

  test.each(PASSING)('F13 a %i is bad luck and keeps everything', async (status) => {
    const stub = new StubFetch(() => replyJson(status, { message: 'Later.' }));
    const api = openApi({ fetch: stub.fetch });
    const entries = commitEach(api, 1, 2);
    const exception = await pushFailure(api.push());
    expectBadLuck(exception);
    expect(exception).toMatchObject({ status, retryAfter: undefined });
    expect(api.log()).toEqual(entries);
    // After a 5xx halves follow, in this push and the next.
    const requests = status >= 500 ? 2 : 1;
    expect(stub.requests).toHaveLength(requests);

    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests, expired: 0 });
    expect(stub.uploads.slice(requests).flat()).toEqual(asUploaded(entries));
  });

  const RETRY_AFTER: readonly (readonly [name: string, header: string, seconds: number | undefined])[] = [
    ['seconds', '120', 120],
    ['one second', '1', 1],
    ['an hour', '3600', 3600],
    ['no time at all', '0', 1],
    ['more than an hour', '3601', 3600],
    ['1e12 seconds', '1e12', 3600],
    ['a number with thirty digits', '9'.repeat(30), 3600],
    ['negative seconds', '-30', 1],
    ['blanks', '   ', undefined],
    ['garbage', 'soon', undefined],
    ['garbage that ends in a number', 'try 99', undefined],
    ['a number with a unit', '120 seconds', undefined],
    ['a date that is none', 'Sun, 99 Nov 2026 99:00:00 GMT', undefined],
  ];

  test.each(RETRY_AFTER)('F13 Retry-After of %s (%j) waits %s seconds', async (_name, header, seconds) => {
    const api = openApi({ fetch: new StubFetch(() => reply(429, '', { 'retry-after': header })).fetch });
    commitEach(api, 1);
    expect((await pushFailure(api.push())).retryAfter).toBe(seconds);
  });

  const SENT = 'Sun, 22 Nov 2026 12:00:00 GMT';

  test.each([
    ['right', Date.parse(SENT)],
    ['of 1970', 0],
    ['a day fast', Date.parse(SENT) + 86_400_000],
    ['a day slow', Date.parse(SENT) - 86_400_000],
  ])(
    'F13 a Retry-After date is read against the Date of the answer, by a local clock that is %s',
    async (_name, now) => {
      const stub = new StubFetch(() => reply(503, '', { date: SENT, 'retry-after': 'Sun, 22 Nov 2026 12:02:00 GMT' }));
      const api = openApi({ fetch: stub.fetch }, { clock: new FakeClock(now) });
      commitEach(api, 1);
      expect((await pushFailure(api.push())).retryAfter).toBe(120);
    },
  );

  test.each([
    ['in the past', 'Sun, 22 Nov 2026 11:00:00 GMT', 1],
    ['days ahead', 'Wed, 25 Nov 2026 12:00:00 GMT', 3600],
  ])('F13 a Retry-After date %s is clamped', async (_name, retryAfter, seconds) => {
    const stub = new StubFetch(() => reply(503, '', { date: SENT, 'retry-after': retryAfter }));
    const api = openApi({ fetch: stub.fetch }, { clock: new FakeClock(Date.parse(SENT)) });
    commitEach(api, 1);
    expect((await pushFailure(api.push())).retryAfter).toBe(seconds);
  });

  test.each([{}, { date: 'yesterday' }])(
    'F13 a Retry-After date beside %j as Date is read by the local clock',
    async (headers) => {
      const stub = new StubFetch(() => reply(503, '', { ...headers, 'retry-after': 'Sun, 22 Nov 2026 12:02:00 GMT' }));
      const api = openApi({ fetch: stub.fetch }, { clock: new FakeClock(Date.parse(SENT)) });
      commitEach(api, 1);
      expect((await pushFailure(api.push())).retryAfter).toBe(120);
    },
  );
});
