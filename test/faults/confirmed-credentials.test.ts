import { describe, expect, test, vi } from 'vitest';
import { BadEntryFinder } from '../../src/core/push/bad-entry-finder.js';
import type { Api, ApiOptions } from '../../src/index.js';
import { expectBadLuck, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { asUploaded } from '../support/builders/uploads.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { deferred, reply, replyJson, StubFetch } from '../support/fakes/stub-fetch.js';

const refuse = (status = 401): Response => replyJson(status, { message: 'Wrong API Key.' });

function setUp(options: Partial<ApiOptions> = {}) {
  const stub = new StubFetch(() => refuse());
  const environment = new FakeEnvironment();
  const api = openApi({ fetch: stub.fetch, ...options }, { clock: new FakeClock(), environment });
  const discards: unknown[] = [];
  api.on('discard', (event) => discards.push(event));
  return { api, stub, environment, discards };
}

/** A push whose rejection is being confirmed. */
async function confirming(api: Api, stub: StubFetch, signal?: AbortSignal) {
  const asked = deferred<void>();
  const confirmation = deferred<Response>();
  stub.answerWith(({ body }) => {
    if (!body.endsWith('"entries":[]}')) return refuse();
    asked.resolve();
    return confirmation.promise;
  });
  const push = signal === undefined ? api.push() : api.push({ signal });
  push.catch(() => {});
  await asked.promise;
  return { push, answer: (response: Response) => confirmation.resolve(response) };
}

describe('the confirmation of refused credentials', () => {
  test('F11 is an upload without entries, with the same credentials', async () => {
    const { api, stub } = setUp();
    const entries = commitEach(api, 1, 2);
    await pushFailure(api.push());
    expect(stub.uploads).toEqual([asUploaded(entries), []]);
    const [upload, confirmation] = stub.requests;
    expect(confirmation?.url).toBe(upload?.url);
    expect(confirmation?.headers.get('x-api-key')).toBe(upload?.headers.get('x-api-key'));
  });

  test.each([
    ['a 503', () => reply(503)],
    ['a 429', () => reply(429)],
    ['an HTML 403', () => reply(403, '<html>')],
    ['a 200 with HTML', () => reply(200, '<html>')],
    ['no response', () => Promise.reject(new TypeError('Failed to fetch'))],
  ])('F11 that ends with %s is bad luck: nothing is discarded, nothing suspected', async (_name, confirm) => {
    const { api, stub, discards } = setUp();
    stub.answerWith((_request, index) => (index === 0 ? refuse() : confirm()));
    const entries = commitEach(api, 1, 2);
    expectBadLuck(await pushFailure(api.push()));
    expect(stub.requests).toHaveLength(2);
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);
    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
  });

  test.each([200, 201, 204, 400, 404, 413, 422])(
    'F43 that ends with %i shows that the key is good and the content was refused: halves follow',
    async (status) => {
      const { api, stub, discards } = setUp();
      stub.answerWith((_request, index) => [refuse(403), reply(status)][index] ?? reply(200));
      const entries = commitEach(api, 1, 2);
      expect(await api.push()).toEqual({ pushed: 2, requests: 4, expired: 0 });
      expect(stub.uploads).toEqual([entries, [], entries.slice(0, 1), entries.slice(1)].map(asUploaded));
      expect(discards).toEqual([]);
    },
  );

  test('F43 of a refused content: the exception says what it is about', async () => {
    const { api, stub } = setUp();
    stub.answerWith(({ body }) => (body.endsWith('"entries":[]}') ? reply(200) : refuse(403)));
    commitEach(api, 1);
    const exception = await pushFailure(api.push());
    expect(exception).toMatchObject({ message: 'Bad request: Wrong API Key.', status: 403, retainedData: true });
    expect(exception.advice).toMatch(/credentials are valid.*firewall.*content/);
  });

  test('F11 that is aborted with its push discards nothing', async () => {
    const { api, stub, discards } = setUp();
    const controller = new AbortController();
    const entries = commitEach(api, 1);
    const { push } = await confirming(api, stub, controller.signal);
    controller.abort();
    expectBadLuck(await pushFailure(push));
    await turn();
    expect(api.log()).toEqual(entries);
    expect(api.status().pushing).toBe(false);
    expect(discards).toEqual([]);
  });

  test('F11 that is aborted leaves a push that joins right after it one of its own', async () => {
    const { api, stub, discards } = setUp();
    const controller = new AbortController();
    commitEach(api, 1);
    const { push } = await confirming(api, stub, controller.signal);
    controller.abort();
    stub.answerWith(() => reply(200));
    expect(await api.push()).toMatchObject({ pushed: 1 });
    await pushFailure(push);
    expect(discards).toEqual([]);
  });

  test('F11 during which the Api is closed discards nothing', async () => {
    const { api, stub, discards } = setUp();
    const entries = commitEach(api, 1);
    const { push, answer } = await confirming(api, stub);
    const closed = api.close();
    answer(refuse());
    expectBadLuck(await pushFailure(push));
    await closed;
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);
  });

  test('F11 during which the key is changed discards nothing, and the next push uses the new key', async () => {
    const { api, stub, discards } = setUp();
    const key = '33333333-3333-4333-8333-333333333333';
    const entries = commitEach(api, 1);
    const { push, answer } = await confirming(api, stub);
    api.setApiKey(key);
    answer(refuse());
    expectBadLuck(await pushFailure(push));
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);
    stub.answerWith(({ headers }) => (headers.get('x-api-key') === key ? reply(200) : refuse()));
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F11 during which the page goes away: what left with it and was stored is not discarded', async () => {
    const { api, stub, environment, discards } = setUp();
    const [first] = commitEach(api, 1);
    const { push, answer } = await confirming(api, stub);
    stub.answerWith(() => reply(200));
    environment.dispatch('pagehide');
    await turn();
    await turn();
    expect(stub.uploads.at(-1)).toEqual(asUploaded(first ? [first] : []));
    expect(api.log()).toEqual([]);
    answer(refuse());
    expect(await pushFailure(push)).toMatchObject({ retainedData: true, discarded: [] });
    expect(discards).toEqual([]);
  });

  test('F11 during which entries are committed or forgotten: only those that were to be pushed, and still are, go', async () => {
    const { api, stub, discards } = setUp();
    commitEach(api, 1, 2);
    const { push, answer } = await confirming(api, stub);
    api.resetUnpushedEntries();
    const later = commitEach(api, 3);
    answer(refuse());
    expect(await pushFailure(push)).toMatchObject({ retainedData: true, discarded: [] });
    expect(api.log()).toEqual(later);
    expect(discards).toEqual([]);
  });

  test('F11 whose discard event pushes again: that push ends with the same rejection', async () => {
    const { api } = setUp();
    const pushes: Promise<unknown>[] = [];
    api.on('discard', () => pushes.push(pushFailure(api.push())));
    const entries = commitEach(api, 1);
    const exception = await pushFailure(api.push());
    expect(exception.discarded).toEqual(entries);
    expect(await Promise.all(pushes)).toEqual([exception]);
    expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
  });
});

describe('an entry that is forgotten while it is being refused', () => {
  test.each([400, 403, 404, 503])('leaves no trace (%i)', async (status) => {
    const settle = vi.spyOn(BadEntryFinder.prototype, 'settle');
    const { api, stub } = setUp();
    stub.answerWith(({ body }) => {
      if (body.endsWith('"entries":[]}')) return reply(200);
      api.resetUnpushedEntries();
      return reply(status);
    });
    commitEach(api, 1);
    await api.push().catch(() => {});
    const [[batch] = []] = settle.mock.calls;
    const [finder] = settle.mock.contexts as BadEntryFinder[];
    settle.mockRestore();
    const [entry] = batch ?? [];
    expect(entry && finder?.isBlamed(entry)).toBe(false);
    commitEach(api, 2, 3);
    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
  });
});
