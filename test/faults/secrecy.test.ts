import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Ports } from '../../src/client.js';
import { type Api, type ApiOptions, isApiException, StorageException, webStorage } from '../../src/index.js';
import { rejectionOf } from '../support/assertions/rejections.js';
import { captureOutput, SENTINEL_KEY as KEY, leaksIn, renderings } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../support/fakes/fake-web.js';
import { reply, replyJson, StubFetch } from '../support/fakes/stub-fetch.js';
import { loopbackServer } from '../support/servers/loopback-server.js';
import { closedPort, rawServer } from '../support/servers/raw-server.js';

const written = captureOutput();

/** An `Api` with the sentinel key, and all that can be seen of it. */
function openWatched(options: Partial<ApiOptions> = {}, ports: Partial<Ports> = {}) {
  const localStorage = new FakeWebStorage();
  const storage = webStorage(localStorage, {}, { locks: new FakeLocks().tab() });
  const api = openApi({ storage, ...options, apiKey: KEY }, ports);
  const events: unknown[] = [];
  for (const name of ['commit', 'push', 'discard', 'warning'] as const) api.on(name, (event) => events.push(event));
  api.addValue('committed', 1);
  api.commit();
  const stored: string[] = [];
  return {
    api,
    /** Everything that can be seen now, but the exceptions. */
    seen(): string {
      stored.push(...[...localStorage.items].flat());
      return [
        renderings(api),
        renderings(api.status()),
        renderings(api.log()),
        renderings(events),
        ...stored,
        ...written,
      ].join('\n');
    },
  };
}

/** Checks that a call fails with one of our exceptions, and that the key can be seen nowhere. */
async function expectSecret(watched: ReturnType<typeof openWatched>, call: Promise<unknown>): Promise<void> {
  const rejection = rejectionOf(call);
  await turn();
  const during = watched.seen();
  const exception = await rejection;
  await turn();
  expect(exception).toSatisfy(isApiException);
  expect(leaksIn([renderings(exception), during, watched.seen()].join('\n'))).toEqual([]);
}

describe('the search for the key', () => {
  test.each([
    ['in a message', new Error(`no ${KEY} here`)],
    ['in a cause', new Error('no', { cause: new Error(KEY) })],
    ['in capitals', new Error(KEY.toUpperCase())],
    ['in part', new Error(KEY.slice(0, 14))],
    ['in a hidden property', Object.defineProperty(new Error('no'), 'hidden', { value: KEY })],
    ['deep inside', { a: [{ b: new Map([['c', { d: KEY }]]) }] }],
    [
      'behind a getter',
      {
        get key() {
          return KEY;
        },
      },
    ],
    ['in a name', Object.assign(new Error('no'), { name: KEY })],
    ['in what JSON shows', { toJSON: () => KEY }],
  ])('F34 finds it %s', (_name, subject) => {
    expect(leaksIn(renderings(subject))).not.toEqual([]);
  });

  test('F34 finds nothing where there is nothing', () => {
    expect(leaksIn(renderings(new Error('no', { cause: { key: '11111111-1111-4111-8111-111111111111' } })))).toEqual(
      [],
    );
  });
});

describe('no connection', () => {
  test('F34 the key is in nothing that a refused connection leaves behind', async () => {
    const watched = openWatched({ baseUrl: `http://127.0.0.1:${await closedPort()}/` });
    await expectSecret(watched, watched.api.push());
  });

  test('F34 the key is in nothing that a host name without address leaves behind', async () => {
    const watched = openWatched({ baseUrl: 'http://nikdev.invalid/' });
    await expectSecret(watched, watched.api.push());
    await expectSecret(watched, watched.api.get('a'));
  });

  test('F34 the key is in nothing that a TLS error leaves behind', async () => {
    const server = await loopbackServer((_request, response) => response.end());
    const watched = openWatched({ baseUrl: server.baseUrl.replace('http', 'https') });
    await expectSecret(watched, watched.api.push());
  });

  test.each<[string, () => unknown]>([
    ['message', () => new TypeError(`Headers.append: "${KEY}" is an invalid header value.`)],
    ['cause', () => new TypeError('fetch failed', { cause: new Error(KEY) })],
    ['code', () => Object.assign(new Error('no'), { code: KEY })],
    ['code, as letters', () => Object.assign(new Error('no'), { code: `E_${KEY}` })],
    ['name', () => Object.assign(new Error('no'), { name: KEY })],
    ['properties', () => Object.assign(new Error('no'), { request: { headers: { 'x-api-key': KEY } } })],
    ['text', () => KEY],
  ])('F34 the key is in nothing that a fetch leaves behind whose error has it in its %s', async (_name, makeError) => {
    const watched = openWatched({ fetch: () => Promise.reject(makeError()) });
    await expectSecret(watched, watched.api.push());
    await expectSecret(watched, watched.api.get('a'));
  });
});

