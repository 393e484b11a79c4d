import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { TransportRequest } from '../../src/core/ports/transport.js';
import type { ApiOptions } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { deferred } from '../support/fakes/stub-fetch.js';

const OTHER_KEY = '33333333-3333-4333-8333-333333333333';
const LAST_KEY = '44444444-4444-4444-8444-444444444444';

/** An `Api` whose function returns these keys, one a call, and a server that takes one of them. */
function setUp(keys: readonly unknown[], valid = API_KEY, options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const environment = new FakeEnvironment();
  const state = { calls: 0, valid };
  const server = new FakeServer(({ headers, method }) => {
    if (headers['x-api-key'] !== state.valid) return received(401, { message: `not ${headers['x-api-key']}` });
    return received(200, method === 'GET' ? { data: { servertime: 1, values: [] } } : {});
  });
  const apiKey = async (): Promise<string> => {
    const key = keys[Math.min(state.calls++, keys.length - 1)];
    if (key instanceof Error) throw key;
    return key as string;
  };
  const api = openApi({ apiKey, ...options }, { clock, transport: server, environment });
  const keysOf = (): unknown[] => server.requests.map(({ headers }) => headers['x-api-key']);
  return { api, clock, environment, server, state, keysOf };
}

const bodiesOf = ({ body = '' }: TransportRequest): number => body.split('"timestamp"').length - 1;

