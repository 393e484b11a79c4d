import * as v from 'valibot';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigException, GetException, ValueException } from '../../src/index.js';
import { follow } from '../support/assertions/follow.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { held, received } from '../support/fakes/fake-server.js';
import { ValuesServer } from '../support/fakes/values-server.js';

async function setUp(values: Readonly<Record<string, unknown>> = {}, options = {}) {
  const environment = new FakeEnvironment();
  const clock = new FakeClock();
  const server = new ValuesServer(values);
  const api = openApi(options, { clock, transport: server, environment });
  await api.ready;
  const timers = clock.timers;
  return {
    clock,
    server,
    api,
    page: environment,
    /** How many timers there are that a watch has set. */
    get timers() {
      return clock.timers - timers;
    },
    /** How often the server is asked from now on. */
    async askedDuring(seconds: number): Promise<number> {
      const before = server.requests.length;
      await clock.advance(seconds * 1000);
      return server.requests.length - before;
    },
  };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the items of a watch', () => {
  test('is the current readings at once, in the order asked for, as get gives them', async () => {
    const { api, clock } = await setUp({ a: 1, b: 2 });
    const { items } = follow(api.watch(['b', 'nobody', 'a']));
    await clock.advance(0);
    expect(items).toEqual([await api.get(['b', 'nobody', 'a'])]);
  });

  test('yields nothing while no value changes', async () => {
    const { api, clock, server } = await setUp({ a: 1 });
    const { items } = follow(api.watch('a', { everySeconds: 5 }));
    await clock.advance(60_000);
    expect(items).toHaveLength(1);
    expect(server.requests).toHaveLength(13);
  });

  test('is all readings again when one changed: its value, its time, or whether it is known', async () => {
    const { api, clock, server } = await setUp({ a: 1, b: 2 });
    const { items } = follow(api.watch(['a', 'b', 'c'], { everySeconds: 1 }));
    const changes: (() => void)[] = [
      () => server.set('a', '1'),
      () => server.set('a', '1', 1_795_348_001),
      () => server.set('c', null, null),
      () => server.set('c', false),
      () => void server.values.delete('b'),
    ];
    for (const [second, change] of changes.entries()) {
      change();
      server.servertime = 1_795_348_662 + second;
      await clock.advance(second === 0 ? 0 : 1000);
    }
    const moved = (seconds: number) => 1_795_348_000 + seconds + 1000;
    expect(items.map((readings) => readings.map(({ value, timestamp }) => [value, timestamp]))).toEqual([
      [
        ['1', moved(0)],
        [2, moved(0)],
      ],
      [
        ['1', moved(1)],
        [2, moved(0)],
      ],
      [
        ['1', moved(1)],
        [2, moved(0)],
        [null, null],
      ],
      [
        ['1', moved(1)],
        [2, moved(0)],
        [false, moved(0)],
      ],
      [
        ['1', moved(1)],
        [false, moved(0)],
      ],
    ]);
  });

  test('is no change where only the difference of the clocks jitters', async () => {
    const { api, clock, server } = await setUp({ a: 1 });
    const { items } = follow(api.watch('a', { everySeconds: 1 }));
    for (let second = 0; second < 10; second++) {
      server.servertime += second % 2 === 0 ? 3 : -3;
      await clock.advance(1000);
    }
    expect(items).toHaveLength(1);
  });

  test('is the newest for one that is slow to come back for it, without asking meanwhile', async () => {
    const { api, clock, server, timers } = await setUp({ a: 1 });
    const watch = api.watch('a', { everySeconds: 1 });
    const first = watch.next();
    await clock.advance(0);
    expect((await first).value).toMatchObject([{ value: 1 }]);
    for (const value of [2, 3, 4]) {
      server.set('a', value);
      await clock.advance(10_000);
    }
    expect(server.requests).toHaveLength(1);
    expect(timers).toBe(0);
    const second = watch.next();
    await clock.advance(0);
    expect((await second).value).toMatchObject([{ value: 4 }]);
  });

  test('is one change for each of several that wait', async () => {
    const { api, clock, server } = await setUp({ a: 1 });
    const watch = api.watch('a', { everySeconds: 1 });
    const both = [watch.next(), watch.next()];
    await clock.advance(1000);
    server.set('a', 2);
    await clock.advance(1000);
    expect(await Promise.all(both)).toMatchObject([{ value: [{ value: 1 }] }, { value: [{ value: 2 }] }]);
  });

  test('has names where there are names', async () => {
    const fields = { door: { id: 'id-1', schema: v.boolean() } };
    const { api, clock } = await setUp({ 'id-1': true }, { fields });
    const { items } = follow(api.watch('door'));
    await clock.advance(0);
    expect(items).toMatchObject([[{ field: 'door', fieldId: 'id-1', value: true }]]);
  });
});

