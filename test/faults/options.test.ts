import { describe, expect, test } from 'vitest';
import { Api, type ApiOptions, ConfigException, type Warning } from '../../src/index.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { StubFetch } from '../support/fakes/stub-fetch.js';

/** The exception with which options are refused. */
function refusalOf(construct: () => unknown): ConfigException {
  try {
    construct();
  } catch (exception) {
    expect(exception).toBeInstanceOf(ConfigException);
    return exception as ConfigException;
  }
  throw new Error('it was not refused');
}

describe('credentials', () => {
  const spoilt = (id: string): readonly (readonly [string, string])[] => [
    ['CR', `${id}\r`],
    ['LF', `${id}\n`],
    ['CR LF', `${id}\r\n`],
    ['CR LF and a header', `${id}\r\nx-more: 1`],
    ['LF before it', `\n${id}`],
    ['LF inside', `${id.slice(0, 18)}\n${id.slice(18)}`],
    ['NUL', `${id}\0`],
    ['NUL before it', `\0${id}`],
    ['NUL inside', `${id.slice(0, 18)}\0${id.slice(18)}`],
    ['a blank', `${id} `],
    ['a tab', `\t${id}`],
    ['a byte order mark', `\uFEFF${id}`],
    ['a line separator', `${id}\u2028`],
    ['non-Latin-1 text', `${id}€`],
    ['a full-width digit', id.replace(/\d/, '１')],
    ['Latin-1 text', `${id}é`],
    ['a lone surrogate', `${id}\ud800`],
    ['quotes', `"${id}"`],
    ['braces', `{${id}}`],
  ];

  test.each(spoilt(SENTINEL_KEY))(
    'F33 an apiKey with %s is refused at construction, without the key in it',
    (_name, apiKey) => {
      const exception = refusalOf(() => new Api({ deviceId: DEVICE_ID, apiKey }));
      expect(exception.message).toMatch(/^apiKey must be a UUID \(xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\), got /);
      expect(leaksIn(renderings(exception))).toEqual([]);
    },
  );

  test.each(spoilt(SENTINEL_KEY))(
    'F33 a key with %s that setApiKey gets is refused, without the key in it',
    async (_name, apiKey) => {
      const stub = new StubFetch();
      const api = openApi({ fetch: stub.fetch });
      const exception = refusalOf(() => api.setApiKey(apiKey));
      expect(exception.message).toMatch(/^apiKey must be a UUID/);
      expect(leaksIn(renderings(exception))).toEqual([]);
      commitEach(api, 1);
      await api.push();
      expect(stub.requests[0]?.headers.get('x-api-key')).toBe(credentials.apiKey);
    },
  );

  test.each(spoilt(DEVICE_ID))(
    'F33 a deviceId with %s is refused at construction, without the key',
    (_name, deviceId) => {
      const exception = refusalOf(() => new Api({ deviceId, apiKey: SENTINEL_KEY }));
      expect(exception.message).toMatch(/^deviceId must be a UUID \(xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\), got /);
      expect(leaksIn(renderings(exception))).toEqual([]);
    },
  );

  test.each(spoilt(SENTINEL_KEY).filter(([name]) => !/inside|digit/.test(name)))(
    'F33 the key with %s, pasted in place of the deviceId or of both, is refused, without the key in the message',
    (_name, pasted) => {
      for (const apiKey of [SENTINEL_KEY, pasted]) {
        const exception = refusalOf(() => new Api({ deviceId: pasted, apiKey }));
        expect(leaksIn(renderings(exception))).toEqual([]);
      }
    },
  );

  test.each<[string, object]>([
    ['in baseUrl', { baseUrl: `ftp://host/${SENTINEL_KEY}` }],
    ['in capitals in baseUrl', { baseUrl: `ftp://host/${SENTINEL_KEY.toUpperCase()}` }],
    ['in a baseUrl that is right but for that', { baseUrl: `https://host/${SENTINEL_KEY}/` }],
    ['in part in a baseUrl that is right but for that', { baseUrl: `https://host/${SENTINEL_KEY.slice(0, 18)}/` }],
    ['in capitals in a baseUrl that is right but for that', { baseUrl: `https://host/${SENTINEL_KEY.toUpperCase()}/` }],
    ['where a long baseUrl is cut off in the message', { baseUrl: `ftp://host/${'a'.repeat(30)}/${SENTINEL_KEY}` }],
    ['as a name in baseUrl', { baseUrl: `https://${SENTINEL_KEY}@host/` }],
    ['as a password in baseUrl', { baseUrl: `https://user:${SENTINEL_KEY}@host/` }],
    ['as a query in baseUrl', { baseUrl: `https://host/?key=${SENTINEL_KEY}` }],
    ['as the name of an option', { [SENTINEL_KEY]: true }],
    ['as another option', { onRefusedCredentials: SENTINEL_KEY }],
    ['in another option, where it is cut off in the message', { requestTimeout: `${'a'.repeat(40)} ${SENTINEL_KEY}` }],
  ])('F33 the key %s is refused, without the key in the message', (_name, options) => {
    const given = { ...credentials, apiKey: SENTINEL_KEY, ...options } as ApiOptions;
    const exception = refusalOf(() => new Api(given));
    expect(leaksIn(renderings(exception))).toEqual([]);
  });

  test('F33 a new key that baseUrl holds is refused too', () => {
    const api = openApi({ baseUrl: `https://host/${SENTINEL_KEY}/` });
    const exception = refusalOf(() => api.setApiKey(SENTINEL_KEY));
    expect(leaksIn(renderings(exception))).toEqual([]);
  });
});

const SECRET = 'hunter2hunter2';