describe('apiKey as a function', () => {
  test('is called before the first request, and its key is kept', async () => {
    const { api, state, keysOf } = setUp([API_KEY]);
    expect(state.calls).toBe(0);
    for (let time = 0; time < 3; time++) {
      commitEach(api, time);
      await api.push();
    }
    await api.get('t');
    expect(state.calls).toBe(1);
    expect(keysOf()).toEqual(Array(4).fill(API_KEY));
  });

  test('may return the key itself', async () => {
    const server = new FakeServer();
    const api = openApi({ apiKey: () => API_KEY }, { transport: server });
    commitEach(api, 1);
    expect(await api.push()).toMatchObject({ pushed: 1, requests: 1 });
  });

  test('concurrent requests share one call', async () => {
    const { api, state } = setUp([API_KEY]);
    commitEach(api, 1);
    await Promise.all([api.push(), api.get('t'), api.get('u'), api.testConnection()]);
    expect(state.calls).toBe(1);
  });

  test('that rejects with a key before it ever returned one does not spread it', async () => {
    const spread = [OTHER_KEY, OTHER_KEY.replaceAll('-', '').toUpperCase(), OTHER_KEY.split('').join('\u200b')];
    const { api } = setUp(spread.map((key) => new Error(`token ${key} has expired`)));
    commitEach(api, 1);
    for (const key of spread) {
      const failure = await pushFailure(api.push());
      expect(failure.message).toMatch(
        /^Bad luck: the function apiKey gave no API Key: token [x-]{32,36} has expired\.$/,
      );
      expect(inspect([failure, api.status()])).not.toContain(key.slice(-12));
    }
  });

  test('is called once more after a 401: with another key the batch is sent again, and nothing is discarded', async () => {
    const { api, state, server, keysOf } = setUp([OTHER_KEY, API_KEY]);
    commitEach(api, 1, 2);
    expect(await api.push()).toMatchObject({ pushed: 2, requests: 2 });
    expect(state.calls).toBe(2);
    expect(keysOf()).toEqual([OTHER_KEY, API_KEY]);
    expect(server.requests.map(bodiesOf)).toEqual([2, 2]);
  });

  test('that returns the same key again is confirmed by an upload without entries, and not called a third time', async () => {
    const { api, state, server } = setUp([OTHER_KEY]);
    commitEach(api, 1);
    await expect(api.push()).rejects.toMatchObject({ status: 401, retainedData: false });
    expect(state.calls).toBe(2);
    // The batch, and the upload without entries.
    expect(server.requests.map(bodiesOf)).toEqual([1, 0]);
  });

  test('that returns another wrong key is confirmed with that one', async () => {
    const { api, state, server, keysOf } = setUp([OTHER_KEY, LAST_KEY]);
    commitEach(api, 1);
    await expect(api.push()).rejects.toMatchObject({ status: 401, retainedData: false });
    expect(state.calls).toBe(2);
    expect(keysOf()).toEqual([OTHER_KEY, LAST_KEY, LAST_KEY]);
    expect(server.requests.map(bodiesOf)).toEqual([1, 1, 0]);
  });

  test('is called again when a key has expired, for reads and uploads', async () => {
    const { api, state } = setUp([API_KEY, OTHER_KEY, LAST_KEY]);
    commitEach(api, 1);
    await api.push();
    state.valid = OTHER_KEY;
    await api.get('t');
    expect(state.calls).toBe(2);
    state.valid = LAST_KEY;
    commitEach(api, 2);
    expect(await api.push()).toMatchObject({ pushed: 1, requests: 2 });
    expect(state.calls).toBe(3);
  });

  test.each([
    ['rejects', new Error('the vault is sealed'), 'the vault is sealed'],
    ['returns no UUID', 'swordfish', 'apiKey must be a UUID'],
    ['returns nothing', undefined, 'apiKey must be a UUID'],
    ['returns the device id', DEVICE_ID, 'deviceId and apiKey are the same'],
  ])('that %s is a transient failure: no request, and nothing is lost', async (_, key, message) => {
    const { api, server, state } = setUp([key, API_KEY]);
    commitEach(api, 1);
    const exception = await api.push().catch((error) => error);
    expect(exception).toMatchObject({ name: 'PushException', retainedData: true });
    expect(exception.message).toMatch(/^Bad luck: the function apiKey gave no API Key: /);
    expect(exception.message).toContain(message);
    expect(exception.message).not.toContain('swordfish');
    expect(server.requests).toEqual([]);
    expect(await api.push()).toMatchObject({ pushed: 1, requests: 1 });
    expect(state.calls).toBe(2);
  });

  test('that throws is a transient failure too, with autoPush a retry', async () => {
    const clock = new FakeClock();
    const server = new FakeServer();
    let isSealed = true;
    const apiKey = (): string => {
      if (isSealed) throw new Error('sealed');
      return API_KEY;
    };
    const api = openApi({ apiKey, autoPush: true }, { clock, transport: server });
    commitEach(api, 1);
    await clock.advance(11_000);
    isSealed = false;
    expect(api.status()).toMatchObject({ committed: 1, nextTry: expect.any(Number) });
    await clock.advance(3000);
    expect(api.status().committed).toBe(0);
  });

  test('counts towards requestTimeout, and a call that never ends holds up no later request', async () => {
    const clock = new FakeClock();
    const server = new FakeServer();
    const answers = [deferred<string>(), deferred<string>()];
    let calls = 0;
    const api = openApi(
      { apiKey: () => (answers[calls++] ?? deferred<string>()).promise, requestTimeout: 10 },
      { clock, transport: server },
    );
    commitEach(api, 1);
    const push = api.push().catch((error: Error) => error.message);
    await clock.advance(10_000);
    expect(await push).toMatch(/gave no API Key: it took longer than 10 s/);
    const again = api.push();
    await clock.advance(4000);
    answers[1]?.resolve(API_KEY);
    expect(await again).toMatchObject({ pushed: 1 });
    expect(server.requests[0]?.timeoutSeconds).toBe(6);
    // It comes too late to matter, but is redacted.
    answers[0]?.resolve(OTHER_KEY);
    await turn();
    server.answerWith(() => received(503, { message: `old key ${OTHER_KEY}` }));
    commitEach(api, 2);
    const { message } = await api.push().catch((error) => error);
    expect(message).not.toContain(OTHER_KEY);
    expect(server.requests.at(-1)?.headers['x-api-key']).toBe(API_KEY);
  });

  test('an abort ends the wait for it', async () => {
    const server = new FakeServer();
    const api = openApi({ apiKey: () => deferred<string>().promise }, { transport: server });
    const controller = new AbortController();
    const read = api.get('t', { signal: controller.signal });
    commitEach(api, 1);
    const push = api.push({ signal: controller.signal });
    controller.abort();
    await expect(read).rejects.toMatchObject({ name: 'GetException' });
    await expect(push).rejects.toMatchObject({ name: 'PushException' });
    await api.close();
    expect(server.requests).toEqual([]);
  });

  test('a page that goes away sends with the last key, and nothing without one', async () => {
    const { api, environment, server, state, keysOf } = setUp([API_KEY], API_KEY, { flushOnHide: true });
    commitEach(api, 1);
    environment.dispatch('pagehide');
    await turn();
    expect([server.requests.length, state.calls]).toEqual([0, 0]);
    await api.push();
    commitEach(api, 2);
    server.answerWith(() => held().answer);
    environment.dispatch('pagehide');
    expect(server.requests.at(-1)).toMatchObject({ keepalive: true });
    expect(keysOf()).toEqual([API_KEY, API_KEY]);
    expect(state.calls).toBe(1);
  });

  test('setApiKey() replaces it, also during a call', async () => {
    const answer = deferred<string>();
    const server = new FakeServer();
    let calls = 0;
    const apiKey = (): Promise<string> => {
      calls += 1;
      return answer.promise;
    };
    const api = openApi({ apiKey }, { transport: server });
    commitEach(api, 1);
    const push = api.push();
    await turn();
    api.setApiKey(OTHER_KEY);
    answer.resolve(API_KEY);
    await push;
    server.answerWith(() => received(401));
    commitEach(api, 2);
    await api.push().catch(() => {});
    expect(server.requests.map(({ headers }) => headers['x-api-key'])).toEqual([OTHER_KEY, OTHER_KEY, OTHER_KEY]);
    expect(calls).toBe(1);
  });

  test('each key that it returned is redacted', async () => {
    const { api, server, state } = setUp([OTHER_KEY, API_KEY, LAST_KEY]);
    commitEach(api, 1);
    await api.push();
    state.valid = LAST_KEY;
    commitEach(api, 2);
    await api.push();
    for (const key of [OTHER_KEY, API_KEY, LAST_KEY]) {
      server.answerWith(() => received(400, { message: `was ${key.toUpperCase()} yours?` }));
      commitEach(api, 3);
      const { message } = await api.push().catch((error) => error);
      expect(message).toBe('Bad request: 400');
    }
    expect(() => api.addValue(LAST_KEY, 1)).toThrow('fieldId must not be the API Key');
  });

  test('the message of its rejection is cut, cleaned and redacted', async () => {
    const { api, state } = setUp([API_KEY, new Error(`\u001b[31m${API_KEY} ${'x'.repeat(1000)}`)]);
    commitEach(api, 1);
    await api.push();
    state.valid = OTHER_KEY;
    commitEach(api, 2);
    const { message } = await api.push().catch((error) => error);
    expect(message).not.toContain(API_KEY);
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(400);
    expect(api.status().committed).toBe(1);
  });

  test.each([5, null, {}, 'text'])('is refused unless it is a UUID or a function: %s', (apiKey) => {
    expect(() => openApi({ apiKey: apiKey as never })).toThrow('apiKey must be a UUID');
  });
});