describe('the pace of watches', () => {
  test.each([
    [undefined, 6],
    [1, 60],
    [7.5, 8],
    [30, 2],
  ])('everySeconds %s: %i requests a minute', async (everySeconds, requests) => {
    const { api, askedDuring, clock } = await setUp({ a: 1 });
    follow(api.watch('a', everySeconds === undefined ? {} : { everySeconds }));
    await clock.advance(1);
    expect(await askedDuring(60)).toBe(requests);
  });

  test('those that are due together are one request for all their fields', async () => {
    const { api, clock, server } = await setUp({ a: 1, b: 2, c: 3 });
    const all = [['a', 'b'], ['b', 'c'], ['a']].map((ids) => follow(api.watch(ids, { everySeconds: 5 })));
    await clock.advance(11_000);
    expect(server.asked).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(all.map(({ items }) => items[0]?.map(({ value }) => value))).toEqual([[1, 2], [2, 3], [1]]);
  });

  test('each has its own', async () => {
    const { api, clock, server } = await setUp({ a: 1, b: 2 });
    follow(api.watch('a', { everySeconds: 2 }));
    follow(api.watch('b', { everySeconds: 6 }));
    await clock.advance(13_000);
    const of = (id: string) => server.asked.filter((ids) => ids.includes(id)).length;
    expect([of('a'), of('b'), server.asked.length]).toEqual([7, 3, 7]);
  });

  test('there is one request at a time, however slow the server', async () => {
    const { api, clock, server } = await setUp({ a: 1, b: 2 });
    server.misfortune = () =>
      new Promise((resolve) => void clock.setTimer(() => resolve(received(503)), 4000)).then(() =>
        received(200, { data: { servertime: 0, values: [] } }),
      );
    follow(api.watch('a', { everySeconds: 1 }));
    await clock.advance(500);
    follow(api.watch('b', { everySeconds: 1 }));
    await clock.advance(60_000);
    expect(server.mostUnderWay).toBe(1);
    expect(server.requests.length).toBeGreaterThan(10);
  });

  test('many fields are several requests, one after another', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `field-${index}`);
    const { api, clock, server } = await setUp(Object.fromEntries(ids.map((id) => [id, 1])));
    const { items } = follow(api.watch(ids));
    await clock.advance(1);
    expect(items[0]).toHaveLength(1000);
    expect(server.mostUnderWay).toBe(1);
    for (const { url } of server.requests) expect(url.length).toBeLessThanOrEqual(8000);
  });
});

