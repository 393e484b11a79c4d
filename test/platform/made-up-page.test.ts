import { afterEach, describe, expect, test, vi } from 'vitest';
import { Api, webStorage } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';
import { StubFetch } from '../support/fakes/stub-fetch.js';

afterEach(() => vi.unstubAllGlobals());

const listens = { addEventListener() {}, removeEventListener() {} };

const adds = { addEventListener() {} };

const refuse = (): never => {
  throw new TypeError('not in a made-up page');
};

describe('F58 in Node, where server-side rendering made up', () => {
  test.each<[string, unknown, unknown]>([
    ['an empty window and document', {}, {}],
    ['a window that is the global object, and an empty document', globalThis, {}],
    ['a window and document of null', null, null],
    ['a window without a document', listens, undefined],
    ['a document that can not be listened to', listens, {}],
    ['a window and document that never remove a listener', adds, adds],
  ])('%s, an Api works as it does without', async (_kind, window, document) => {
    vi.stubGlobal('window', window);
    vi.stubGlobal('document', document);
    const stub = new StubFetch();
    const api = new Api({ ...credentials, fetch: stub.fetch, autoPush: true });
    api.addValue('a', 1);
    api.commit();
    expect(api.status()).toMatchObject({ online: true, durability: 'none', warnings: [] });
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(process.listenerCount('beforeExit')).toBeGreaterThan(0);
    await api.close();
  });

  test.each<[string, unknown]>([
    ['no localStorage', undefined],
    ['a localStorage without methods', {}],
    ['a localStorage that only reads', { getItem: () => null }],
  ])(
    'a whole page with %s and no navigator, entries are kept in memory and a warning says so',
    async (_kind, storage) => {
      vi.stubGlobal('window', { ...listens, localStorage: storage });
      vi.stubGlobal('document', listens);
      vi.stubGlobal('navigator', undefined);
      const api = new Api({ ...credentials, fetch: new StubFetch().fetch });
      api.addValue('a', 1);
      api.commit();
      expect(api.status()).toMatchObject({
        online: true,
        durability: 'none',
        warnings: [{ code: 'storage-unavailable' }],
      });
      expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
      await api.close();
    },
  );

  test.each<[string, Record<string, unknown>]>([
    ['refuses listeners', { ...listens, addEventListener: refuse }],
    ['refuses listeners on its document', { document: { ...listens, addEventListener: refuse } }],
    [
      'has a MutationObserver for real documents only',
      {
        MutationObserver: class {
          observe = refuse;
          disconnect() {}
        },
      },
    ],
    ['has a MutationObserver that can not be created', { MutationObserver: refuse }],
    ['has a navigator of null', { navigator: null }],
    ['has locks of {}', { navigator: { locks: {} } }],
    ['has locks that return nothing', { navigator: { locks: { request() {}, query() {} } } }],
    ['has locks that throw', { navigator: { locks: { request: refuse, query: refuse } } }],
    ['has locks without a query', { navigator: { locks: { request: async () => {} } } }],
  ])('a page that %s, an Api saves, pushes and closes', async (_what, { document = listens, ...members }) => {
    const localStorage = new FakeWebStorage();
    vi.stubGlobal('window', { ...listens, localStorage, ...members });
    vi.stubGlobal('document', document);
    vi.stubGlobal('navigator', undefined);
    for (const name of ['MutationObserver', 'navigator']) if (name in members) vi.stubGlobal(name, members[name]);
    const api = new Api({ ...credentials, fetch: new StubFetch().fetch });
    api.addValue('a', 1);
    api.commit();
    expect(api.status()).toMatchObject({ online: true, durability: 'tab', warnings: [] });
    // A heartbeat, as no locks work.
    expect([...localStorage.items.keys()].filter((key) => key.endsWith('/life'))).toHaveLength(1);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    await api.close();
  });

  test('a navigator of null, the package can be imported', async () => {
    vi.stubGlobal('navigator', null);
    vi.resetModules();
    const { environment } = await import('../../src/platform/environment.js');
    expect(environment.isOnline).toBe(true);
  });

  test.each([undefined, null, { mark() {} }])('performance as %j, an Api pushes', async (performance) => {
    vi.stubGlobal('performance', performance);
    const api = new Api({ ...credentials, fetch: new StubFetch().fetch });
    api.addValue('a', 1);
    expect(await api.commitAndPush()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    await api.close();
  });

  test('a window without events, webStorage saves anyway', async () => {
    vi.stubGlobal('window', {});
    const items = new FakeWebStorage();
    const api = new Api({ ...credentials, fetch: new StubFetch().fetch, storage: webStorage(items) });
    api.addValue('a', 1);
    api.commit();
    expect([...items.items.values()].join()).toContain('[{"a":1}]');
    await api.close();
  });
});
