import { describe, expect, test } from 'vitest';
import { Api, type ApiOptions, isApiException, memoryStorage, PushException } from '../../src/index.js';
import { webStorage } from '../../src/storage/web/web-storage.js';
import { pushFailure, rejectionOf } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';

function setUp() {
  const clock = new FakeClock();
  const server = new FakeServer();
  const storage = memoryStorage();
  const open = (): Api => new Api({ ...credentials, storage }, { clock, transport: server });
  return { clock, server, open };
}

describe('close()', () => {
  test.each<[string, (api: Api) => unknown]>([
    ['addValue', (api) => api.addValue('a', 1)],
    ['addValues', (api) => api.addValues({ a: 1 })],
    ['commit', (api) => api.commit()],
    ['push', (api) => api.push()],
    ['commitAndPush', (api) => api.commitAndPush()],
    ['reset', (api) => api.reset()],
    ['resetUnpushedEntries', (api) => api.resetUnpushedEntries()],
    ['restore', (api) => api.restore([])],
    ['dropQuarantined', (api) => api.dropQuarantined()],
    ['resume', (api) => api.resume()],
    ['subscribe', (api) => api.subscribe(() => {})],
    ['setApiKey', (api) => api.setApiKey(credentials.apiKey)],
    ['get', (api) => api.get('a')],
    ['testConnection', (api) => api.testConnection()],
    ['watch', (api) => api.watch('a')],
    ['on', (api) => api.on('push', () => {})],
  ])('after it %s throws an ApiException that says so', async (_name, call) => {
    const api = setUp().open();
    await api.close();
    const exception = await Promise.resolve(api)
      .then(call)
      .catch((error: unknown) => error);
    expect(isApiException(exception)).toBe(true);
    expect((exception as Error).message).toMatch(/This Api is closed/);
  });

  test('status, log and close itself still answer', async () => {
    const api = setUp().open();
    api.addValue('a', 1);
    const entry = api.commit();
    await api.close();
    await api.close();
    expect(api.log()).toEqual([entry]);
    expect(api.status()).toMatchObject({ committed: 1 });
  });

  test('F19 entries deleted from the storage are saved again before they are left to the next run', async () => {
    const { clock, server } = setUp();
    const localStorage = new FakeWebStorage();
    const open = (): Api =>
      new Api(
        { ...credentials, storage: webStorage(localStorage, {}, { page: new EventTarget() }) },
        { clock, transport: server },
      );
    server.answerWith(() => held().answer);
    const api = open();
    const [entry] = commitEach(api, 1);
    const push = api.push();
    localStorage.items.clear();
    await api.close();
    await expect(push).rejects.toMatchObject({ retainedData: true });
    const next = open();
    await clock.advance(5000);
    expect(next.log()).toEqual([entry]);
  });

  test('a push under way is rejected at once, keeps its entries, and the next run pushes them', async () => {
    const { server, open } = setUp();
    server.answerWith(() => held().answer);
    const api = open();
    api.addValue('a', 1);
    api.commit();
    const push = api.push();
    await api.close();
    await expect(push).rejects.toMatchObject({
      name: 'PushException',
      retainedData: true,
      message: expect.stringMatching(/^Bad luck: .*closed/),
    });
    server.answerWith(() => received(200));
    const next = open();
    await next.ready;
    expect(await next.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('a get under way is rejected at once', async () => {
    const { server, open } = setUp();
    server.answerWith(() => held().answer);
    const api = open();
    const get = api.get('a');
    await turn();
    await api.close();
    await expect(get).rejects.toMatchObject({
      name: 'GetException',
      message: expect.stringMatching(/^Bad luck: .*closed/),
    });
    expect(server.underWay).toBe(0);
  });

  test('values staged in the very same task are staged again in the next run', async () => {
    const { open } = setUp();
    const api = open();
    api.addValue('a', 1);
    await api.close();
    const next = open();
    await next.ready;
    expect(next.status().staged).toBe(1);
  });

  test('no timer is left', async () => {
    const { clock, open } = setUp();
    const api = open();
    await api.ready;
    await api.close();
    expect(clock.timers).toBe(0);
  });
});

describe('close({ push: true })', () => {
  function setUpOpen(options: Partial<ApiOptions> = {}) {
    const clock = new FakeClock();
    const server = new FakeServer();
    const environment = new FakeEnvironment();
    const api = new Api({ ...credentials, ...options }, { clock, transport: server, environment });
    return { clock, server, environment, api };
  }

  /** How a promise stands. */
  function follow(promise: Promise<unknown>): { state: 'pending' | 'resolved' | 'rejected'; error?: unknown } {
    const outcome: ReturnType<typeof follow> = { state: 'pending' };
    promise.then(
      () => Object.assign(outcome, { state: 'resolved' }),
      (error: unknown) => Object.assign(outcome, { state: 'rejected', error }),
    );
    return outcome;
  }

  test('pushes all that was committed, of all lengths, then ends', async () => {
    const { api, server, clock } = setUpOpen({ maxEntriesPerRequest: 2 });
    commitEach(api, 1, 2, 3, 4, 5);
    await api.close({ push: true });
    expect(server.uploads.flat()).toHaveLength(5);
    expect(api.status().committed).toBe(0);
    expect(clock.timers).toBe(0);
  });

  test('with nothing committed sends nothing', async () => {
    const { api, server } = setUpOpen();
    api.addValue('a', 1);
    await api.close({ push: true });
    expect(server.requests).toEqual([]);
  });

  test.each<[string, (api: Api) => unknown]>([
    ['commit', (api) => api.commit()],
    ['push', (api) => api.push()],
    ['addValue', (api) => api.addValue('a', 1)],
  ])('takes no %s while it is at it', async (_name, call) => {
    const { api, server } = setUpOpen();
    const answer = held();
    server.answerWith(() => answer.answer);
    commitEach(api, 1);
    const closing = api.close({ push: true });
    await turn();
    expect(isApiException(await rejectionOf(Promise.resolve(api).then(call)))).toBe(true);
    answer.give(received(200));
    await closing;
  });

  test('joins a push that is under way, and makes it no second one', async () => {
    const { api, server } = setUpOpen();
    const answer = held();
    server.answerWith(() => answer.answer);
    commitEach(api, 1);
    const push = api.push();
    commitEach(api, 2);
    const closing = api.close({ push: true });
    await turn();
    expect(server.requests).toHaveLength(1);
    server.answerWith(() => received(200));
    answer.give(received(200));
    await push;
    await closing;
    expect(server.uploads).toEqual([[[{ temperature: 1 }]], [[{ temperature: 2 }]]]);
    expect(server.mostUnderWay).toBe(1);
  });

  test('tries again after bad luck, with growing pauses, while there is time', async () => {
    const { api, server, clock } = setUpOpen();
    commitEach(api, 1);
    server.answerWith(() => received(server.requests.length < 4 ? 429 : 200));
    const outcome = follow(api.close({ push: true }));
    await clock.advance(7000);
    expect(outcome.state).toBe('resolved');
    expect(server.requests).toHaveLength(4);
    expect(api.status().committed).toBe(0);
  });

  test('gives up by its time however the network hangs, says so, and keeps everything', async () => {
    const { api, server, clock } = setUpOpen();
    const [entry] = commitEach(api, 1);
    server.answerWith(() => held().answer);
    const outcome = follow(api.close({ push: true, timeoutSeconds: 3 }));
    await clock.advance(2999);
    expect(outcome.state).toBe('pending');
    await clock.advance(1);
    expect(outcome).toMatchObject({
      state: 'rejected',
      error: { name: 'PushException', message: expect.stringMatching(/3 s.*closed/), retainedData: true },
    });
    expect(api.log()).toEqual([entry]);
    expect(server.underWay).toBe(0);
    expect(clock.timers).toBe(0);
  });

  test('with a dead network fails with what the last try failed with, in time', async () => {
    const { api, server, clock } = setUpOpen();
    commitEach(api, 1);
    server.answerWith(() => ({ received: false, reason: 'unreachable', code: 'ECONNREFUSED' }));
    const outcome = follow(api.close({ push: true, timeoutSeconds: 20 }));
    await clock.advance(20_000);
    expect(outcome).toMatchObject({
      state: 'rejected',
      error: { message: expect.stringContaining('ECONNREFUSED'), retainedData: true },
    });
    expect(server.requests.length).toBeGreaterThan(2);
    expect(server.requests.length).toBeLessThan(30);
    expect(clock.timers).toBe(0);
  });

  test('a Retry-After beyond the time ends it at once', async () => {
    const { api, server, clock } = setUpOpen();
    commitEach(api, 1);
    server.answerWith(() => ({ ...received(503), retryAfter: '60' }) as never);
    const outcome = follow(api.close({ push: true }));
    await clock.advance(0);
    expect(outcome).toMatchObject({ state: 'rejected', error: { status: 503, retryAfter: 60 } });
    expect(server.requests).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test.each([400, 401, 404])('a rejection (%i) ends it at once', async (status) => {
    const { api, server, clock } = setUpOpen();
    commitEach(api, 1);
    server.answerWith(() => received(status));
    expect(await rejectionOf(api.close({ push: true }))).toMatchObject({ status });
    expect(clock.timers).toBe(0);
    // Refused credentials are confirmed.
    expect(server.requests).toHaveLength(status === 401 ? 2 : 1);
  });

  test('entries that wait for an automatic push are sent at once, and nothing after them', async () => {
    const { api, server, clock } = setUpOpen({ autoPush: { everySeconds: 100 } });
    commitEach(api, 1);
    await api.close({ push: true });
    expect(server.requests).toHaveLength(1);
    await clock.advance(1_000_000);
    expect(server.requests).toHaveLength(1);
  });

  test('again and again is one closing, and all resolve with it', async () => {
    const { api, server } = setUpOpen();
    const answer = held();
    server.answerWith(() => answer.answer);
    commitEach(api, 1);
    const outcomes = [api.close({ push: true }), api.close(), api.close({ push: true })].map(follow);
    await turn();
    expect(outcomes.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending']);
    answer.give(received(200));
    await turn();
    expect(outcomes.map(({ state }) => state)).toEqual(['resolved', 'resolved', 'resolved']);
    expect(server.requests).toHaveLength(1);
  });

  test('that failed is reported only to the callers of push()', async () => {
    const { api, server } = setUpOpen();
    commitEach(api, 1);
    server.answerWith(() => received(404));
    await expect(api.close({ push: true })).rejects.toBeInstanceOf(PushException);
    await expect(api.close()).resolves.toBeUndefined();
    await expect(api.close({ push: true })).rejects.toBeInstanceOf(PushException);
  });

  test('after close() without it does nothing: what is queued is left to the next run', async () => {
    const { api, server } = setUpOpen();
    commitEach(api, 1);
    await api.close();
    await api.close({ push: true });
    expect(server.requests).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['push', { push: 1 }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
    ['timeoutSeconds', { timeoutSeconds: -1 }],
    ['timeoutSeconds', { timeoutSeconds: Number.NaN }],
    ['timeoutSeconds', { timeoutSeconds: '5' }],
    ['timeoutSeconds', { timeoutSeconds: 86_401 }],
    ['pusch', { pusch: true }],
  ])('refuses a %s that cannot be used (%j), and stays open', async (name, options) => {
    const { api } = setUpOpen();
    expect(await rejectionOf(api.close(options as never))).toMatchObject({
      name: 'ConfigException',
      message: expect.stringContaining(name),
    });
    commitEach(api, 1);
    await api.close();
  });

  test('is what `await using` does', async () => {
    const { api, server } = setUpOpen();
    expect(Object.keys(api)).not.toContain('Symbol(Symbol.asyncDispose)');
    commitEach(api, 1);
    await api[Symbol.asyncDispose]();
    expect(server.requests).toHaveLength(1);
    expect(() => api.commit()).toThrow(/closed/);
  });
});

describe('closing from within an event', () => {
  test.each(['commit', 'push', 'retry', 'discard', 'quarantine', 'warning', 'error'] as const)(
    'is harmless (%s): what is under way is answered, and no timer stays',
    async (name) => {
      const clock = new FakeClock();
      const server = new FakeServer();
      const environment = new FakeEnvironment();
      const api = new Api(
        { ...credentials, autoPush: { everySeconds: 0 }, maxQueuedEntries: 5, overflow: 'drop-oldest' },
        { clock, transport: server, environment },
      );
      let isClosed = false;
      api.on(name, () => {
        isClosed = true;
        void api.close();
      });
      if (name === 'warning')
        api.on('commit', () => {
          throw new Error('own');
        });
      server.answerWith(({ body = '' }) =>
        received(name === 'discard' ? 401 : name === 'retry' || name === 'error' ? 503 : /:1}/.test(body) ? 400 : 200),
      );
      for (const number of [0, 1, 2, 3, 4, 5]) {
        if (isClosed) break;
        api.addValue('temperature', number);
        try {
          api.commit();
        } catch (error) {
          expect(isApiException(error)).toBe(true);
        }
      }
      const push = isClosed ? undefined : api.push().catch((error: unknown) => expect(error).toSatisfy(isApiException));
      await clock.advance(60_000);
      await push;
      expect(isClosed).toBe(true);
      expect(api.status().pushing).toBe(false);
      expect(clock.timers).toBe(0);
      expect(environment.listeners).toBe(0);
    },
  );
});

test('a closing push that fails with nothing but memory to keep its entries says where they are', async () => {
  const clock = new FakeClock();
  const server = new FakeServer();
  server.answerWith(() => received(404));
  const api = openApi({ storage: memoryStorage() }, { clock, transport: server });
  commitEach(api, 1);
  const exception = await pushFailure(api.close({ push: true }));
  expect(exception).toMatchObject({ message: 'Bad request: 404', status: 404 });
  expect(exception.advice).toMatch(/in memory only: log\(\) returns them/);
  expect(api.log()).toHaveLength(1);
});
