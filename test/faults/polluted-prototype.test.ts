import { afterEach, describe, expect, test } from 'vitest';
import { readValues } from '../../src/core/server/wire.js';
import { createEmulator, type EmulatorOptions, type Fault } from '../../src/emulator.js';
import { Api, type ApiOptions, type FetchInit, webStorage } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { credentials } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';
import { loopbackServer } from '../support/servers/loopback-server.js';

const polluted = new Set<string>();

/** As a script with a prototype pollution does. */
function pollute(name: string, value: unknown): void {
  polluted.add(name);
  Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: true });
}

afterEach(() => {
  for (const name of polluted) Reflect.deleteProperty(Object.prototype, name);
  polluted.clear();
});

/** A value that keeps whatever it is called with, or asked for. */
function spy(): { readonly seen: unknown[]; readonly value: unknown } {
  const seen: unknown[] = [];
  const value: unknown = new Proxy(() => {}, {
    apply: (_target, _self, args) => {
      seen.push(args);
      return value;
    },
    get: (_target, name) => {
      if (typeof name === 'symbol') return undefined;
      seen.push(name);
      return undefined;
    },
  });
  return { seen, value };
}

async function serve() {
  const { baseUrl, requests } = await loopbackServer((_request, response) =>
    response.end('{"data":{"servertime":1,"values":[{"a":{"value":1,"timestamp":1}}]}}'),
  );
  return { baseUrl, requests };
}

describe('a polluted Object.prototype', () => {
  const OPTIONS = ['fetch', 'storage', 'transport', 'clock', 'environment', 'hooks', 'headers', 'keepalive', 'beacon'];
  // Node's own fetch reads these of objects of its own.
  const OF_FETCH = ['dispatcher', 'signal', 'body', 'integrity', 'referrer', 'duplex'];

  test.each([...OPTIONS, 'prefixUrl', 'schema', 'id', ...OF_FETCH])(
    'F34 with "%s" is not taken for an option, and gets no key',
    async (name) => {
      const { baseUrl, requests } = await serve();
      const { seen, value } = spy();
      pollute(name, value);
      const api = new Api({ ...credentials, apiKey: SENTINEL_KEY, baseUrl, fields: { a: 'a' } });
      api.addValue('a', 1);
      api.commit();
      const failures: unknown[] = [];
      await api.push().catch((error: unknown) => failures.push(error));
      await api.get('a').catch((error: unknown) => failures.push(error));
      await api.close();
      for (const name of polluted) Reflect.deleteProperty(Object.prototype, name);
      expect(leaksIn(renderings([seen, failures]))).toEqual([]);
      if (!OF_FETCH.includes(name)) {
        expect(failures).toEqual([]);
        expect(requests).toMatchObject([
          { path: '/api/v1/entries/', headers: { 'x-api-key': SENTINEL_KEY } },
          { path: '/api/v1/values/a', body: '', headers: { 'x-api-key': SENTINEL_KEY } },
        ]);
      }
    },
  );

  test.each<[string, unknown]>([
    ['deviceId', credentials.deviceId],
    ['apiKey', credentials.apiKey],
  ])('does not stand for a %s that is missing', (name, value) => {
    pollute(name, value);
    const options = { ...credentials, [name]: undefined } as unknown as ApiOptions;
    expect(() => new Api(options)).toThrow(`${name} must be a UUID`);
  });

  test.each<[string, unknown]>([
    ['baseUrl', 'https://evil.example/'],
    ['onRefusedCredentials', 'discard'],
    ['autoPush', true],
    ['maxQueuedEntries', 1],
    ['flushOnHide', true],
    ['everySeconds', 1],
    ['atEntries', 1],
    ['push', true],
    ['timeoutSeconds', 0.001],
    ['timestamp', 5],
    ['maxLength', 1],
    ['durability', 'none'],
    ['fields', { a: 'b' }],
    ['fallback', 'https://evil.example/'],
    ['default', 'https://evil.example/'],
    ['pipe', []],
    ['made-up', 1],
  ])('with "%s" changes nothing', async (name, value) => {
    const { baseUrl, requests } = await serve();
    const folder = temporaryFolder();
    const fetch = globalThis.fetch.bind(globalThis);
    pollute(name, value);
    for (const storage of [fileStorage(folder), webStorage(new FakeWebStorage())]) {
      const api = new Api({ ...credentials, baseUrl, storage, fetch });
      api.addValue('a', 1);
      const first = api.commit({});
      api.addValue('a', 2);
      api.commit();
      expect(first?.values).toEqual([{ fieldId: 'a', value: 1 }]);
      expect(first?.timestamp).toBeGreaterThan(5);
      expect(api.status()).toMatchObject({ committed: 2, nextTry: undefined });
      const watch = api.watch('a', {});
      await watch.next();
      await api.close({});
      expect(requests.filter(({ method }) => method === 'POST')).toEqual([]);
    }
  });

  test.each(['servertime', 'timestamp'])('does not stand for a "%s" that an answer lacks', (name) => {
    const answer = { data: { servertime: 1, values: [{ a: { value: 1, timestamp: 1 } }] } };
    const lacking = JSON.stringify(answer, (key, part) => (key === name ? undefined : part));
    pollute(name, 5);
    expect(() => readValues(lacking)).toThrow(`["${name}"] it must have`);
  });

  test('does not stand for an option of an emulator, a right of a key or a part of a fault', () => {
    const key = { key: credentials.apiKey, read: true };
    const devices = [{ deviceId: credentials.deviceId, apiKeys: [key] }];
    pollute('maxBodyBytes', 'evil');
    pollute('write', true);
    pollute('hang', true);
    expect(() => createEmulator({ devices } as unknown as EmulatorOptions)).toThrow('apiKeys[0].write is missing');
    expect(() => createEmulator({ devices: [] }).script({} as Fault)).toThrow('a fault must be');
  });

  test('gives nothing to a fetch, and with "signal" aborts no call', async () => {
    const inits: FetchInit[] = [];
    const fetch = async (_url: string, init: FetchInit): Promise<Response> => {
      inits.push(init);
      return new Response('{"data":{"servertime":1,"values":[{"a":{"value":1,"timestamp":1}}]}}');
    };
    const api = new Api({ ...credentials, fetch });
    pollute('signal', AbortSignal.abort());
    for (const name of ['body', 'dispatcher', 'cache', 'mode', 'keepalive', 'referrer']) pollute(name, name);
    api.addValue('a', 1);
    const pushed = await api.commitAndPush();
    const again = await api.push({});
    const readings = await api.get('a', {});
    const seen = inits.map((init) => Reflect.get(init, 'dispatcher') ?? Reflect.get(init, 'mode') ?? init.keepalive);
    const bodies = inits.map(({ body, method }) => [method, typeof body]);
    await api.close();
    for (const name of polluted) Reflect.deleteProperty(Object.prototype, name);
    expect([pushed.pushed, again.pushed, readings.length]).toEqual([1, 0, 1]);
    expect(seen).toEqual([undefined, undefined]);
    expect(bodies).toEqual([
      ['POST', 'string'],
      ['GET', 'undefined'],
    ]);
  });
});