/** Sends the request back as it came, headers and all, in some place of the answer. */
const ECHOES: Record<string, (request: string) => string> = {
  'as garbage': (request) => request,
  'as the reason of a 400': () => `HTTP/1.1 400 ${KEY}\r\ncontent-length: 0\r\n\r\n`,
  'as the body of a 400': (request) =>
    `HTTP/1.1 400 Bad Request\r\ncontent-length: ${request.length}\r\n\r\n${request}`,
  'as the body of a 500': (request) => `HTTP/1.1 500 Oh\r\ncontent-length: ${request.length}\r\n\r\n${request}`,
  'as a page': (request) => `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>${request}`,
  'in a body that is cut short': (request) => `HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n${request}`,
  'as content-type': () => `HTTP/1.1 503 No\r\ncontent-type: ${KEY}\r\ncontent-length: 0\r\n\r\n`,
  'as retry-after': () => `HTTP/1.1 503 No\r\nretry-after: ${KEY}\r\ncontent-length: 0\r\n\r\n`,
  'as location': () => `HTTP/1.1 302 Found\r\nlocation: http://${KEY}.invalid/${KEY}\r\ncontent-length: 0\r\n\r\n`,
  'as a header that is none': () => `HTTP/1.1 200 OK\r\n${KEY}\r\n\r\n`,
  'as a length that is none': () => `HTTP/1.1 200 OK\r\ncontent-length: ${KEY}\r\n\r\n`,
};