describe('baseUrl', () => {
  test.each([
    'file:///tmp/entries/',
    'data:application/json,{}',
    'data:text/html,<h1>x</h1>',
    'ftp://server.example/',
    'ws://server.example/',
    'wss://server.example/',
    'javascript:alert(1)',
    'blob:https://server.example/1',
    'about:blank',
    'mailto:a@server.example',
    'chrome-extension://abc/',
    'server.example/api/v1/',
    '//server.example/api/v1/',
    '/api/v1/',
    'api/v1/',
    'https://',
    'https:',
    'http://[::1',
    'https://a b/',
    'https://server.example:99999/',
    '',
    ' ',
    'https://server.example/api?x=1',
    'https://server.example/api#x',
  ])('F35 %j is refused by name, with what came and what was wanted', (baseUrl) => {
    const stub = new StubFetch();
    const exception = refusalOf(() => new Api({ ...credentials, baseUrl, fetch: stub.fetch }));
    expect(exception.message).toMatch(/^baseUrl must be an http or https URL/);
    expect(exception.message).toContain(`got ${JSON.stringify(baseUrl)}`);
    expect(stub.requests).toEqual([]);
  });

  test.each([null, 5, true, {}, [], new URL('https://server.example/')])(
    'F35 %j is refused, as it is no text',
    (baseUrl) => {
      const exception = refusalOf(() => new Api({ ...credentials, baseUrl: baseUrl as unknown as string }));
      expect(exception.message).toMatch(/^baseUrl must be an http or https URL/);
    },
  );

  test.each([
    `https://user:${SECRET}@server.example/`,
    `https://${SECRET}@server.example/`,
    `https://:${SECRET}@server.example/`,
    `http://user:${SECRET}@localhost/`,
    `HTTPS://user:${SECRET}@server.example/`,
    `https:user:${SECRET}@server.example/`,
    `https:/user:${SECRET}@server.example/`,
    `https:\\\\user:${SECRET}@server.example/`,
    `https://user:"${SECRET}@server.example/`,
    `https://user:a@${SECRET}@server.example/`,
    `https://user:a/${SECRET}@server.example/`,
    ` https://user:${SECRET}@server.example/`,
    `ftp://user:${SECRET}@server.example/`,
    `https://user:${SECRET.repeat(5)}@server.example/`,
  ])('F35 user info (%j) is refused, and the password is not in the message', (baseUrl) => {
    const exception = refusalOf(() => new Api({ ...credentials, baseUrl }));
    expect(exception.message).toMatch(/^baseUrl must be /);
    expect(leaksIn(renderings(exception), SECRET)).toEqual([]);
  });

  /** The warnings of an `Api`, by event and by status, and where it pushes to. */
  async function tryBaseUrl(baseUrl: string) {
    const clock = new FakeClock();
    const stub = new StubFetch();
    const api = openApi({ baseUrl, fetch: stub.fetch }, { clock });
    const events: Warning[] = [];
    api.on('warning', (warning) => events.push(warning));
    await clock.advance(60_000);
    commitEach(api, 1);
    await api.push();
    return { events, warnings: api.status().warnings, url: stub.requests[0]?.url };
  }

  test.each([
    ['http://server.example/api/v1/', 'http://server.example/api/v1/entries/'],
    ['http://192.168.1.5/', 'http://192.168.1.5/entries/'],
    ['http://0.0.0.0:8080', 'http://0.0.0.0:8080/entries/'],
    ['http://[fe80::1]/', 'http://[fe80::1]/entries/'],
    ['http://127.0.0.1.server.example/', 'http://127.0.0.1.server.example/entries/'],
    ['http://localhost.server.example/', 'http://localhost.server.example/entries/'],
    ['http://mylocalhost/', 'http://mylocalhost/entries/'],
    ['http://device.localhost/', 'http://device.localhost/entries/'],
  ])('F35 %s is allowed, with one warning', async (baseUrl, url) => {
    const seen = await tryBaseUrl(baseUrl);
    expect(seen.url).toBe(url);
    expect(seen.events).toMatchObject([{ code: 'insecure-url' }]);
    expect(seen.warnings).toEqual(seen.events);
    expect(seen.events[0]?.message).toMatch(/http/);
  });

  test.each([
    ['http://localhost:8080/api/v1', 'http://localhost:8080/api/v1/entries/'],
    ['http://LOCALHOST/', 'http://localhost/entries/'],
    ['http://127.0.0.1/', 'http://127.0.0.1/entries/'],
    ['http://127.1.2.3/', 'http://127.1.2.3/entries/'],
    ['http://[::1]:80/', 'http://[::1]/entries/'],
    ['https://server.example/api/v1', 'https://server.example/api/v1/entries/'],
    ['https://server.example/api/v1/', 'https://server.example/api/v1/entries/'],
    ['https://server.example', 'https://server.example/entries/'],
    ['HTTPS://Server.Example/Api/', 'https://server.example/Api/entries/'],
  ])('F35 %s is allowed, without a warning', async (baseUrl, url) => {
    expect(await tryBaseUrl(baseUrl)).toEqual({ url, events: [], warnings: [] });
  });

  test.each(['https://server.example/api/v1/?', 'https://server.example/api/v1/#', 'https://server.example/api/v1?#'])(
    'F35 %s, with an empty query or fragment, is refused or pushes to the right place',
    async (baseUrl) => {
      const stub = new StubFetch();
      let api: Api;
      try {
        api = openApi({ baseUrl, fetch: stub.fetch });
      } catch (exception) {
        expect(exception).toBeInstanceOf(ConfigException);
        return;
      }
      commitEach(api, 1);
      await api.push();
      expect(stub.requests[0]?.url).toBe('https://server.example/api/v1/entries/');
    },
  );
});
