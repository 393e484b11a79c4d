import { afterEach, describe, expect, test, vi } from 'vitest';
import { Api } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer, received } from '../support/fakes/fake-server.js';

afterEach(() => {
  vi.restoreAllMocks();
  localStorage.clear();
});

function open(): Api {
  return new Api(credentials, { clock: new FakeClock(), transport: new FakeServer() });
}

describe('an Api in a page that was given no storage', () => {
  test('keeps its entries in localStorage', () => {
    const api = open();
    api.addValue('a', 1);
    api.commit();
    expect(api.status()).toMatchObject({ durability: 'tab', warnings: [] });
    expect(Object.values({ ...localStorage }).join()).toContain('[{"a":1}]');
  });

  test.each([
    [
      'refused',
      () =>
        vi.spyOn(window, 'localStorage', 'get').mockImplementation(() => {
          throw new DOMException('denied', 'SecurityError');
        }),
    ],
    ['absent', () => vi.spyOn(window, 'localStorage', 'get').mockReturnValue(undefined as never)],
    ['null', () => vi.spyOn(window, 'localStorage', 'get').mockReturnValue(null as never)],
  ])('keeps them in memory where that is %s, and sends a warning after the constructor', async (_how, refuse) => {
    refuse();
    const clock = new FakeClock();
    const api = new Api(credentials, { clock, transport: new FakeServer() });
    const sent: string[] = [];
    api.on('warning', ({ code }) => sent.push(code));
    expect(api.status()).toMatchObject({ durability: 'none', warnings: [{ code: 'storage-unavailable' }] });
    expect(sent).toEqual([]);
    await clock.advance(0);
    expect(sent).toEqual(['storage-unavailable']);
    api.addValue('a', 1);
    expect(await api.commitAndPush()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test.each<[string, Partial<Storage>]>([
    ['keeps nothing', { getItem: () => null }],
    ['returns undefined for every key', { getItem: () => undefined as never }],
    ['answers with promises', { getItem: async () => null } as never],
    ['cuts values', { getItem: () => 'nik' }],
  ])('keeps them in memory, with a warning, where a mock of localStorage %s', async (_what, members) => {
    const mock = { length: 0, key: () => null, removeItem() {}, setItem() {}, ...members };
    vi.spyOn(window, 'localStorage', 'get').mockReturnValue(mock as Storage);
    const api = open();
    for (const value of [1, 2, 3]) {
      api.addValue('a', value);
      api.commit();
    }
    expect(api.status()).toMatchObject({ durability: 'none', warnings: [{ code: 'storage-unavailable' }] });
    expect(await api.push()).toEqual({ pushed: 3, requests: 1, expired: 0 });
  });

  test('keeps them in a full localStorage, which has the entries of earlier runs, and leaves no other key there', () => {
    const setItem = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    const api = open();
    expect(api.status()).toMatchObject({ durability: 'tab', warnings: [] });
    setItem.mockRestore();
    open();
    expect(Object.keys(localStorage)).toEqual([]);
  });

  test('the API key is in no key and no value of localStorage', () => {
    const api = open();
    api.addValue('a', 1);
    api.commit();
    api.addValue('b', 2);
    expect(JSON.stringify({ ...localStorage })).not.toContain(credentials.apiKey);
  });
});

describe('a watch in a page', () => {
  test('asks less often while the page is hidden, and at once when it is seen again', async () => {
    const clock = new FakeClock();
    const server = new FakeServer(() => received(200, { data: { servertime: 0, values: [] } }));
    const api = new Api(credentials, { clock, transport: server });
    await api.ready;
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    const watch = api.watch('a', { everySeconds: 10 });
    const first = watch.next();
    await clock.advance(0);
    await first;
    const second = watch.next();
    await clock.advance(49_000);
    expect(server.requests).toHaveLength(1);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event('visibilitychange'));
    await clock.advance(0);
    expect(server.requests).toHaveLength(2);
    await api.close();
    expect(await second).toEqual({ done: true, value: undefined });
  });
});
