import { describe, expect, test } from 'vitest';
import { Api, type ApiOptions } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { PickyServer } from '../support/fakes/picky-server.js';

function setUp(options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const api = new Api({ ...credentials, ...options }, { clock, transport: server });
  return { clock, server, api };
}

describe('events', () => {
  test('`commit` carries the entry that commit() returns', () => {
    const { api } = setUp();
    const seen: unknown[] = [];
    api.on('commit', (entry) => seen.push(entry));
    api.addValue('a', 1);
    expect([api.commit()]).toEqual(seen);
  });

  test('`push` has the number of entries stored, of requests and of milliseconds', async () => {
    const { api, clock, server } = setUp({ maxEntriesPerRequest: 2 });
    const seen: unknown[] = [];
    api.on('push', (event) => seen.push(event));
    server.answerWith(async () => {
      await clock.advance(40);
      return received(200);
    });
    for (let value = 0; value < 3; value++) {
      api.addValue('a', value);
      api.commit();
    }
    await api.push();
    expect(seen).toEqual([{ entries: 3, requests: 2, milliseconds: 80 }]);
  });

  test('`push` has the entries stored before a push failed, and is not emitted where none was', async () => {
    const { api, server } = setUp({ maxEntriesPerRequest: 1 });
    const seen: unknown[] = [];
    api.on('push', ({ entries, requests }) => seen.push({ entries, requests }));
    await api.push();
    for (const value of [1, 2]) {
      api.addValue('a', value);
      api.commit();
    }
    server.answerWith(() => received(server.requests.length === 1 ? 200 : 503));
    await expect(api.push()).rejects.toMatchObject({ status: 503 });
    await expect(api.push()).rejects.toMatchObject({ status: 503 });
    expect(seen).toEqual([{ entries: 1, requests: 2 }]);
  });

  test('a listener that throws harms nothing, and a warning names the event and the error', () => {
    const { api } = setUp();
    const seen: unknown[] = [];
    api.on('commit', () => {
      throw new RangeError('the listener’s own');
    });
    api.on('commit', (entry) => seen.push(entry));
    api.addValue('a', 1);
    expect(api.commit()).toBeDefined();
    expect(seen).toHaveLength(1);
    const message = 'A listener of the event "commit" threw RangeError: the listener’s own. Nothing else is affected.';
    expect(api.status()).toMatchObject({ committed: 1, warnings: [{ code: 'listener-failed', message }] });
  });

  test('a listener whose errors never repeat causes a bounded number of warnings', () => {
    const { api } = setUp();
    let calls = 0;
    api.on('warning', () => {
      calls += 1;
      throw new Error(`number ${calls}`);
    });
    api.on('commit', () => {
      throw new Error('the first');
    });
    api.addValue('a', 1);
    api.commit();
    expect(calls).toBeLessThanOrEqual(20);
    expect(api.status().warnings).toHaveLength(calls);
  });

  test('a listener of `warning` that throws does not call itself again', () => {
    const { api } = setUp();
    let calls = 0;
    api.on('warning', () => {
      calls += 1;
      throw new Error('again');
    });
    api.on('commit', () => {
      throw new Error('first');
    });
    api.addValue('a', 1);
    api.commit();
    expect(calls).toBe(2);
    expect(api.status().warnings).toHaveLength(2);
  });

  test('a listener can commit and push', async () => {
    const { api, server } = setUp();
    let left = 3;
    api.on('commit', () => {
      left -= 1;
      if (left === 0) return;
      api.addValue('again', left);
      api.commit();
    });
    api.addValue('a', 1);
    api.commit();
    await api.push();
    expect(server.uploads).toEqual([[[{ a: 1 }], [{ again: 2 }], [{ again: 1 }]]]);
  });

  test('the undo of `on` removes only that listener', () => {
    const { api } = setUp();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const undo = api.on('commit', listener);
    api.on('commit', listener);
    undo();
    undo();
    api.addValue('a', 1);
    api.commit();
    expect(calls).toBe(1);
  });

  test.each(['psuh', '__proto__', 'toString', undefined, 5])('an unknown event (%s) is refused by name', (name) => {
    const { api } = setUp();
    expect(() => api.on(name as 'push', () => {})).toThrow(
      /is not an event; the events are commit, push, retry, discard, quarantine, adopt, warning, error, read-error, request$/,
    );
    expect(() => api.on('push', undefined as never)).toThrow(/listener must be a function, got undefined/);
  });

  test('a warning of the constructor is sent in a later task and kept in status()', async () => {
    const { api, clock } = setUp({ baseUrl: 'http://192.168.1.5/api/v1' });
    const seen: unknown[] = [];
    api.on('warning', (warning) => seen.push(warning));
    expect(seen).toEqual([]);
    await clock.advance(0);
    expect(seen).toMatchObject([{ code: 'insecure-url' }]);
    expect(api.status().warnings).toEqual(seen);
  });

  test('`quarantine` is sent once for each entry, when it is in quarantine and no more queued', async () => {
    const { api, server } = setUp();
    server.answerWith(({ body = '' }) => received(/"a":[13]}/.test(body) ? 400 : 200, { message: 'Odd.' }));
    const seen: unknown[] = [];
    api.on('quarantine', ({ entries, status, message }) =>
      seen.push([
        entries.length,
        status,
        message,
        api.quarantined().length,
        api.log().some(({ id }) => id === entries[0]?.id),
      ]),
    );
    for (const value of [0, 1, 2, 3]) {
      api.addValue('a', value);
      api.commit();
    }
    await api.push().catch(() => {});
    expect(seen).toEqual([
      [1, 400, 'Bad request: Odd.', 1, false],
      [1, 400, 'Bad request: Odd.', 2, false],
    ]);
  });

  test('`error` and `retry` are emitted for automatic pushes; a push by hand that fails is retried, and reported by its promise', async () => {
    const { api, clock, server } = setUp({ autoPush: { everySeconds: 1 } });
    const seen: string[] = [];
    api.on('error', ({ message }) => seen.push(`error ${message}`));
    api.on('retry', ({ attempt }) => seen.push(`retry ${attempt}`));
    server.answerWith(() => received(429));
    api.addValue('a', 1);
    api.commit();
    await api.push().catch(() => seen.push('rejected'));
    expect(seen).toEqual(['retry 1', 'rejected']);
    await clock.advance(1000);
    expect(seen.slice(2)).toEqual(['error Bad luck: the server answered 429.', 'retry 2']);
  });

  test('without autoPush neither `error` nor `retry` is sent', async () => {
    const { api, clock, server } = setUp();
    const seen: unknown[] = [];
    for (const name of ['error', 'retry'] as const) api.on(name, (event) => seen.push(event));
    server.answerWith(() => received(503));
    api.addValue('a', 1);
    api.commit();
    await api.push().catch(() => {});
    await clock.advance(3_600_000);
    expect(seen).toEqual([]);
  });

  test('`retry` is not sent where nothing is tried again: after refused credentials', async () => {
    const { api, clock, server } = setUp({ autoPush: { everySeconds: 0 }, onRefusedCredentials: 'keep' });
    const seen: unknown[] = [];
    api.on('retry', (event) => seen.push(event));
    server.answerWith(() => received(401));
    api.addValue('a', 1);
    api.commit();
    await clock.advance(3_600_000);
    expect(seen).toEqual([]);
  });

  const NAMES = ['commit', 'push', 'retry', 'discard', 'quarantine', 'error', 'warning'] as const;

  /** Makes each event happen, again and again, with a listener of one of them. */
  async function happen(name: (typeof NAMES)[number], call: (api: Api) => unknown, times = 3) {
    const clock = new FakeClock();
    const server = new PickyServer((value) => Number(value) % 3 === 1);
    const api = new Api(
      { ...credentials, autoPush: { everySeconds: 0 }, maxQueuedEntries: 6, overflow: 'drop-oldest' },
      { clock, transport: server },
    );
    let calls = 0;
    api.on(name, () => {
      calls += 1;
      if (calls <= times) void call(api);
    });
    let fails = 0;
    api.on('commit', () => {
      if (name === 'warning' && fails++ === 0) throw new Error('own');
    });
    let number = 0;
    for (let round = 0; round < 6; round++) {
      const status = { retry: 503, error: 503, discard: 401 }[name as string];
      server.instead = () => (status !== undefined && round % 2 === 0 ? received(status) : undefined);
      for (let count = 0; count < 7; count++) {
        api.addValue('a', number++);
        api.commit();
      }
      await clock.advance(4_000_000);
      api.resume();
      await clock.advance(4_000_000);
    }
    return { api, server, clock, calls };
  }

  test.each(NAMES)(
    'a listener of `%s` may push: one request at a time, and nothing hangs or is sent twice',
    async (name) => {
      const { api, server, calls } = await happen(name, (api) => api.push().catch(() => {}));
      expect(calls).toBeGreaterThan(0);
      expect(server.mostUnderWay).toBe(1);
      expect(new Set(server.stored).size).toBe(server.stored.length);
      expect(api.status()).toMatchObject({ pushing: false, committed: 0 });
      await api.close();
    },
  );

  test.each(NAMES)('a listener of `%s` may commit: it arrives, once', async (name) => {
    const { api, server, calls } = await happen(name, (api) => {
      api.addValue('a', `extra ${Math.random()}`);
      api.commit();
    });
    expect(calls).toBeGreaterThan(0);
    expect(new Set(server.stored).size).toBe(server.stored.length);
    expect(api.status()).toMatchObject({ pushing: false, committed: 0 });
    await api.close();
  });

  test('the state of automatic pushing stays right where a listener of `push` pushes', async () => {
    const { api, clock, server } = setUp({ autoPush: { everySeconds: 1 } });
    const answer = held();
    let isSecond = false;
    api.on('push', () => {
      if (isSecond) return;
      isSecond = true;
      server.answerWith(() => answer.answer);
      api.addValue('a', 2);
      api.commit();
      void api.push().catch(() => {});
    });
    api.addValue('a', 1);
    api.commit();
    await api.push();
    // A push is under way: none is planned.
    await clock.advance(500);
    expect(api.status()).toMatchObject({ pushing: true, nextTry: undefined });
    answer.give(received(200));
    await clock.advance(0);
    expect(api.status()).toMatchObject({ pushing: false, nextTry: undefined, committed: 0 });
  });
});