describe('a hidden page', () => {
  const inPage = () => setUp({ a: 1 });

  test('is asked for five times less often', async () => {
    const { api, page, clock, askedDuring } = await inPage();
    follow(api.watch('a', { everySeconds: 2 }));
    await clock.advance(1);
    page.dispatch('hidden');
    expect(await askedDuring(100)).toBe(10);
    page.dispatch('visible');
    expect(await askedDuring(100)).toBeGreaterThanOrEqual(50);
  });

  test('is up to date as soon as it is seen again', async () => {
    const { api, page, clock, askedDuring } = await inPage();
    follow(api.watch('a', { everySeconds: 10 }));
    await clock.advance(1);
    page.dispatch('hidden');
    await clock.advance(30_000);
    page.dispatch('visible');
    expect(await askedDuring(0)).toBe(1);
  });

  test('that is seen again too soon is asked for no sooner than otherwise', async () => {
    const { api, page, clock, askedDuring } = await inPage();
    follow(api.watch('a', { everySeconds: 10 }));
    await clock.advance(1);
    for (let times = 0; times < 5; times++) {
      page.dispatch('hidden');
      page.dispatch('visible');
    }
    expect(await askedDuring(9)).toBe(0);
    expect(await askedDuring(1)).toBe(1);
  });

  test('has the first readings at once anyway', async () => {
    const { api, page, clock } = await inPage();
    page.dispatch('hidden');
    const { items } = follow(api.watch('a'));
    await clock.advance(0);
    expect(items).toHaveLength(1);
  });

  test('is listened to only while somebody waits', async () => {
    const { api, page, clock } = await inPage();
    // The Api itself listens too.
    const watches = [api.watch('a'), api.watch('a')];
    expect(page.listeners).toBe(1);
    const first = watches.map((watch) => watch.next());
    expect(page.listeners).toBe(2);
    await clock.advance(0);
    await Promise.all(first);
    expect(page.listeners).toBe(1);
    const second = watches.map((watch) => watch.next());
    expect(page.listeners).toBe(2);
    await watches[0]?.return?.();
    expect(page.listeners).toBe(2);
    await watches[1]?.return?.();
    expect(page.listeners).toBe(1);
    await Promise.all(second);
  });
});

