import { describe, expect, test } from 'vitest';
import {
  type DiscardEvent,
  type Entry,
  isApiException,
  memoryStorage,
  ValueException,
  webStorage,
} from '../../src/index.js';
import { expectBadLuck, getFailure, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { asUploaded } from '../support/builders/uploads.js';
import { FakeLocks, FakeWebStorage } from '../support/fakes/fake-web.js';
import { deferred, reply, replyJson, StubFetch } from '../support/fakes/stub-fetch.js';

const refuse = (status = 401) => replyJson(status, { message: 'Wrong API Key.' });

/** An `Api` whose key is refused, and the `discard` events that it sends. */
function openRefused(options: Parameters<typeof openApi>[0] = {}, status = 401) {
  const stub = new StubFetch(() => refuse(status));
  const api = openApi({ fetch: stub.fetch, ...options });
  const discards: DiscardEvent[] = [];
  api.on('discard', (event) => discards.push(event));
  return { api, stub, discards };
}

/** Entries without their ids, which a restored one does not keep. */
const withoutIds = (entries: readonly Entry[]) => entries.map(({ timestamp, values }) => ({ timestamp, values }));

describe('refused credentials', () => {
  test.each([401, 403])('F11 a %i discards the entries of this run; exception and event carry them', async (status) => {
    const { api, stub, discards } = openRefused({}, status);
    const entries = commitEach(api, 1, 2);
    const exception = await pushFailure(api.push());
    expect(exception.message).toBe('Bad request: Wrong API Key.');
    expect(exception).toMatchObject({ status, retainedData: false, discarded: entries, quarantined: [] });
    expect(exception.advice).not.toBe('');
    expect(discards).toEqual([{ reason: 'unauthorized', entries, status, message: 'Bad request: Wrong API Key.' }]);
    expect(api.log()).toEqual([]);
    expect(api.status()).toMatchObject({ committed: 0, bytes: 0 });
    expect(stub.uploads).toEqual([asUploaded(entries), []]);
  });

  test.each(['', 'Forbidden', '{}'])('F11 a 403 without a message (%j) is reported by its status', async (body) => {
    const { api, stub, discards } = openRefused();
    stub.answerWith(() => reply(403, body));
    commitEach(api, 1);
    expect((await pushFailure(api.push())).message).toBe('Bad request: 403');
    expect(discards).toMatchObject([{ status: 403, message: 'Bad request: 403' }]);
  });

  test('F11 discarded entries are gone from the storage too', async () => {
    const storage = memoryStorage();
    const { api } = openRefused({ storage });
    commitEach(api, 1, 2);
    await pushFailure(api.push());
    await api.close();
    const next = openApi({ storage });
    await next.ready;
    expect(next.log()).toEqual([]);
  });

  test('F11 the discard event is sent before the removal, from the queue and from the storage', async () => {
    const localStorage = new FakeWebStorage();
    const { api } = openRefused({ storage: webStorage(localStorage, {}, { locks: new FakeLocks().tab() }) });
    const saved = (): number => [...localStorage.items.values()].filter((text) => text.includes('temperature')).length;
    const seen: unknown[] = [];
    api.on('discard', () => seen.push([api.log(), api.status().committed, saved()]));
    const entries = commitEach(api, 1, 2);
    await pushFailure(api.push());
    expect(seen).toEqual([[entries, 2, 2]]);
    expect(saved()).toBe(0);
  });

  test('F11 a listener that throws loses nobody the exception that carries the entries', async () => {
    const { api } = openRefused();
    api.on('discard', () => {
      throw new Error('a bug of the page');
    });
    const entries = commitEach(api, 1);
    expect((await pushFailure(api.push())).discarded).toEqual(entries);
  });

  test('F11 a push of several requests discards all entries that were not stored, and reports only them', async () => {
    const { api, stub, discards } = openRefused({ maxEntriesPerRequest: 2 });
    stub.answerWith((_request, index) => (index === 0 ? reply(200) : refuse()));
    const entries = commitEach(api, 1, 2, 3, 4, 5);
    const exception = await pushFailure(api.push());
    expect(exception.discarded).toEqual(entries.slice(2));
    expect(discards).toMatchObject([{ entries: entries.slice(2) }]);
    expect(api.log()).toEqual([]);
  });

  test('F11 a commit made while the rejection was on its way stays', async () => {
    const asked = deferred<void>();
    const answer = deferred<Response>();
    const { api, stub } = openRefused();
    stub.answerWith((_request, index) => {
      asked.resolve();
      return index === 0 ? answer.promise : refuse();
    });
    const sent = commitEach(api, 1, 2);
    const failure = pushFailure(api.push());
    await asked.promise;
    const meanwhile = commitEach(api, 3);
    answer.resolve(refuse());
    expect((await failure).discarded).toEqual(sent);
    expect(api.log()).toEqual(meanwhile);
  });

  test('F11 staged values stay staged', async () => {
    const { api } = openRefused();
    commitEach(api, 1);
    api.addValue('humidity', 40);
    await pushFailure(api.push());
    expect(api.status().staged).toBe(1);
    expect(api.commit()?.values).toEqual([{ fieldId: 'humidity', value: 40 }]);
  });

  test('F11 pushes that joined reject with the same exception, and the event is sent once', async () => {
    const { api, discards } = openRefused();
    commitEach(api, 1);
    const [one, other] = await Promise.all([pushFailure(api.push()), pushFailure(api.push())]);
    expect(one).toBe(other);
    expect(discards).toHaveLength(1);
  });

  test('F11 with nothing of this run to throw away, all is retained and no event is sent', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage });
    const left = commitEach(dead, 1, 2);
    await dead.close();
    const { api, discards } = openRefused({ storage });
    await api.ready;
    const exception = await pushFailure(api.push());
    expect(exception.message).toBe('Bad request: Wrong API Key.');
    expect(exception).toMatchObject({ retainedData: true, discarded: [] });
    expect(api.log()).toEqual(left);
    expect(discards).toEqual([]);
  });

  test('F11 adopted entries stay where those of this run go', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage });
    const left = commitEach(dead, 1, 2);
    await dead.close();
    const { api, stub } = openRefused({ storage });
    await api.ready;
    const own = commitEach(api, 3, 4);
    const exception = await pushFailure(api.push());
    expect(exception).toMatchObject({ retainedData: false, discarded: own });
    expect(api.log()).toEqual(left);
    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(stub.uploads.at(-1)).toEqual(asUploaded(left));
  });

  test.each([401, 403])("F11 with onRefusedCredentials 'keep' a %i keeps all", async (status) => {
    const { api, stub, discards } = openRefused({ onRefusedCredentials: 'keep' }, status);
    const entries = commitEach(api, 1, 2);
    const exception = await pushFailure(api.push());
    expect(exception.message).toBe('Bad request: Wrong API Key.');
    expect(exception).toMatchObject({ status, retainedData: true, discarded: [] });
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);
    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
  });

  test.each([401, 403])('F11 a get that is answered with %i discards nothing', async (status) => {
    const { api, discards } = openRefused({}, status);
    const entries = commitEach(api, 1, 2);
    const exception = await getFailure(api.get('temperature'));
    expect(exception.message).toBe('Bad request: Wrong API Key.');
    expect(exception.status).toBe(status);
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);
  });

  test('F11 the next push uses the key that setApiKey gave', async () => {
    const { api, stub } = openRefused({ onRefusedCredentials: 'keep' });
    const key = '33333333-3333-4333-8333-333333333333';
    stub.answerWith(({ headers }) => (headers.get('x-api-key') === key ? reply(200) : refuse()));
    commitEach(api, 1);
    await pushFailure(api.push());
    api.setApiKey(key);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F11 a key that was changed while the old one was being refused costs no entry', async () => {
    const asked = deferred<void>();
    const answer = deferred<Response>();
    const { api, stub, discards } = openRefused();
    stub.answerWith(() => {
      asked.resolve();
      return answer.promise;
    });
    const entries = commitEach(api, 1);
    const push = api.push();
    await asked.promise;
    api.setApiKey('33333333-3333-4333-8333-333333333333');
    answer.resolve(refuse());
    expectBadLuck(await pushFailure(push));
    expect(api.log()).toEqual(entries);
    expect(discards).toEqual([]);
  });
});

