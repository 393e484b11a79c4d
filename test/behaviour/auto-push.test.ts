import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/core/ports/transport.js';
import { type Api, type ApiOptions, memoryStorage, type RetryEvent } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { held, received } from '../support/fakes/fake-server.js';
import { PickyServer, range } from '../support/fakes/picky-server.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function setUp(autoPush: ApiOptions['autoPush'] = true, options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new PickyServer();
  const environment = new FakeEnvironment();
  const api = openApi({ autoPush, ...options }, { clock, transport: server, environment });
  /** When each request was sent, on the monotonic clock. */
  const times: number[] = [];
  const instead = { answer: undefined as (() => Answer | undefined) | undefined };
  server.instead = () => {
    times.push(clock.monotonic());
    return instead.answer?.();
  };
  const errors: unknown[] = [];
  api.on('error', (error) => errors.push(error));
  return { clock, server, environment, api, times, instead, errors };
}

const refused = (status: number, retryAfter?: string): Answer => ({ ...received(status), retryAfter }) as Answer;

describe('a push by hand that is given up', () => {
  test('does not change when the next automatic push is due', async () => {
    const { api, clock, times, instead } = setUp({ atEntries: 2 });
    instead.answer = () => refused(503, '3600');
    commitEach(api, 1, 2);
    await clock.advance(SECOND);
    const before = times.length;
    const { nextTry } = api.status();
    const controller = new AbortController();
    instead.answer = () => undefined;
    const push = pushFailure(api.push({ signal: controller.signal }));
    controller.abort();
    await push;
    await clock.advance(HOUR - 2 * SECOND);
    expect(times).toHaveLength(before + 1);
    expect(api.status().nextTry).toBe(nextTry);
  });

  test('does not go on where credentials were refused', async () => {
    const { api, clock, times, instead } = setUp({ atEntries: 1 }, { onRefusedCredentials: 'keep' });
    instead.answer = () => refused(401);
    commitEach(api, 1);
    await clock.advance(SECOND);
    const before = times.length;
    const controller = new AbortController();
    const push = pushFailure(api.push({ signal: controller.signal }));
    controller.abort();
    await push;
    await clock.advance(HOUR);
    expect(times).toHaveLength(before + 1);
  });
});