describe('bad luck', () => {
  test.each([
    ['503', () => received(503)],
    ['429', () => received(429)],
    ['no answer', () => ({ received: false, reason: 'unreachable' }) as const],
    ['a time-out', () => ({ received: false, reason: 'timeout' }) as const],
    ['a page of a captive portal', () => received(200, '<html>')],
    ['an answer that is not values', () => received(200, { data: 5 })],
  ])('does not end a watch (%s): it goes on when the server is back', async (_name, answer) => {
    const { api, clock, server } = await setUp({ a: 1 });
    server.misfortune = answer;
    const following = follow(api.watch('a'));
    await clock.advance(60_000);
    expect(following).toEqual({ items: [], end: undefined });
    server.misfortune = () => undefined;
    await clock.advance(300_000);
    expect(following).toMatchObject({ items: [[{ value: 1 }]], end: undefined });
  });

  test('makes the pauses longer, up to 5 min', async () => {
    const { api, clock, server, askedDuring } = await setUp({ a: 1 });
    server.misfortune = () => received(503);
    follow(api.watch('a', { everySeconds: 1 }));
    // Full jitter: the pauses are half as long as their caps on average.
    await clock.advance(15 * 60_000);
    const hour = await askedDuring(3600);
    expect(hour).toBeGreaterThanOrEqual(12);
    expect(hour).toBeLessThan(60);
  });

  test('is one pause for all, new ones too', async () => {
    const { api, clock, server, askedDuring } = await setUp({ a: 1 });
    server.misfortune = () => ({ ...received(503), retryAfter: '100' }) as never;
    follow(api.watch('a', { everySeconds: 1 }));
    await clock.advance(0);
    for (let more = 0; more < 10; more++) follow(api.watch('b', { everySeconds: 1 }));
    expect(await askedDuring(99)).toBe(0);
    expect(await askedDuring(300)).toBeGreaterThan(0);
  });

  test('is over with the first answer: then the pace is as before, and pauses begin short again', async () => {
    const { api, clock, server, askedDuring } = await setUp({ a: 1 });
    const following = follow(api.watch('a', { everySeconds: 10 }));
    await clock.advance(1);
    server.misfortune = () => received(503);
    await clock.advance(20 * 60_000);
    server.misfortune = () => undefined;
    await clock.advance(300_000);
    expect(await askedDuring(600)).toBe(60);
    server.misfortune = () => received(503);
    await clock.advance(10_000);
    server.misfortune = () => undefined;
    server.set('a', 2);
    await clock.advance(20_000);
    expect(following.items).toHaveLength(2);
  });

  test.each([
    ['30', 30],
    ['1', 1],
    ['1e9', 3600],
  ])('with Retry-After %s: nothing is asked before that', async (retryAfter, seconds) => {
    const { api, clock, server, askedDuring } = await setUp({ a: 1 });
    server.misfortune = () => ({ ...received(429), retryAfter }) as never;
    follow(api.watch('a', { everySeconds: 1 }));
    await clock.advance(0);
    expect(await askedDuring(seconds - 0.001)).toBe(0);
    server.misfortune = () => undefined;
    expect(await askedDuring(5)).toBeGreaterThan(0);
  });

  test('is tried again soon, however rarely a watch asks', async () => {
    const { api, clock, server } = await setUp({ a: 1 });
    server.misfortune = () => received(503);
    const { items } = follow(api.watch('a', { everySeconds: 3600 }));
    await clock.advance(0);
    server.misfortune = () => undefined;
    await clock.advance(1000);
    expect(items).toHaveLength(1);
  });

  test('that is over pauses nothing when the page is hidden later', async () => {
    const { api, page, clock, server, askedDuring } = await setUp({ a: 1 });
    server.misfortune = () => received(503);
    follow(api.watch('a', { everySeconds: 1 }));
    await clock.advance(20 * 60_000);
    server.misfortune = () => undefined;
    await clock.advance(300_000);
    page.dispatch('hidden');
    expect(await askedDuring(100)).toBeGreaterThanOrEqual(19);
  });

  test('of a hidden page makes pauses five times as long', async () => {
    const { api, page, clock, server, askedDuring } = await setUp({ a: 1 });
    page.dispatch('hidden');
    server.misfortune = () => received(503);
    follow(api.watch('a', { everySeconds: 1 }));
    await clock.advance(60 * 60_000);
    expect(await askedDuring(3600)).toBeLessThan(20);
  });
});

describe('a rejection', () => {
  test.each([401, 403, 400, 404, 422])('%i ends the watch with a GetException', async (status) => {
    const context = await setUp({ a: 1 });
    const { api, clock, server } = context;
    const following = follow(api.watch('a', { everySeconds: 1 }));
    await clock.advance(2000);
    server.misfortune = () => received(status, { message: 'No.' });
    await clock.advance(1000);
    expect(following).toMatchObject({ items: [{}], end: { thrown: { message: 'Bad request: No.', status } } });
    expect((following.end as { thrown: unknown }).thrown).toBeInstanceOf(GetException);
    expect(await context.askedDuring(60)).toBe(0);
    expect(context.timers).toBe(0);
  });

  test('discards nothing that is queued', async () => {
    const { api, clock, server } = await setUp({ a: 1 });
    api.addValue('a', 1);
    api.commit();
    server.misfortune = () => received(401);
    follow(api.watch('a'));
    await clock.advance(1);
    expect(api.status().committed).toBe(1);
  });

  test('of the ids of one watch ends only that watch', async () => {
    const { api, clock, server } = await setUp({ a: 1, b: 2, secret: 3 });
    server.misfortune = (ids) => (ids.includes('secret') ? received(403) : undefined);
    const [one, refused, other] = ['a', 'secret', 'b'].map((id) => follow(api.watch(id, { everySeconds: 1 })));
    await clock.advance(0);
    expect([one?.items.length, refused?.end, other?.items.length]).toEqual([1, expect.anything(), 1]);
    await clock.advance(5000);
    server.set('b', 5);
    await clock.advance(5000);
    expect(refused).toMatchObject({ items: [], end: { thrown: { status: 403 } } });
    expect([one, other]).toMatchObject([
      { items: [{}], end: undefined },
      { items: [{}, [{ value: 5 }]], end: undefined },
    ]);
    expect(server.mostUnderWay).toBe(1);
  });

  test('once it has ended one, the others share requests again', async () => {
    const { api, clock, server, askedDuring } = await setUp({ a: 1, b: 2, secret: 3 });
    server.misfortune = (ids) => (ids.includes('secret') ? received(403) : undefined);
    for (const id of ['a', 'secret', 'b']) follow(api.watch(id, { everySeconds: 1 }));
    await clock.advance(3000);
    expect(await askedDuring(10)).toBeLessThanOrEqual(11);
  });
});

