import { describe, expect, test, vi } from 'vitest';
import { type Api, type ApiOptions, memoryStorage, PushException } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';

function setUp(options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const environment = new FakeEnvironment();
  const api = openApi(options, { clock, transport: server, environment });
  return { clock, server, environment, api };
}

describe('status()', () => {
  test('of a new Api has no entries and no next push', () => {
    const { api } = setUp({ autoPush: true });
    expect(api.status()).toEqual({
      staged: 0,
      committed: 0,
      live: 0,
      backlog: 0,
      quarantined: 0,
      bytes: 0,
      queuedBytes: 0,
      oldestAgeSeconds: undefined,
      suppressed: 0,
      paused: false,
      durability: 'none',
      warnings: [],
      online: true,
      pushing: false,
      lastPush: undefined,
      nextTry: undefined,
      lastException: undefined,
    });
  });

  test('is the same object until something changes, and another with the same content is never made', async () => {
    const { api, clock } = setUp();
    const empty = api.status();
    await clock.advance(1_000_000);
    expect(api.status()).toBe(empty);
    api.addValue('temperature', 1);
    const staged = api.status();
    expect(staged).not.toBe(empty);
    expect(staged).toEqual({ ...empty, staged: 1 });
    api.addValue('temperature', 2);
    expect(api.status()).toBe(staged);
    await clock.advance(1_000_000);
    expect(api.status()).toBe(staged);
  });

  test.each<[string, (api: Api) => unknown]>([
    ['addValue', (api) => api.addValue('b', 1)],
    ['commit', (api) => api.commit()],
    ['reset', (api) => api.reset()],
    ['resetUnpushedEntries', (api) => api.resetUnpushedEntries()],
    ['push', (api) => api.push()],
    ['restore', (api) => api.restore([{ id: 'x', timestamp: 1, values: [{ fieldId: 'a', value: 1 }] }])],
  ])('is another object after %s', (_name, change) => {
    const { api } = setUp();
    commitEach(api, 1);
    api.addValue('a', 1);
    const before = api.status();
    const copy = { ...before };
    void change(api);
    expect(api.status()).not.toBe(before);
    expect(before).toEqual(copy);
  });

  test('and all that it holds is frozen', async () => {
    const { api, server, clock } = setUp({ baseUrl: 'http://nikdev.example/' });
    commitEach(api, 1, 2);
    await clock.advance(0);
    await api.push();
    server.answerWith(() => received(503));
    commitEach(api, 3);
    await pushFailure(api.push());
    const { warnings, lastPush, lastException } = api.status();
    expect(warnings).toHaveLength(1);
    for (const part of [api.status(), warnings, ...warnings, lastPush]) expect(Object.isFrozen(part)).toBe(true);
    expect(lastException).toMatchObject({ status: 503 });
  });

  test('has the state of a push: in progress, last success, last failure', async () => {
    const { api, server, clock } = setUp();
    commitEach(api, 1);
    const answer = held();
    server.answerWith(() => answer.answer);
    const push = api.push();
    expect(api.status().pushing).toBe(true);
    await clock.advance(5000);
    answer.give(received(200));
    await push;
    const at = Math.floor(clock.now() / 1000);
    expect(api.status()).toMatchObject({
      pushing: false,
      lastPush: { entries: 1, requests: 1, milliseconds: 5000, at },
      lastException: undefined,
    });
    server.answerWith(() => received(503));
    commitEach(api, 2);
    const exception = await pushFailure(api.push());
    expect(api.status()).toMatchObject({ lastPush: { at }, lastException: exception });
    server.answerWith(() => received(200));
    await api.push();
    expect(api.status().lastException).toBeUndefined();
  });

  test('has the due time of the next automatic push, by the local clock', async () => {
    const { api, clock } = setUp({ autoPush: { everySeconds: 60 } });
    commitEach(api, 1);
    const { nextTry = 0 } = api.status();
    const milliseconds = nextTry * 1000 - clock.now();
    expect(milliseconds).toBeGreaterThan(0);
    expect(milliseconds).toBeLessThanOrEqual(61_000);
    await clock.advance(milliseconds - 1000);
    expect(api.status()).toMatchObject({ committed: 1, nextTry });
    await clock.advance(1000);
    expect(api.status()).toMatchObject({ committed: 0, nextTry: undefined });
  });

  test('has no next push, and no failure, once nothing is queued', async () => {
    const { api, clock, server } = setUp({ autoPush: { everySeconds: 1 } });
    server.answerWith(() => received(503));
    commitEach(api, 1);
    await clock.advance(1000);
    expect(api.status()).toMatchObject({ nextTry: expect.any(Number), lastException: expect.any(PushException) });
    api.resetUnpushedEntries();
    expect(api.status()).toMatchObject({ committed: 0, nextTry: undefined, lastException: undefined });
    expect(server.requests).toHaveLength(1);
    await clock.advance(3_600_000);
    expect(server.requests).toHaveLength(1);
  });

  test('has the network state of the platform', () => {
    const { api, environment } = setUp();
    environment.dispatch('offline');
    expect(api.status().online).toBe(false);
    environment.dispatch('online');
    expect(api.status().online).toBe(true);
  });

  test('has no durability where entries are not saved', () => {
    expect(setUp({ storage: memoryStorage(), stageUnpushedEntries: false }).api.status().durability).toBe('none');
  });
});