describe('automatic pushing', () => {
  test('without it nothing is pushed, and no timer waits for that', async () => {
    const { api, clock, times, environment } = setUp(false);
    commitEach(api, ...range(1, 500));
    environment.dispatch('online');
    environment.dispatch('visible');
    api.resume();
    await clock.advance(HOUR);
    expect(times).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test.each([
    [true, 10],
    [{}, 10],
    [{ everySeconds: 60 }, 60],
    [{ everySeconds: 86_400 }, 86_400],
    [{ atEntries: 1000 }, 10],
  ] as const)('with %j what is committed is pushed together, within %i s', async (autoPush, seconds) => {
    const { api, clock, times, server } = setUp(autoPush);
    commitEach(api, 1, 2);
    expect(times).toEqual([]);
    await clock.advance(seconds * SECOND);
    expect(times).toHaveLength(1);
    expect(server.stored).toEqual([1, 2]);
    await clock.advance(86_400_000);
    expect(times).toHaveLength(1);
  });

  test('keeps to its own beat: pushes are never closer than so many seconds', async () => {
    const { api, clock, times } = setUp({ everySeconds: 60 });
    for (let second = 0; second < 600; second++) {
      commitEach(api, second);
      await clock.advance(SECOND);
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(gaps).toHaveLength(9);
    for (const gap of gaps) expect(gap).toBeCloseTo(MINUTE, 6);
  });

  test('begins at once where as many are queued as asked for', async () => {
    const { api, clock, times, server } = setUp({ atEntries: 3 });
    commitEach(api, 1, 2);
    await clock.advance(0);
    expect(times).toEqual([]);
    commitEach(api, 3);
    await clock.advance(0);
    expect(server.sizes).toEqual([3]);
  });

  test('in a loop that commits without a pause takes one timer and one request, not one a commit', async () => {
    const { api, clock, server } = setUp({ atEntries: 3 });
    commitEach(api, ...range(1, 300));
    expect(clock.timers).toBeLessThanOrEqual(2);
    await clock.advance(0);
    expect(server.sizes).toEqual([300]);
  });

  test.each([{ everySeconds: 0 }, { atEntries: 1 }, { everySeconds: 0, atEntries: 1 }])(
    'with %j each task’s commits leave at once, those during a push right after it, and then it is quiet',
    async (autoPush) => {
      const { api, clock, times, server, instead } = setUp(autoPush);
      commitEach(api, 1, 2);
      await clock.advance(0);
      expect(server.stored).toEqual([1, 2]);
      instead.answer = () => {
        instead.answer = undefined;
        commitEach(api, 4);
        return undefined;
      };
      commitEach(api, 3);
      await clock.advance(0);
      await clock.advance(0);
      expect(server.stored).toEqual([1, 2, 3, 4]);
      await clock.advance(HOUR);
      expect(times).toHaveLength(3);
    },
  );

  test.each([{ everySeconds: 0 }, { atEntries: 1 }, { everySeconds: 0, atEntries: 1 }])(
    'with %j an outage is answered with growing pauses anyway, however much is committed',
    async (autoPush) => {
      const { api, clock, times, instead } = setUp(autoPush);
      instead.answer = () => refused(429);
      for (let second = 0; second < 3600; second++) {
        commitEach(api, second);
        await clock.advance(SECOND);
      }
      // Ten tries until the pauses are 5 min at most, then one in 150 s as a mean.
      expect(times.length).toBeLessThan(60);
    },
  );

  test.each([400, 422, 413])(
    'quarantines an entry that was refused (%d) while it was the only one, once the next one is due, and stores that in time',
    async (status) => {
      const { api, clock, server, instead } = setUp();
      instead.answer = () => undefined;
      server.minds = (value) => value === 75;
      server.status = status;
      commitEach(api, 75);
      await clock.advance(15 * SECOND);
      expect(api.quarantined()).toEqual([]);
      commitEach(api, 21);
      await clock.advance(15 * SECOND);
      expect(server.stored).toEqual([21]);
      expect(api.quarantined()).toHaveLength(1);
    },
  );

  test('takes what an earlier run left', async () => {
    const storage = memoryStorage();
    const before = openApi({ storage });
    commitEach(before, 1, 2);
    await before.close();
    const { clock, server } = setUp(true, { storage });
    await clock.advance(11 * SECOND);
    expect(server.stored).toEqual([1, 2]);
  });

  test('takes what was restored', async () => {
    const { api, clock, server } = setUp();
    api.restore([{ id: 'x', timestamp: 1, values: [{ fieldId: 'a', value: 5 }] }]);
    await clock.advance(11 * SECOND);
    expect(server.stored).toEqual([5]);
  });

  test('and a push by hand: nothing is sent twice, and no timer stays', async () => {
    const { api, clock, times } = setUp();
    commitEach(api, 1);
    await api.push();
    await clock.advance(HOUR);
    expect(times).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test('ends with close(): no timer stays, and nothing is sent', async () => {
    const { api, clock, times, environment } = setUp();
    commitEach(api, 1);
    await api.close();
    environment.dispatch('online');
    await clock.advance(HOUR);
    expect(times).toEqual([]);
    expect(clock.timers).toBe(0);
    expect(environment.listeners).toBe(0);
  });

  test('uses timers that keep no process alive', async () => {
    const { api, clock, instead } = setUp();
    commitEach(api, 1);
    expect(clock.foregroundTimers).toBe(0);
    instead.answer = () => refused(503);
    await clock.advance(11 * SECOND);
    expect(clock.timers).toBeGreaterThan(0);
    expect(clock.foregroundTimers).toBe(0);
  });
});

describe('after a failure', () => {
  test('it tries again after growing pauses, 0.3 s to 5 min, and the event has the due time and the failure', async () => {
    const { api, clock, times, instead, errors } = setUp({ everySeconds: 0 });
    const retries: RetryEvent[] = [];
    api.on('retry', (event) => {
      expect(event.at).toBe(api.status().nextTry);
      expect(event.at).toBe(Math.ceil((clock.now() + event.seconds * 1000) / 1000));
      retries.push(event);
    });
    instead.answer = () => refused(429);
    commitEach(api, 1);
    await clock.advance(HOUR);
    expect(times.length).toBeGreaterThan(12);
    const pauses = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / SECOND);
    pauses.forEach((pause, index) => {
      expect(pause).toBeGreaterThanOrEqual(0.3);
      expect(pause).toBeLessThanOrEqual(Math.min(2 ** index, 300));
      expect(retries[index]?.seconds).toBeCloseTo(pause, 6);
      expect(retries[index]).toMatchObject({ attempt: index + 1, message: 'Bad luck: the server answered 429.' });
    });
    expect(errors).toHaveLength(times.length);
    expect(errors[0]).toMatchObject({ name: 'PushException', status: 429 });
  });

  test.each([
    ['seconds', '120', 120],
    ['more than any pause', '3600', 3600],
    ['more than an hour', '1e12', 3600],
  ])('it waits as long as Retry-After asks (%s), and a tenth longer at most', async (_name, header, seconds) => {
    const { api, clock, times, instead, environment } = setUp({ everySeconds: 0, atEntries: 1 });
    instead.answer = () => refused(503, header);
    commitEach(api, 1);
    await clock.advance(0);
    instead.answer = undefined;
    for (let minute = 0; minute * 60 < seconds - 60; minute++) {
      environment.dispatch('online');
      environment.dispatch('visible');
      commitEach(api, minute);
      await clock.advance(MINUTE);
    }
    expect(times).toHaveLength(1);
    await clock.advance((60 + seconds / 10) * SECOND);
    expect((times[1] ?? 0) / SECOND).toBeGreaterThanOrEqual(seconds);
    expect((times[1] ?? 0) / SECOND).toBeLessThanOrEqual(seconds * 1.1);
  });

  test.each([400, 404, 413, 422])('a rejection (%i) is tried again after 15 to 60 min', async (status) => {
    const { api, clock, times, instead, environment } = setUp({ everySeconds: 0, atEntries: 1 });
    instead.answer = () => refused(status);
    commitEach(api, 1);
    await clock.advance(0);
    // The acceptance of a newer entry would prove that the content of the first is bad.
    if (status === 404) commitEach(api, 2);
    for (let minute = 0; minute < 14; minute++) {
      environment.dispatch('online');
      await clock.advance(MINUTE);
    }
    expect(times).toHaveLength(1);
    await clock.advance(47 * MINUTE);
    expect(times.length).toBeGreaterThan(1);
  });

  test('quarantined entries are no reason to wait: later entries are pushed as usual', async () => {
    const { api, clock, server } = setUp({ everySeconds: 10 });
    server.minds = (value) => (value as number) % 10 === 5;
    for (let second = 0; second < 100; second++) {
      commitEach(api, second);
      await clock.advance(SECOND);
    }
    await clock.advance(11 * SECOND);
    expect(server.stored).toHaveLength(90);
    expect(api.status()).toMatchObject({ committed: 0, quarantined: 10 });
  });

  test('an entry that fails with 5xx neither delays the others nor causes more pushes', async () => {
    const { api, clock, server, times } = setUp({ everySeconds: 10 });
    server.instead = (values) => {
      times.push(clock.monotonic());
      return values.includes(0) ? received(503) : undefined;
    };
    for (let second = 0; second < 3600; second++) {
      commitEach(api, second);
      await clock.advance(SECOND);
    }
    await clock.advance(11 * SECOND);
    expect(server.stored).toEqual(range(1, 3599));
    expect(times.length).toBeLessThan(360 * 2 + 60);
  });

  test('entries with strikes are tried every 15 to 60 minutes, delay no other, and are quarantined once others passed', async () => {
    const { api, clock, server, times } = setUp({ everySeconds: 10, atEntries: 2 });
    server.instead = (values) => {
      times.push(clock.monotonic());
      return values.some((value) => value === 1 || value === 2) ? received(503) : undefined;
    };
    commitEach(api, 1, 2, 3, 4);
    await clock.advance(20 * MINUTE);
    expect(server.stored).toEqual([3, 4]);
    const before = times.length;
    await clock.advance(24 * HOUR);
    expect(times.length - before).toBeGreaterThanOrEqual(24);
    expect(times.length - before).toBeLessThanOrEqual(96);
    expect(api.status()).toMatchObject({ committed: 2, quarantined: 0, nextTry: expect.any(Number) });
    for (let number = 5; number < 105; number++) {
      const before = times.length;
      commitEach(api, number);
      await clock.advance(10 * SECOND);
      expect(server.stored.at(-1)).toBe(number);
      expect(times.length - before).toBeLessThanOrEqual(2);
      await clock.advance(10 * SECOND);
      expect(times.length - before).toBeLessThanOrEqual(2);
    }
    expect(new Set(api.quarantined().map(({ values }) => values[0]?.value))).toEqual(new Set([1, 2]));
    expect(api.status()).toMatchObject({ committed: 0, nextTry: undefined });
  });

  describe('where only entries with strikes are queued', () => {
    /** One that waits for its slow try. */
    async function setUpStruck(options: Partial<ApiOptions> = {}) {
      const found = setUp({ everySeconds: 10, atEntries: 50 }, options);
      const { api, clock, server, times } = found;
      const asked: { retryAfter?: string } = {};
      server.instead = (values) => {
        times.push(clock.monotonic());
        return values.includes(1) ? refused(503, asked.retryAfter) : undefined;
      };
      commitEach(api, 1, 2);
      await clock.advance(10 * MINUTE);
      commitEach(api, 3);
      await clock.advance(MINUTE);
      expect(api.status()).toMatchObject({ committed: 1 });
      expect(server.stored).toEqual([2, 3]);
      return { ...found, asked };
    }

    test('entries committed once those have left are not delayed', async () => {
      const { api, clock, server } = await setUpStruck();
      api.resetUnpushedEntries();
      commitEach(api, 4);
      await clock.advance(10 * SECOND);
      expect(server.stored.at(-1)).toBe(4);
    });

    test('entries committed while the last of those is dropped are not delayed', async () => {
      const { api, clock, server } = await setUpStruck({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
      commitEach(api, 4, 5);
      expect(api.status().committed).toBe(2);
      await clock.advance(10 * SECOND);
      expect(server.stored.slice(-2)).toEqual([4, 5]);
    });

    test('entries committed by a listener of its retry event are not delayed', async () => {
      const { api, clock, server } = await setUpStruck();
      let isDone = false;
      api.on('retry', () => {
        if (isDone) return;
        isDone = true;
        commitEach(api, 4);
      });
      await clock.advance(HOUR);
      expect(isDone).toBe(true);
      await clock.advance(10 * SECOND);
      expect(server.stored).toContain(4);
    });

    test('entries committed while one of those is tried are not delayed, though the server rejects that one', async () => {
      const { api, clock, server } = await setUpStruck();
      const { instead } = server;
      server.instead = (values) => {
        if (!values.includes(1)) return instead?.(values);
        if (api.status().committed === 1) commitEach(api, 4);
        return refused(404);
      };
      for (let minute = 0; minute < 60 && api.status().committed === 1; minute++) await clock.advance(MINUTE);
      await clock.advance(MINUTE);
      expect(server.stored).toContain(4);
    });

    test('a push by hand that is given up does not bring the next try forward', async () => {
      const { api, clock, times } = await setUpStruck();
      const controller = new AbortController();
      const push = pushFailure(api.push({ signal: controller.signal }));
      controller.abort();
      await push;
      const before = times.length;
      await clock.advance(4 * MINUTE);
      expect(times).toHaveLength(before);
    });

    test('it waits as long as the server asks, if that is longer', async () => {
      const { api, clock, times, asked } = await setUpStruck();
      asked.retryAfter = '3600';
      await expect(api.push()).rejects.toThrow();
      const before = times.length;
      await clock.advance(59 * MINUTE);
      expect(times).toHaveLength(before);
      await clock.advance(MINUTE);
      expect(times).toHaveLength(before + 1);
    });
  });

  test.each([401, 403])('refused credentials (%i) stop it', async (status) => {
    const { api, clock, times, instead, environment, errors } = setUp(
      { everySeconds: 0, atEntries: 1 },
      { onRefusedCredentials: 'keep' },
    );
    instead.answer = () => refused(status);
    commitEach(api, 1);
    await clock.advance(0);
    for (let hour = 0; hour < 48; hour++) {
      commitEach(api, hour);
      environment.dispatch('online');
      environment.dispatch('visible');
      await clock.advance(HOUR);
    }
    // The refused upload and its confirmation.
    expect(times).toHaveLength(2);
    expect(errors).toMatchObject([{ status }]);
    expect(api.status().nextTry).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  test('a listener of the error may give it another key, and it goes on', async () => {
    const { api, clock, instead, server } = setUp(true, { onRefusedCredentials: 'keep' });
    instead.answer = () => refused(401);
    api.on('error', () => {
      instead.answer = undefined;
      api.setApiKey('33333333-3333-4333-8333-333333333333');
    });
    commitEach(api, 1);
    await clock.advance(11 * SECOND);
    expect(server.stored).toEqual([1]);
  });

  test.each<[string, (api: Api) => unknown]>([
    ['resume()', (api) => api.resume()],
    ['setApiKey()', (api) => api.setApiKey('33333333-3333-4333-8333-333333333333')],
    ['a push by hand', (api) => api.push()],
  ])('%s sets it going again after refused credentials', async (_name, goOn) => {
    const { api, clock, instead, server } = setUp(true, { onRefusedCredentials: 'keep' });
    instead.answer = () => refused(401);
    commitEach(api, 1);
    await clock.advance(11 * SECOND);
    instead.answer = undefined;
    void goOn(api);
    await clock.advance(0);
    expect(server.stored).toEqual([1]);
    commitEach(api, 2);
    await clock.advance(11 * SECOND);
    expect(server.stored).toEqual([1, 2]);
  });

  test('resume() does not wait for the rest of any pause', async () => {
    const { api, clock, instead, server } = setUp({ everySeconds: 0 });
    instead.answer = () => refused(503, '3600');
    commitEach(api, 1);
    await clock.advance(0);
    instead.answer = undefined;
    api.resume();
    await clock.advance(0);
    expect(server.stored).toEqual([1]);
  });

  test('resume() while a push is under way starts no second one', async () => {
    const { api, clock, server } = setUp({ everySeconds: 0 });
    const answer = held();
    server.answerWith(() => answer.answer);
    commitEach(api, 1);
    await clock.advance(0);
    api.resume();
    api.setApiKey('33333333-3333-4333-8333-333333333333');
    commitEach(api, 2);
    await clock.advance(5 * SECOND);
    expect(server.requests).toHaveLength(1);
    answer.give(received(200));
    server.answerWith(() => received(200));
    await clock.advance(0);
    await clock.advance(0);
    expect(server.requests).toHaveLength(2);
    expect(server.mostUnderWay).toBe(1);
    expect(api.status().committed).toBe(0);
  });

  test('a key that was changed while the old one was being refused is tried soon', async () => {
    const { api, clock, server } = setUp({ everySeconds: 0 });
    const answer = held();
    server.answerWith(() => answer.answer);
    commitEach(api, 1);
    await clock.advance(0);
    api.setApiKey('33333333-3333-4333-8333-333333333333');
    answer.give(received(401));
    server.answerWith(() => received(200));
    await clock.advance(2 * SECOND);
    expect(api.status().committed).toBe(0);
  });
});

describe('when the network comes back, or the page is shown again', () => {
  test.each(['online', 'visible'] as const)('it tries soon what waited for long (%s)', async (happens) => {
    const { api, clock, instead, server, environment } = setUp({ everySeconds: 0 });
    instead.answer = () => refused(429);
    commitEach(api, 1);
    await clock.advance(HOUR);
    instead.answer = undefined;
    environment.dispatch(happens);
    await clock.advance(6 * SECOND);
    expect(server.stored).toEqual([1]);
  });

  test('a push that was due sooner is not postponed', async () => {
    const { api, clock, times, environment } = setUp({ everySeconds: 1 });
    commitEach(api, 1);
    const { nextTry = 0 } = api.status();
    await clock.advance(nextTry * SECOND - clock.now() - SECOND);
    environment.dispatch('online');
    expect(api.status().nextTry).toBe(nextTry);
    await clock.advance(SECOND);
    expect(times).toHaveLength(1);
  });

  test('F15 a network that comes and goes all the time makes it try each 5 s at most', async () => {
    const { api, clock, times, instead, environment } = setUp({ everySeconds: 0 });
    instead.answer = () => ({ received: false, reason: 'unreachable' });
    commitEach(api, 1);
    for (let tick = 0; tick < 3600; tick++) {
      environment.dispatch(tick % 2 ? 'online' : 'offline');
      await clock.advance(100);
    }
    expect(times.length).toBeLessThanOrEqual(360 / 5 + 10);
    expect(clock.timers).toBeLessThanOrEqual(1);
  });

  test('F15 a platform that says it is offline is only a hint: what is due is pushed anyway', async () => {
    const { api, clock, server, environment } = setUp({ everySeconds: 10 });
    environment.dispatch('offline');
    commitEach(api, 1);
    await clock.advance(10 * SECOND);
    expect(server.stored).toEqual([1]);
    commitEach(api, 2);
    expect(await api.push()).toMatchObject({ pushed: 1 });
  });

  test('F15 a platform that reports online while nothing can be reached loses nothing', async () => {
    const { api, clock, instead, environment, server } = setUp({ everySeconds: 10 });
    instead.answer = () => ({ received: false, reason: 'unreachable' });
    commitEach(api, 1);
    environment.dispatch('online');
    await clock.advance(MINUTE);
    expect(api.status()).toMatchObject({ online: false, committed: 1 });
    instead.answer = undefined;
    await clock.advance(10 * MINUTE);
    expect(server.stored).toEqual([1]);
  });

  test('with nothing queued nothing happens', async () => {
    const { clock, times, environment } = setUp();
    environment.dispatch('online');
    environment.dispatch('visible');
    await clock.advance(HOUR);
    expect(times).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe('when the process ends', () => {
  test('with memory only, one last push is made, once, whatever it was waiting for', async () => {
    const { api, clock, times, instead, environment } = setUp();
    instead.answer = () => refused(503, '3600');
    commitEach(api, 1);
    await clock.advance(11 * SECOND);
    environment.dispatch('before-exit');
    await turn();
    expect(times).toHaveLength(2);
    environment.dispatch('before-exit');
    await turn();
    expect(times).toHaveLength(2);
  });

  test('a first end with nothing to push leaves the last push to a later one', async () => {
    const { api, server, environment } = setUp();
    environment.dispatch('before-exit');
    commitEach(api, 1);
    environment.dispatch('before-exit');
    await turn();
    expect(server.stored).toEqual([1]);
  });

  test('neither without autoPush nor after refused credentials anything is sent', async () => {
    const idle = setUp(false);
    commitEach(idle.api, 1);
    idle.environment.dispatch('before-exit');
    const stopped = setUp(true, { onRefusedCredentials: 'keep' });
    stopped.instead.answer = () => refused(401);
    commitEach(stopped.api, 1);
    await pushFailure(stopped.api.push());
    const before = stopped.times.length;
    stopped.environment.dispatch('before-exit');
    await turn();
    expect(idle.times).toHaveLength(0);
    expect(stopped.times).toHaveLength(before);
  });
});

describe('an unhandled rejection', () => {
  test('is never caused, however an automatic push fails and whatever listeners do', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    for (const status of [400, 401, 404, 413, 429, 503]) {
      const { api, clock, instead } = setUp({ everySeconds: 0 });
      api.on('error', () => {
        throw new Error('the listener’s own');
      });
      api.on('retry', (async () => {
        throw new Error('the listener’s own');
      }) as () => void);
      instead.answer = () => refused(status);
      commitEach(api, 1, 2);
      await clock.advance(HOUR);
      commitEach(api, 3);
      await clock.advance(0);
      await api.close();
    }
    await turn();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