describe('servers that send the key back', () => {
  test.each(Object.entries(ECHOES))('F34 %s: it can be seen nowhere', async (_name, echo) => {
    const server = await rawServer(async (socket, request) => {
      await request;
      socket.end(echo(server.received.at(-1) ?? ''));
    });
    const watched = openWatched({ baseUrl: server.baseUrl, requestTimeout: 5 });
    await expectSecret(watched, watched.api.push());
    expect(server.received[0]).toContain(KEY);
  });

  const MESSAGES: Record<string, string> = {
    'as it is': `The key ${KEY} is unknown.`,
    'in capitals': `The key ${KEY.toUpperCase()} is unknown.`,
    twice: `${KEY}${KEY}`,
    alone: KEY,
  };
  const cases = [400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 203, 302].flatMap((status) =>
    Object.entries(MESSAGES).map(([name, message]) => [status, name, message] as const),
  );

  test.each(cases)('F34 in the message of a %i, %s: it can be seen nowhere', async (status, _name, message) => {
    const stub = new StubFetch(() => replyJson(status, { message }));
    const watched = openWatched({ fetch: stub.fetch });
    await expectSecret(watched, watched.api.push());
    await expectSecret(watched, watched.api.get('a'));
    for (const { url, body } of stub.requests) expect(leaksIn(url + body)).toEqual([]);
  });

  test('F34 in a message, after two later keys took turns: the first key can be seen nowhere', async () => {
    const stub = new StubFetch(() => replyJson(500, { message: `your key ${KEY}` }));
    const api = openApi({ fetch: stub.fetch, apiKey: KEY });
    const later = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444'] as const;
    for (let turn = 0; turn < 50; turn++) api.setApiKey(later[turn % 2 === 0 ? 0 : 1]);
    commitEach(api, 1);
    expect(leaksIn(renderings(await rejectionOf(api.push())))).toEqual([]);
  });

  test('F34 in a message, after setApiKey: the new key can be seen nowhere', async () => {
    const stub = new StubFetch(() => replyJson(400, { message: `No: ${KEY}` }));
    const api = openApi({ fetch: stub.fetch });
    api.setApiKey(KEY);
    commitEach(api, 1);
    const exception = await rejectionOf(api.push());
    expect(stub.requests[0]?.headers.get('x-api-key')).toBe(KEY);
    expect(leaksIn(renderings(exception) + renderings(api))).toEqual([]);
  });

  test.each([
    ['only the key', KEY],
    ['JSON of the key', `"${KEY}"`],
    ['data', `{"data":"${KEY}"}`],
    ['the key as a name beside data', `{"${KEY}":{}}`],
    ['a text that is cut off in the message', `{"data":"${'a'.repeat(40)} ${KEY}"}`],
    ['servertime', `{"data":{"servertime":"${KEY}","values":[]}}`],
    ['values', `{"data":{"servertime":0,"values":"${KEY}"}}`],
    ['one of the values', `{"data":{"servertime":0,"values":["${KEY}"]}}`],
    ['a field', `{"data":{"servertime":0,"values":[{"${KEY}":5}]}}`],
    ['a reading', `{"data":{"servertime":0,"values":[{"a":"${KEY}"}]}}`],
    ['a value', `{"data":{"servertime":0,"values":[{"a":{"value":["${KEY}"],"timestamp":0}}]}}`],
    ['a time', `{"data":{"servertime":0,"values":[{"a":{"value":1,"timestamp":"${KEY}"}}]}}`],
  ])('F34 in the answer to a get, in %s: it can be seen nowhere', async (_name, body) => {
    const watched = openWatched({ fetch: new StubFetch(() => reply(200, body)).fetch });
    await expectSecret(watched, watched.api.get('a'));
  });

  test('F34 in a body that is too long: it can be seen nowhere', async () => {
    const watched = openWatched({ fetch: new StubFetch(() => reply(400, KEY.repeat(40_000))).fetch });
    await expectSecret(watched, watched.api.push());
  });
});