describe('subscribe()', () => {
  test('calls once for each task that changed something, in its microtask, with status() up to date', async () => {
    const { api } = setUp();
    const seen: number[] = [];
    api.subscribe(() => seen.push(api.status().committed));
    commitEach(api, 1, 2, 3);
    expect(seen).toEqual([]);
    await turn();
    expect(seen).toEqual([3]);
  });

  test('does not call where nothing changed in the end', async () => {
    const { api } = setUp();
    const listener = vi.fn();
    api.subscribe(listener);
    api.addValue('a', 1);
    api.reset();
    await turn();
    expect(listener).not.toHaveBeenCalled();
  });

  test.each<[string, (set: ReturnType<typeof setUp>) => unknown]>([
    ['a value is staged', ({ api }) => api.addValue('a', 1)],
    ['the network goes', ({ environment }) => environment.dispatch('offline')],
    ['a push begins', ({ api }) => void api.push().catch(() => {})],
    ['the next push is planned', ({ api }) => api.resume()],
    [
      'there is a warning',
      ({ api }) => {
        api.on('warning', () => {});
        api.on('commit', () => {
          throw new Error('the listener’s own');
        });
        commitEach(api, 1);
        api.resetUnpushedEntries();
      },
    ],
    ['it is closed', ({ api }) => api.close()],
  ])('calls when %s', async (name, change) => {
    const set = setUp({ autoPush: { everySeconds: 100 } });
    set.server.answerWith(() => held().answer);
    commitEach(set.api, 1);
    await turn();
    let received: unknown;
    set.api.subscribe(() => {
      received = set.api.status();
    });
    await change(set);
    await turn();
    if (name === 'it is closed') return;
    expect(received).toBe(set.api.status());
  });

  test('calls when a value of the server was refused by its schema', async () => {
    const schema = {
      '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    };
    const clock = new FakeClock();
    const server = new FakeServer(() =>
      received(200, { data: { servertime: 1, values: [{ a: { value: 1, timestamp: 1 } }] } }),
    );
    const api = openApi({ fields: { name: { id: 'a', schema } } as never }, { clock, transport: server });
    const listener = vi.fn();
    api.subscribe(listener);
    await api.get('name' as never);
    await turn();
    expect(api.status().warnings).toHaveLength(1);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('a listener that throws or rejects does no harm, and is reported by a warning', async () => {
    const { api } = setUp();
    const others = vi.fn();
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    api.subscribe(() => {
      throw new Error('own');
    });
    api.subscribe(others);
    api.addValue('a', 1);
    await turn();
    expect(others).toHaveBeenCalled();
    expect(api.status().warnings).toMatchObject([{ code: 'listener-failed' }]);
    api.subscribe((async () => {
      throw new Error('own');
    }) as () => void);
    api.addValue('b', 1);
    await turn();
    await turn();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('its undo removes only that listener, at once', async () => {
    const { api } = setUp();
    const listener = vi.fn();
    const undo = api.subscribe(listener);
    api.subscribe(listener);
    api.addValue('a', 1);
    undo();
    undo();
    await turn();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('a listener may change things: it is called again, and no more than that', async () => {
    const { api } = setUp();
    let calls = 0;
    api.subscribe(() => {
      calls += 1;
      if (api.status().staged > 0) api.commit();
    });
    api.addValue('a', 1);
    await turn();
    expect(api.status()).toMatchObject({ staged: 0, committed: 1 });
    expect(calls).toBe(2);
  });

  test.each([undefined, null, 5, 'x', {}])('%j as a listener is refused', (listener) => {
    expect(() => setUp().api.subscribe(listener as never)).toThrow(/listener must be a function/);
  });
});
