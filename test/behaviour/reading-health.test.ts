import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/core/ports/transport.js';
import { type GetException, isApiException, type ReadingHealth } from '../../src/index.js';
import { follow } from '../support/assertions/follow.js';
import { openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { received } from '../support/fakes/fake-server.js';
import { ValuesServer } from '../support/fakes/values-server.js';

const NO_ROUTE: Answer = { received: false, reason: 'unreachable', code: 'ECONNREFUSED' };

function setUp() {
  const ports = { clock: new FakeClock(), environment: new FakeEnvironment(), transport: new ValuesServer({ a: 1 }) };
  const api = openApi({}, ports);
  const failures: GetException[] = [];
  api.on('read-error', (exception) => failures.push(exception));
  return { ...ports, api, failures, seconds: () => Math.floor(ports.clock.now() / 1000) };
}

describe('the health of reading', () => {
  test('is unknown before the first poll, then good, with the time of the next poll', async () => {
    const { api, clock, seconds } = setUp();
    expect(api.status().reading).toBeUndefined();
    const since = seconds();
    follow(api.watch('a', { everySeconds: 5 }));
    await clock.advance(2000);
    expect(api.status().reading).toEqual({ ok: true, since, lastException: undefined, nextPoll: since + 5 });
    expect(Object.isFrozen(api.status().reading)).toBe(true);
  });

  test('names the failure of each poll, since when polls fail, and when they succeed again', async () => {
    const { api, clock, transport, failures, seconds } = setUp();
    const { items } = follow(api.watch('a', { everySeconds: 5 }));
    await clock.advance(1000);
    transport.misfortune = () => NO_ROUTE;
    await clock.advance(60_000);
    const failing = api.status().reading as ReadingHealth;
    expect(failing).toMatchObject({ ok: false, since: expect.any(Number), nextPoll: expect.any(Number) });
    expect(failing.since).toBeLessThan(seconds() - 50);
    expect(failing.nextPoll).toBeGreaterThanOrEqual(seconds());
    expect(failures.length).toBeGreaterThan(2);
    expect(failures.at(-1)).toBe(failing.lastException);
    expect(failing.lastException).toMatchObject({
      name: 'GetException',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    transport.misfortune = () => undefined;
    transport.set('a', 2);
    await clock.advance(600_000);
    expect(items).toHaveLength(2);
    expect(api.status().reading).toMatchObject({ ok: true, lastException: undefined });
    expect(api.status().reading?.since).toBeGreaterThan(failing.since);
  });

  test('shows a refusal, which ends the loop, with the exception that the loop throws', async () => {
    const { api, clock, transport, failures } = setUp();
    transport.misfortune = () => received(403, { message: 'no right' });
    const following = follow(api.watch('a'));
    await clock.advance(0);
    expect(failures).toHaveLength(1);
    expect(following.end).toEqual({ thrown: failures[0] });
    expect(isApiException(failures[0])).toBe(true);
    expect(api.status().reading).toMatchObject({ ok: false, lastException: failures[0], nextPoll: undefined });
  });

  test('notifies listeners of the status', async () => {
    const { api, clock, transport } = setUp();
    let calls = 0;
    api.subscribe(() => calls++);
    follow(api.watch('a', { everySeconds: 60 }));
    await clock.advance(0);
    transport.misfortune = () => NO_ROUTE;
    const before = calls;
    await clock.advance(60_000);
    expect(calls).toBeGreaterThan(before);
  });
});

describe('status().online', () => {
  test('follows the requests: reads, pushes and tests of the connection', async () => {
    const { api, transport } = setUp();
    let answer: Answer = NO_ROUTE;
    transport.answerWith(() => answer);
    const asks = [
      () => api.get('a').catch(() => {}),
      () => api.testConnection(),
      () => api.commitAndPush().catch(() => {}),
    ];
    for (const ask of asks) {
      api.addValue('a', 1);
      answer = NO_ROUTE;
      await ask();
      expect(api.status().online).toBe(false);
      answer = received(500);
      await ask();
      expect(api.status().online).toBe(true);
    }
  });

  test.each<[Answer, boolean]>([
    [{ received: false, reason: 'timeout' }, false],
    [{ received: false, reason: 'cut-off' }, false],
    [{ received: false, reason: 'interrupted', status: 200 }, true],
    [{ received: false, reason: 'fault', detail: 'fetch threw' }, true],
    [{ received: false, reason: 'blocked-port' }, true],
    [received(302), true],
  ])('after %j is %s', async (answer, online) => {
    const { api, transport } = setUp();
    transport.answerWith(() => answer);
    await api.get('a').catch(() => {});
    expect(api.status().online).toBe(online);
  });

  test('is the hint of the platform again once the network came or went, and a success outweighs the hint', async () => {
    const { api, transport, environment } = setUp();
    transport.answerWith(() => NO_ROUTE);
    await api.get('a').catch(() => {});
    environment.dispatch('online');
    expect(api.status().online).toBe(true);
    environment.dispatch('offline');
    expect(api.status().online).toBe(false);
    transport.answerWith(() => received(200));
    await api.testConnection();
    expect(api.status().online).toBe(true);
  });
});
