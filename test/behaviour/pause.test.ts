import { describe, expect, test, vi } from 'vitest';
import { type ApiOptions, gzip } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';

function setUp(options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const environment = new FakeEnvironment();
  const api = openApi({ autoPush: true, ...options }, { clock, transport: server, environment });
  return { clock, server, environment, api };
}

describe('pause()', () => {
  test('holds automatic pushes until resume(), which pushes at once', async () => {
    const { api, clock, server } = setUp();
    commitEach(api, 1);
    expect(api.status()).toMatchObject({ paused: false, nextTry: expect.any(Number) });
    api.pause();
    expect(api.status()).toMatchObject({ paused: true, nextTry: undefined });
    commitEach(api, 2);
    await clock.advance(3_600_000);
    expect(server.requests).toEqual([]);
    api.resume();
    expect(api.status().paused).toBe(false);
    await clock.advance(0);
    expect(server.uploads).toHaveLength(1);
    expect(api.status().committed).toBe(0);
  });

  test.each(['online', 'visible', 'before-exit', 'hidden', 'pagehide'] as const)('holds at %s too', async (event) => {
    const { api, clock, server, environment } = setUp();
    commitEach(api, 1);
    api.pause();
    environment.dispatch(event);
    await clock.advance(600_000);
    expect(server.requests).toEqual([]);
  });

  test('holds the push of a full queue, and retries', async () => {
    const { api, clock, server } = setUp({ autoPush: { everySeconds: 10, atEntries: 2 } });
    server.answerWith(() => received(503));
    commitEach(api, 1);
    await clock.advance(11_000);
    const { length } = server.requests;
    expect(length).toBeGreaterThan(0);
    api.pause();
    commitEach(api, 2, 3);
    await clock.advance(600_000);
    expect(server.requests).toHaveLength(length);
  });

  test('lets a manual push go; its failure is not tried again', async () => {
    const { api, clock, server } = setUp();
    const retries: unknown[] = [];
    api.on('retry', (event) => retries.push(event));
    api.pause();
    commitEach(api, 1);
    server.answerWith(() => received(503));
    await expect(api.push()).rejects.toThrow('503');
    const { length } = server.requests;
    await clock.advance(600_000);
    expect([server.requests.length, retries]).toEqual([length, []]);
    server.answerWith(() => received(200));
    expect(await api.push()).toMatchObject({ pushed: 1 });
    expect(api.status().paused).toBe(true);
  });

  test('lets close({ push: true }) go', async () => {
    const { api, server } = setUp();
    api.pause();
    commitEach(api, 1);
    await api.close({ push: true });
    expect(server.uploads).toHaveLength(1);
  });

  test('an automatic push under way ends after its present request', async () => {
    const { api, clock, server } = setUp({ maxEntriesPerRequest: 1 });
    const first = held();
    server.answerWith(() => first.answer);
    const errors: unknown[] = [];
    api.on('error', (event) => errors.push(event));
    commitEach(api, 1, 2, 3);
    await clock.advance(11_000);
    expect(server.requests).toHaveLength(1);
    api.pause();
    first.give(received(200));
    await clock.advance(600_000);
    expect(server.requests).toHaveLength(1);
    expect(api.status()).toMatchObject({ committed: 2, pushing: false, paused: true, nextTry: undefined });
    expect(errors).toEqual([]);
    server.answerWith(() => received(200));
    api.resume();
    await clock.advance(1);
    expect(api.status().committed).toBe(0);
  });

  test.each([
    ['the confirmation of refused credentials', received(401), undefined],
    ['the plain repetition of a compressed upload', received(415), gzip()],
  ])('an automatic push under way sends nothing more: %s comes after resume()', async (_, answer, compression) => {
    const { api, clock, server } = setUp({ compression });
    const discards: unknown[] = [];
    api.on('discard', (event) => discards.push(event));
    const response = held();
    server.answerWith(() => response.answer);
    api.addValue('t', 'x'.repeat(2000));
    api.commit();
    await clock.advance(11_000);
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    api.pause();
    response.give(answer);
    server.answerWith(() => received(200));
    await clock.advance(600_000);
    expect(server.requests).toHaveLength(1);
    expect(discards).toEqual([]);
    api.resume();
    await clock.advance(0);
    await vi.waitFor(() => expect(api.status().committed).toBe(0));
  });

  test('a manual push that joined it goes on to the end', async () => {
    const { api, clock, server } = setUp({ maxEntriesPerRequest: 1 });
    const first = held();
    server.answerWith(() => first.answer);
    commitEach(api, 1, 2, 3);
    await clock.advance(11_000);
    const push = api.push();
    api.pause();
    server.answerWith(() => received(200));
    first.give(received(200));
    expect(await push).toMatchObject({ pushed: 3 });
  });

  test('works without autoPush, for the request of a page that goes away', async () => {
    const { api, server, environment } = setUp({ autoPush: false });
    commitEach(api, 1);
    api.pause();
    environment.dispatch('pagehide');
    expect(server.requests).toEqual([]);
    api.resume();
    environment.dispatch('pagehide');
    expect(server.requests).toHaveLength(1);
    await turn();
  });

  test('setApiKey() does not end it', async () => {
    const { api, clock, server } = setUp();
    api.pause();
    commitEach(api, 1);
    api.setApiKey('99999999-9999-4999-8999-999999999999');
    await clock.advance(600_000);
    expect(server.requests).toEqual([]);
  });

  test('notifies subscribers of the status', async () => {
    const { api } = setUp();
    const seen: boolean[] = [];
    api.subscribe(() => seen.push(api.status().paused));
    api.pause();
    await turn();
    api.resume();
    await turn();
    expect(seen).toEqual([true, false]);
  });

  test('is refused by a closed Api', async () => {
    const { api } = setUp();
    await api.close();
    expect(() => api.pause()).toThrow('closed');
  });
});