describe('restoring discarded entries', () => {
  test('F11 restore() brings the discarded back with their times, as new entries, and they are stored', async () => {
    const { api, stub } = openRefused();
    api.addValues({ temperature: 21.5, door: 'open', on: true });
    api.commit({ timestamp: 1_700_000_000 });
    api.addValue('temperature', 22);
    api.commit({ timestamp: 1_600_000_000 });
    const { discarded } = await pushFailure(api.push());
    const restored = api.restore(discarded);
    expect(withoutIds(restored)).toEqual(withoutIds(discarded));
    expect(discarded.map(({ timestamp }) => timestamp)).toEqual([1_700_000_000, 1_600_000_000]);
    expect(new Set([...discarded, ...restored].map(({ id }) => id)).size).toBe(4);
    expect(api.log()).toEqual(restored);

    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(stub.uploads.at(-1)).toEqual(asUploaded(discarded));
  });

  test('F11 restored entries survive a second 401; what was committed since does not', async () => {
    const { api } = openRefused();
    commitEach(api, 1, 2);
    const restored = api.restore((await pushFailure(api.push())).discarded);
    const second = await pushFailure(api.push());
    expect(second).toMatchObject({ retainedData: true, discarded: [] });
    expect(api.log()).toEqual(restored);

    const [fresh] = commitEach(api, 3);
    const third = await pushFailure(api.push());
    expect(third).toMatchObject({ retainedData: false, discarded: [fresh] });
    expect(api.log()).toEqual(restored);
  });

  test('F11 restored entries are saved: the next run adopts them', async () => {
    const storage = memoryStorage();
    const { api } = openRefused({ storage });
    commitEach(api, 1, 2);
    const restored = api.restore((await pushFailure(api.push())).discarded);
    await api.close();
    const next = openApi({ storage });
    await next.ready;
    expect(next.log()).toEqual(restored);
  });

  test('F11 a listener may restore from within the discard event', async () => {
    const { api, stub } = openRefused();
    api.on('discard', ({ entries }) => api.restore(entries));
    commitEach(api, 1, 2);
    const { discarded } = await pushFailure(api.push());
    expect(withoutIds(api.log())).toEqual(withoutIds(discarded));
    stub.answerWith(() => reply(200));
    await api.push();
    expect(stub.uploads.at(-1)).toEqual(asUploaded(discarded));
  });

  test('F11 restoring the same entries twice, from event and exception, puts them back once', async () => {
    const { api, discards } = openRefused();
    commitEach(api, 1, 2);
    const { discarded } = await pushFailure(api.push());
    api.restore(discards[0]?.entries ?? []);
    api.restore(discarded);
    expect(api.log()).toHaveLength(2);
  });

  test('F11 entries that went through JSON can be restored by another run', async () => {
    const { api } = openRefused();
    commitEach(api, 1, 2);
    const { discarded } = await pushFailure(api.push());
    const copies = JSON.parse(JSON.stringify(discarded)) as Entry[];
    const stub = new StubFetch();
    const other = openApi({ fetch: stub.fetch });
    other.restore(copies);
    await other.push();
    expect(stub.uploads).toEqual([asUploaded(discarded)]);
  });

  const good: Entry = { id: 'x', timestamp: 1_700_000_000, values: [{ fieldId: 'a', value: 1 }] };
  test.each<[string, unknown]>([
    ['no array', good],
    ['undefined', undefined],
    ['null among the entries', [good, null]],
    ['a text among the entries', [good, 'x']],
    ['no time', [good, { ...good, timestamp: undefined }]],
    ['a time in milliseconds', [good, { ...good, timestamp: 1_700_000_000_000 }]],
    ['a fractional time', [good, { ...good, timestamp: 1.5 }]],
    ['no values', [good, { ...good, values: [] }]],
    ['values that are no array', [good, { ...good, values: { a: 1 } }]],
    ['null among the values', [good, { ...good, values: [null] }]],
    ['a value that is none', [good, { ...good, values: [{ fieldId: 'a', value: Number.NaN }] }]],
    ['a value without a field', [good, { ...good, values: [{ value: 1 }] }]],
  ])('F11 restoring %s is refused by a ValueException and puts nothing back', (_name, entries) => {
    const { api } = openRefused();
    const before = commitEach(api, 1);
    let thrown: unknown;
    try {
      api.restore(entries as Entry[]);
    } catch (exception) {
      thrown = exception;
    }
    expect(api.log()).toEqual(before);
    expect(thrown).toBeInstanceOf(ValueException);
    expect(isApiException(thrown)).toBe(true);
  });
});
