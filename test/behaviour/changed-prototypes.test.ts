import { afterEach, describe, expect, test } from 'vitest';
import { Api, memoryStorage, ValueException, webStorage } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';
import { reply, StubFetch } from '../support/fakes/stub-fetch.js';

const names = ['toJSON', 'get'] as const;
const prototype = Object.prototype as Partial<Record<(typeof names)[number], unknown>>;

afterEach(() => {
  for (const name of names) delete prototype[name];
});

describe('in a page that has changed Object.prototype', () => {
  test.each([
    ['5', () => 5],
    ['undefined', () => undefined],
  ])('with a toJSON that returns %s, bodies and records are as without', async (_what, toJSON) => {
    const run = async (): Promise<[string, string]> => {
      const web = new FakeWebStorage();
      const stub: StubFetch = new StubFetch(() =>
        reply(String(stub.requests.at(-1)?.body).includes('true') ? 400 : 200, ''),
      );
      const api = new Api({ ...credentials, fetch: stub.fetch, storage: webStorage(web) });
      for (const value of ['Küche', 1, true]) {
        api.addValue('ö', value);
        api.addValue('toJSON', 'ö');
        api.commit({ timestamp: 1 });
      }
      await api.push().catch(() => {});
      const records = [...web.items].map(([key, value]) => `${key.replace(/[\da-z]{16}/, '')} ${value}`);
      await api.close();
      return [
        stub.requests.map(({ body }) => String(body).replace(/"clientTimestamp":\d+/, '')).join('\n'),
        records.join('\n'),
      ];
    };
    const expected = await run();
    expect(expected[1]).toContain('"rejection":{"status":400');
    prototype.toJSON = toJSON;
    expect(await run()).toEqual(expected);
  });

  test('with a get, an Api is created, and throws its own exceptions', async () => {
    prototype.get = () => 1;
    const api = new Api({ ...credentials, fetch: new StubFetch().fetch, storage: memoryStorage() });
    let thrown: unknown;
    try {
      api.addValue('a', {} as never);
    } catch (error) {
      thrown = error;
    }
    await api.close();
    delete prototype.get;
    expect(thrown).toBeInstanceOf(ValueException);
  });
});