describe('the end of a watch', () => {
  test.each<[string, (context: { abort: AbortController; close(): unknown; back(): unknown }) => unknown]>([
    ['its signal', ({ abort }) => abort.abort(new Error('why'))],
    ['close()', ({ close }) => close()],
    ['return()', ({ back }) => back()],
  ])('by %s is at once, without an exception, and leaves nothing behind', async (_name, end) => {
    for (const phase of ['before the first', 'during a request', 'between two requests']) {
      const context = await setUp({ a: 1 });
      const { api, clock, server } = context;
      const abort = new AbortController();
      const removed = vi.spyOn(abort.signal, 'removeEventListener');
      const added = vi.spyOn(abort.signal, 'addEventListener');
      if (phase === 'during a request') server.misfortune = () => held().answer;
      const watch = api.watch('a', { everySeconds: 1, signal: abort.signal });
      const following = follow({ [Symbol.asyncIterator]: () => ({ next: () => watch.next() }) });
      if (phase !== 'before the first') await clock.advance(phase === 'during a request' ? 1 : 1500);
      await end({ abort, close: () => api.close(), back: () => watch.return?.() });
      await turn();
      expect([phase, following.end]).toEqual([phase, 'done']);
      expect(server.underWay).toBe(0);
      expect(context.timers).toBeLessThanOrEqual(0);
      expect(removed.mock.calls.length).toBe(added.mock.calls.length);
      expect(await watch.next()).toEqual({ done: true, value: undefined });
      expect(await context.askedDuring(60)).toBe(0);
    }
  });

  test('by break leaves nothing behind', async () => {
    const context = await setUp({ a: 1 });
    const loop = (async () => {
      for await (const _readings of context.api.watch('a')) break;
    })();
    await context.clock.advance(0);
    await loop;
    expect(context.timers).toBe(0);
    expect(await context.askedDuring(60)).toBe(0);
  });

  test('by an exception in the loop leaves nothing behind', async () => {
    const context = await setUp({ a: 1 });
    const loop = (async () => {
      for await (const _readings of context.api.watch('a')) throw new RangeError('of the loop');
    })();
    const ended = expect(loop).rejects.toThrow(RangeError);
    await context.clock.advance(0);
    await ended;
    expect(context.timers).toBe(0);
  });

  test('does not abort a request that others wait for too', async () => {
    const { api, clock, server } = await setUp({ a: 1, b: 2 });
    const answer = held();
    server.misfortune = () => answer.answer;
    const one = api.watch('a');
    void one.next();
    const other = follow(api.watch('b'));
    await clock.advance(0);
    await one.return?.();
    expect(server.underWay).toBe(1);
    answer.give(received(200, { data: { servertime: 0, values: [{ b: { value: 2, timestamp: 0 } }] } }));
    await turn();
    expect(other.items).toMatchObject([[{ value: 2 }]]);
  });

  test('of one that nobody has asked anything yet, or any more, is nothing to be done', async () => {
    const context = await setUp({ a: 1 });
    const { api, clock } = context;
    const abort = new AbortController();
    const listen = vi.spyOn(abort.signal, 'addEventListener');
    api.watch('a', { signal: abort.signal });
    expect(listen).not.toHaveBeenCalled();
    const watch = api.watch('a');
    const first = watch.next();
    await clock.advance(0);
    await first;
    expect(context.timers).toBe(0);
    await api.close();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  test('comes before its beginning where its signal has aborted', async () => {
    const { api, server, clock } = await setUp({ a: 1 });
    const following = follow(api.watch('a', { signal: AbortSignal.abort() }));
    await clock.advance(10_000);
    expect(following).toEqual({ items: [], end: 'done' });
    expect(server.requests).toEqual([]);
  });

  test('by one signal is the end of all that have it, and of no other', async () => {
    const { api, clock, server } = await setUp({ a: 1 });
    const abort = new AbortController();
    const ended = [1, 2].map(() => follow(api.watch('a', { signal: abort.signal })));
    const other = follow(api.watch('a', { signal: new AbortController().signal }));
    await clock.advance(1);
    abort.abort();
    await turn();
    expect(ended.map(({ end }) => end)).toEqual(['done', 'done']);
    server.set('a', 2);
    await clock.advance(10_000);
    expect(other).toMatchObject({ items: [{}, [{ value: 2 }]], end: undefined });
  });
});

describe('the timers of a watch', () => {
  test('keep a process alive only while somebody waits', async () => {
    const { api, clock } = await setUp({ a: 1 });
    const watch = api.watch('a');
    expect(clock.foregroundTimers).toBe(0);
    const first = watch.next();
    await clock.advance(0);
    await first;
    expect(clock.foregroundTimers).toBe(0);
    void watch.next();
    await clock.advance(1);
    expect(clock.foregroundTimers).toBe(1);
    await watch.return?.();
    expect(clock.foregroundTimers).toBe(0);
  });

  test('are one, however many watches there are', async () => {
    const context = await setUp({ a: 1 });
    for (let count = 0; count < 100; count++) follow(context.api.watch('a', { everySeconds: 1 + count }));
    await context.clock.advance(1);
    expect(context.timers).toBe(1);
    await context.clock.advance(100_000);
    expect(context.timers).toBe(1);
  });
});

describe('ids that can not be watched', () => {
  test.each([[''], ['.'], ['..'], [['a', '']], [5], [undefined], [null]])('%j is refused at once', async (ids) => {
    const { api } = await setUp();
    expect(() => api.watch(ids as never)).toThrow(ValueException);
  });

  test.each([
    [{ everySeconds: 0 }, 'everySeconds must be seconds, from 1 to 86400, got 0'],
    [{ everySeconds: 0.5 }, 'everySeconds must be seconds, from 1 to 86400, got 0.5'],
    [{ everySeconds: Number.NaN }, 'everySeconds must be seconds, from 1 to 86400, got NaN'],
    [{ everySeconds: '5' }, 'everySeconds must be seconds, from 1 to 86400, got "5"'],
    [{ everySeconds: 86_401 }, 'everySeconds must be seconds, from 1 to 86400 (86401 ms are 86.401 s), got 86401'],
    [{ every: 5 }, '"every" is not an option; there is everySeconds, signal'],
    [{ signal: true }, 'signal must be an AbortSignal, got true'],
    [5, 'the options must be an object, got 5'],
  ])('the options %j are refused at once', async (options, message) => {
    const { api } = await setUp();
    expect(() => api.watch('a', options as never)).toThrow(new ConfigException(message));
  });
});

test('F34 the key is not in the exception that ends a watch', async () => {
  const { api, clock, server } = await setUp({}, { apiKey: SENTINEL_KEY });
  server.misfortune = () => received(403, { message: `No right: ${SENTINEL_KEY}` });
  const following = follow(api.watch('a'));
  await clock.advance(1);
  expect(following.end).toMatchObject({ thrown: expect.any(GetException) });
  expect(leaksIn(renderings((following.end as { thrown: unknown }).thrown))).toEqual([]);
});