describe('failures on this side', () => {
  const never = () => new Promise<Response>(() => {});

  test('F34 the key is in nothing that a deadline leaves behind', async () => {
    const clock = new FakeClock();
    const watched = openWatched({ fetch: never }, { clock });
    const push = watched.api.push();
    const get = watched.api.get('a');
    const both = [expectSecret(watched, push), expectSecret(watched, get)];
    await clock.advance(10_000);
    await Promise.all(both);
  });

  test('F34 the key is in nothing that an abort leaves behind, whatever its reason', async () => {
    const watched = openWatched({ fetch: never });
    for (const call of [watched.api.push.bind(watched.api), (options: object) => watched.api.get('a', options)]) {
      const abort = new AbortController();
      const aborted = expectSecret(watched, call({ signal: abort.signal }));
      abort.abort(new Error(KEY));
      await aborted;
      await expectSecret(watched, call({ signal: AbortSignal.abort(KEY) }));
    }
  });

  test('F34 the key is in nothing that close leaves behind', async () => {
    const watched = openWatched({ fetch: never });
    const push = expectSecret(watched, watched.api.push());
    await turn();
    await watched.api.close();
    await push;
    await expectSecret(watched, watched.api.push());
  });

  test('F34 the key is in nothing that a storage leaves behind which fails', async () => {
    const localStorage = new FakeWebStorage();
    const storage = webStorage(localStorage, {}, { locks: new FakeLocks().tab() });
    const watched = openWatched({ storage });
    localStorage.capacity = 0;
    watched.api.addValue('a', 1);
    const commit = async (): Promise<unknown> => watched.api.commit();
    await expectSecret(watched, commit());
    expect(await rejectionOf(commit())).toBeInstanceOf(StorageException);
  });

  test('F34 the key is in nothing that a listener leaves behind which throws it', async () => {
    const watched = openWatched({ fetch: new StubFetch(() => reply(401)).fetch });
    watched.api.on('discard', () => {
      throw new Error(KEY);
    });
    await expectSecret(watched, watched.api.push());
    expect(watched.api.status().warnings).toHaveLength(1);
  });

  test('F34 the key is in no warning about plain http', async () => {
    const clock = new FakeClock();
    const watched = openWatched({ baseUrl: 'http://server.example/', fetch: never }, { clock });
    await clock.advance(1000);
    expect(watched.api.status().warnings).toHaveLength(1);
    expect(leaksIn(watched.seen())).toEqual([]);
  });

  test('F34 the key is in nothing that is staged, committed and saved', async () => {
    const localStorage = new FakeWebStorage();
    const storage = webStorage(localStorage, {}, { locks: new FakeLocks().tab() });
    const watched = openWatched({ storage, fetch: new StubFetch().fetch });
    watched.api.addValue('staged', 1);
    await turn();
    expect(localStorage.items.size).toBeGreaterThan(2);
    expect(leaksIn(inspect(localStorage, { depth: null }) + watched.seen())).toEqual([]);
    await watched.api.push();
    await watched.api.close();
    expect(leaksIn(inspect(localStorage, { depth: null }) + watched.seen())).toEqual([]);
  });

  test.each<[string, (api: Api) => unknown]>([
    ['a value', (api) => api.addValue('a', Number.NaN)],
    ['a field id', (api) => api.addValue('', 1)],
    ['values', (api) => api.addValues([] as never)],
    ['a time', (api) => api.commit({ timestamp: -1 })],
    ['entries to restore', (api) => api.restore([{}] as never)],
    ['an event', (api) => api.on('nothing' as never, () => {})],
    ['a listener', (api) => api.on('push', undefined as never)],
    ['a key', (api) => api.setApiKey(`${KEY} `)],
    ['no key', (api) => api.setApiKey(undefined as never)],
    ['a field that cannot be read', (api) => api.get('..')],
    ['a field id that is the key', (api) => api.get(['a', KEY])],
    [
      'a field id that ends with the key, cut in the message',
      (api) => api.get(`${'x'.repeat(40)}${KEY.toUpperCase()}`),
    ],
    ['a field id to watch that is the key', (api) => api.watch(KEY)],
    ['the key as a field id of an invalid value', (api) => api.addValue(KEY, Number.NaN)],
    ['the key as one of several field ids', (api) => api.addValues({ [KEY]: {} } as never)],
    ['the key as a field id that is not well-formed', (api) => api.get(`${KEY}\ud800`)],
    ['the key as an event', (api) => api.on(KEY as never, () => {})],
    ['the key as a time', (api) => api.commit({ timestamp: KEY as never })],
    ['the key as an option', (api) => api.commit({ [KEY]: 1 } as never)],
    ['the key as a listener', (api) => api.on('push', KEY as never)],
    ['the key as a subscriber', (api) => api.subscribe(KEY as never)],
    ['the key as options to push', (api) => api.push(KEY as never)],
    ['the key as a signal to push', (api) => api.push({ signal: KEY as never })],
    ['the key as an option to push', (api) => api.push({ [KEY]: 1 } as never)],
    ['the key as options to commit and push', (api) => api.commitAndPush(KEY as never)],
    ['the key as a signal to get', (api) => api.get('a', { signal: KEY as never })],
    ['the key as a pace to watch', (api) => api.watch('a', { everySeconds: KEY as never })],
    ['the key as a time to close', (api) => api.close({ timeoutSeconds: KEY as never })],
    ['the key as ids to forget', (api) => api.dropQuarantined(KEY as never)],
    [
      'the key in an entry to restore',
      (api) => api.restore([{ id: 'a-1', timestamp: 1, values: [{ fieldId: KEY, value: null }] }] as never),
    ],
  ])('F34 the key is in no rejection of %s', async (_name, call) => {
    const watched = openWatched();
    await expectSecret(watched, (async () => call(watched.api))());
  });
});
