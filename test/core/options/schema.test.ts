import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { isInsecure } from '../../../src/core/model/base-url.js';
import { resolveOptions } from '../../../src/core/options/schema.js';
import { Api, ConfigException, memoryStorage } from '../../../src/index.js';
import { API_KEY, credentials, DEVICE_ID } from '../../support/builders/credentials.js';

/** The options that can be left out, each with its default. */
const DEFAULTS = {
  baseUrl: 'https://iot.nik-dev.se/api/v1/',
  requestTimeout: 10,
  storage: undefined,
  fetch: undefined,
  maxEntriesPerRequest: 1000,
  maxBytesPerRequest: 524_288,
  stageUncommittedValues: true,
  stageUnpushedEntries: true,
  onRefusedCredentials: 'discard',
};

/** The message of the rejection. */
function rejection(options: unknown): string {
  try {
    resolveOptions(options);
  } catch (exception) {
    expect(exception).toBeInstanceOf(ConfigException);
    expect((exception as ConfigException).name).toBe('ConfigException');
    return (exception as ConfigException).message;
  }
  throw new Error('the options were not refused');
}

describe('options', () => {
  test('have the defaults that the protocol and the design name', () => {
    const resolved = resolveOptions(credentials);
    expect(resolved).toMatchObject({ ...credentials });
    for (const [name, value] of Object.entries(DEFAULTS)) expect(Reflect.get(resolved, name)).toEqual(value);
  });

  test.each([
    [{ everySecond: 5 }, '"everySecond" is not an option; autoPush has everySeconds, atEntries'],
    [{ everySeconds: -1 }, 'everySeconds must be seconds, from 0 to 86400, got -1'],
    [{ atEntries: 0 }, 'atEntries must be a whole number from 1, got 0'],
    [{ [API_KEY]: 1 }, 'a string of 36 characters is not an option'],
    [5, 'autoPush must be true, false or { everySeconds'],
  ])('autoPush: %j is refused by the name of its part', (autoPush, message) => {
    expect(rejection({ ...credentials, autoPush })).toContain(message);
  });

  test.each(Object.keys(DEFAULTS))('%s: undefined is as if absent', (name) => {
    expect(resolveOptions({ ...credentials, [name]: undefined })).toEqual(resolveOptions(credentials));
  });

  test.each(['madeUp', 'baseURL', 'apikey', 'timeout'])(
    '%s: an unknown one that is undefined is as if absent',
    (name) => {
      expect(resolveOptions({ ...credentials, [name]: undefined })).toEqual(resolveOptions(credentials));
    },
  );

  const fetch = async () => new Response();
  const storage = memoryStorage();
  test.each<[string, unknown]>([
    ['deviceId', 'ABCDEF01-2345-6789-abcd-ef0123456789'],
    ['apiKey', 'ABCDEF01-2345-6789-abcd-ef0123456789'],
    ['baseUrl', 'http://localhost:8080/'],
    ['requestTimeout', 0.001],
    ['requestTimeout', 600],
    ['storage', storage],
    ['fetch', fetch],
    ['maxEntriesPerRequest', 1],
    ['maxEntriesPerRequest', Number.MAX_SAFE_INTEGER],
    ['maxBytesPerRequest', 1],
    ['stageUncommittedValues', false],
    ['stageUnpushedEntries', false],
    ['onRefusedCredentials', 'keep'],
    ['onRefusedCredentials', 'discard'],
  ])('%s: %s is taken as it is', (name, value) => {
    expect(Reflect.get(resolveOptions({ ...credentials, [name]: value }), name)).toBe(value);
  });

  test.each([
    ['https://server.example', 'https://server.example/'],
    ['https://server.example/api/v1', 'https://server.example/api/v1/'],
    ['https://server.example/api/v1/', 'https://server.example/api/v1/'],
    ['HTTPS://SERVER.example/API', 'https://server.example/API/'],
    ['https://server.example/a//', 'https://server.example/a/'],
    ['https://server.example:443/a', 'https://server.example/a/'],
  ])('baseUrl: %s becomes %s', (given, baseUrl) => {
    expect(resolveOptions({ ...credentials, baseUrl: given }).baseUrl).toBe(baseUrl);
  });

  test('baseUrl: 200,000 slashes cost no more than other characters', () => {
    const given = `https://server.example/${'/'.repeat(200_000)}a`;
    const started = performance.now();
    expect(resolveOptions({ ...credentials, baseUrl: given }).baseUrl).toBe(`${given}/`);
    // The regular expression that was here took 14 s.
    expect(performance.now() - started).toBeLessThan(2000);
  });

  const UUID = 'a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)';
  const COUNT = 'a whole number from 1';
  const SECONDS = /^requestTimeout must be .*seconds.*600, got /;

  test('a rejection is in the words of the design', () => {
    expect(rejection({ deviceId: '<Device ID>', apiKey: API_KEY })).toBe(
      'deviceId must be a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx), got "<Device ID>"',
    );
  });

  test.each<[string, unknown, string]>([
    ['deviceId', undefined, `deviceId must be ${UUID}, got undefined`],
    ['deviceId', null, `deviceId must be ${UUID}, got null`],
    ['deviceId', '', `deviceId must be ${UUID}, got ""`],
    ['deviceId', 5, `deviceId must be ${UUID}, got 5`],
    ['deviceId', [DEVICE_ID], `deviceId must be ${UUID}, got an array`],
    ['deviceId', DEVICE_ID.slice(1), `deviceId must be ${UUID}, got "xxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"`],
    ['deviceId', DEVICE_ID.replaceAll('-', ''), `deviceId must be ${UUID}, got "${'x'.repeat(32)}"`],
    ['deviceId', `${DEVICE_ID}\n`, `deviceId must be ${UUID}, got "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\\n"`],
    ['deviceId', 'a\u202e\u200b\u0085b', `deviceId must be ${UUID}, got "a\\u{202e}\\u{200b}\\u{85}b"`],
    ['apiKey', undefined, `apiKey must be ${UUID}, got undefined`],
    ['apiKey', null, `apiKey must be ${UUID}, got null`],
    ['apiKey', {}, `apiKey must be ${UUID}, got an object`],
    ['maxEntriesPerRequest', 0, `maxEntriesPerRequest must be ${COUNT}, got 0`],
    ['maxEntriesPerRequest', -1, `maxEntriesPerRequest must be ${COUNT}, got -1`],
    ['maxEntriesPerRequest', 1.5, `maxEntriesPerRequest must be ${COUNT}, got 1.5`],
    ['maxEntriesPerRequest', '10', `maxEntriesPerRequest must be ${COUNT}, got "10"`],
    ['maxEntriesPerRequest', Number.POSITIVE_INFINITY, `maxEntriesPerRequest must be ${COUNT}, got Infinity`],
    ['maxEntriesPerRequest', 10n, `maxEntriesPerRequest must be ${COUNT}, got a bigint`],
    ['maxBytesPerRequest', 0, `maxBytesPerRequest must be ${COUNT}, got 0`],
    ['maxBytesPerRequest', Number.NaN, `maxBytesPerRequest must be ${COUNT}, got NaN`],
    ['maxBytesPerRequest', null, `maxBytesPerRequest must be ${COUNT}, got null`],
    ['stageUncommittedValues', 1, 'stageUncommittedValues must be true or false, got 1'],
    ['stageUncommittedValues', 'true', 'stageUncommittedValues must be true or false, got "true"'],
    ['stageUnpushedEntries', null, 'stageUnpushedEntries must be true or false, got null'],
    ['onRefusedCredentials', 'drop', 'onRefusedCredentials must be "discard" or "keep", got "drop"'],
    ['onRefusedCredentials', true, 'onRefusedCredentials must be "discard" or "keep", got true'],
    [
      'storage',
      {},
      'storage must be a storage adapter, such as memoryStorage() or fileStorage(directory), got an object',
    ],
    [
      'storage',
      memoryStorage,
      'storage must be a storage adapter, such as memoryStorage() or fileStorage(directory), got a function',
    ],
    [
      'storage',
      'memory',
      'storage must be a storage adapter, such as memoryStorage() or fileStorage(directory), got "memory"',
    ],
    ['storage', null, 'storage must be a storage adapter, such as memoryStorage() or fileStorage(directory), got null'],
    ['fetch', {}, 'fetch must be a function like fetch, got an object'],
    ['fetch', null, 'fetch must be a function like fetch, got null'],
  ])('%s: %s is refused by name, with what came and what was wanted', (name, value, message) => {
    expect(rejection({ ...credentials, [name]: value })).toBe(message);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '10', null, 10n, true])(
    'requestTimeout: %s is refused by name, with its unit',
    (requestTimeout) => {
      expect(rejection({ ...credentials, requestTimeout })).toMatch(SECONDS);
    },
  );

  test.each([
    [{ requestTimeout: 10_000 }, 'requestTimeout must be seconds, from above 0 to 600 (10000 ms are 10 s), got 10000'],
    [{ requestTimeout: 601 }, 'requestTimeout must be seconds, from above 0 to 600 (601 ms are 0.601 s), got 601'],
    [
      { autoPush: { everySeconds: 90_000 } },
      'everySeconds must be seconds, from 0 to 86400 (90000 ms are 90 s), got 90000',
    ],
  ])('milliseconds in the place of seconds are refused with what was meant (%j)', (options, message) => {
    expect(rejection({ ...credentials, ...options })).toBe(message);
  });

  test.each([
    [new Date(0), 'a Date'],
    [Promise.resolve('x'), 'a Promise (a forgotten await?)'],
    [runInNewContext('Promise.resolve()'), 'a Promise (a forgotten await?)'],
    [new Map(), 'a Map'],
    [new Set(), 'a Set'],
    [{ [Symbol.toStringTag]: 'Secret' }, 'an object'],
  ])('%o is named by its kind, of whatever realm', (apiKey, kind) => {
    expect(rejection({ ...credentials, apiKey })).toMatch(new RegExp(`, got ${kind.replace(/[()?]/g, '\\$&')}$`));
  });

  test.each([
    ['a wrong one', 'not-a-uuid'],
    ['one too long', `${API_KEY}0`],
    ['one with a blank', ` ${API_KEY}`],
  ])('apiKey: %s is refused without being shown', (_name, apiKey) => {
    const message = rejection({ ...credentials, apiKey });
    expect(message).toBe(`apiKey must be ${UUID}, got a string of ${apiKey.length} characters`);
  });

  test('the received value is shortened where it is long', () => {
    const message = rejection({ ...credentials, onRefusedCredentials: 'x'.repeat(100_000) });
    expect(message.length).toBeLessThan(200);
    expect(message).toContain('xxx');
  });

  test.each(['apikey', 'baseURL', 'timeout', 'toString', 'constructor', 'hasOwnProperty', '__proto__', '', '0'])(
    '%j is refused by name, with the names there are',
    (name) => {
      const options = Object.defineProperty({ ...credentials }, name, { value: 1, enumerable: true });
      const message = rejection(options);
      expect(message).toContain(`${JSON.stringify(name)} is not an option`);
      for (const known of ['deviceId', 'apiKey', ...Object.keys(DEFAULTS)]) expect(message).toContain(known);
    },
  );

  test.each([undefined, null, 5, 'options', true, () => {}])('%s in place of the options is refused', (options) => {
    expect(rejection(options)).toMatch(/options must be an object, got /);
  });

  test('are refused by the constructor and by fromCredentials alike, and change nothing of what was given', () => {
    const options = Object.freeze({ ...credentials, baseUrl: 'https://server.example' });
    expect(() => new Api(options)).not.toThrow();
    expect(() => Api.fromCredentials('x', API_KEY)).toThrow(ConfigException);
    expect(() => Api.fromCredentials(DEVICE_ID, 'x')).toThrow(/^apiKey must be/);
    expect(() => Api.fromCredentials(DEVICE_ID, API_KEY, { madeUp: 1 } as object)).toThrow('"madeUp" is not an option');
    expect(() => Api.fromCredentials(DEVICE_ID, API_KEY, { requestTimeout: 0 })).toThrow(/^requestTimeout/);
  });
});

describe('isInsecure', () => {
  test.each([
    ['https://server.example/', false],
    ['http://localhost/', false],
    ['http://a.localhost/', true],
    ['http://127.0.0.1:8080/', false],
    ['http://127.255.255.254/', false],
    ['http://[::1]/', false],
    ['http://server.example/', true],
    ['http://128.0.0.1/', true],
    ['http://127.0.0.1.server.example/', true],
    ['http://localhost.server.example/', true],
    ['http://notlocalhost/', true],
    ['http://[::2]/', true],
    ['http://[::ffff:127.0.0.1]/', false],
    ['http://[::ffff:7f12:3]/', false],
    ['http://[::ffff:128.0.0.1]/', true],
    ['http://localhost./', true],
  ])('of %s is %s', (baseUrl, insecure) => {
    expect(isInsecure(baseUrl)).toBe(insecure);
  });
});
