import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';

/** An `Api` of a worker runtime, where a request may wait only for its own I/O, and a server that does not answer yet. */
function setUp() {
  const clock = new FakeClock();
  const transport = new FakeServer();
  const environment = Object.assign(new FakeEnvironment(), { isolatesRequests: true });
  const response = held();
  transport.answerWith(() => response.answer);
  const api = openApi({ requestTimeout: 10 }, { clock, transport, environment });
  return { api, clock, transport, response };
}

describe('F56 one Api in several requests of a worker', () => {
  test('a push does not join the one of another request, and sends what is left after it', async () => {
    const { api, clock, transport, response } = setUp();
    commitEach(api, 1);
    const first = api.push();
    commitEach(api, 2, 3);
    const second = api.push();
    await clock.advance(1000);
    expect(transport.uploads).toEqual([[[{ temperature: 1 }]]]);
    response.give(received(200));
    transport.answerWith(() => received(200));
    await clock.advance(100);
    expect(await first).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(await second).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(api.status().committed).toBe(0);
  });

  test('a push that finds everything stored by another request sends nothing', async () => {
    const { api, clock, response } = setUp();
    commitEach(api, 1);
    const [first, second] = [api.push(), api.push()];
    response.give(received(200));
    await clock.advance(100);
    expect(await first).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(await second).toEqual({ pushed: 0, requests: 0, expired: 0 });
  });

  test('a push waits with a timer of its own, which keeps the runtime from taking the wait for a deadlock', async () => {
    const { api, clock } = setUp();
    commitEach(api, 1);
    void api.push().catch(() => {});
    await clock.advance(0);
    const before = clock.foregroundTimers;
    void api.push().catch(() => {});
    expect(clock.foregroundTimers).toBe(before + 1);
  });

  test('a push whose request was canceled holds up the others no longer than a time-out', async () => {
    const { api, clock, transport } = setUp();
    commitEach(api, 1);
    // Neither its response nor its deadline ever comes.
    const canceled = rejectionOf(api.push());
    const next = api.push();
    await clock.advance(10_900);
    expect(transport.uploads).toHaveLength(1);
    transport.answerWith(() => received(200));
    await clock.advance(200);
    expect(await next).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(await canceled).toMatchObject({ name: 'PushException', retainedData: true });
  });

  test('the response to a push that was given up removes nothing from a later one', async () => {
    const { api, clock, transport, response } = setUp();
    commitEach(api, 1);
    void api.push().catch(() => {});
    const second = held();
    const next = api.push();
    await clock.advance(10_900);
    transport.answerWith(() => second.answer);
    await clock.advance(200);
    response.give(received(200));
    await clock.advance(100);
    expect(api.status()).toMatchObject({ pushing: true, committed: 1 });
    second.give(received(200));
    await clock.advance(100);
    expect(await next).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('a push that waits for its turn ends with its signal, and with close()', async () => {
    const { api, clock } = setUp();
    commitEach(api, 1);
    void api.push().catch(() => {});
    const controller = new AbortController();
    const aborted = rejectionOf(api.push({ signal: controller.signal }));
    const closed = rejectionOf(api.push());
    controller.abort();
    await clock.advance(100);
    expect(await aborted).toMatchObject({ name: 'PushException', message: expect.stringContaining('aborted') });
    await api.close();
    await clock.advance(100);
    expect(await closed).toMatchObject({ name: 'PushException', message: expect.stringContaining('closed') });
  });
});
