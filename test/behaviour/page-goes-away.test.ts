import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Answer, TransportRequest } from '../../src/core/ports/transport.js';
import { type ApiOptions, type Entry, memoryStorage } from '../../src/index.js';
import { webStorage } from '../../src/storage/web/web-storage.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';
import { range } from '../support/fakes/picky-server.js';

const BUDGET = 60 * 1024;

function setUp(options: Partial<ApiOptions> = {}, environment = new FakeEnvironment()) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const api = openApi(options, { clock, transport: server, environment });
  return { clock, server, environment, api };
}

const valuesOf = (entries: readonly Entry[]): unknown[] => entries.map(({ values }) => values[0]?.value);
/** Runs what never ends, and cuts it off as a browser does: no `catch` and no `finally` of it is run. */
function cutOff(run: () => void): void {
  const before = timesForEver;
  // Longer than a busy machine takes to get there, or the cut would be elsewhere.
  expect(() => runInNewContext('run()', { run }, { timeout: 300 })).toThrow(/timed out/);
  expect(timesForEver).toBe(before + 1);
}

let timesForEver = 0;
const forEver = (): never => {
  timesForEver += 1;
  for (;;);
};

const bytesOf = (body = ''): number => Buffer.byteLength(body);

describe('a page that is hidden or left, where what is committed does not survive it', () => {
  test.each(['hidden', 'pagehide'] as const)('sends what waits with keepalive, in the same task (%s)', (event) => {
    const { api, server, environment } = setUp();
    commitEach(api, 1, 2);
    environment.dispatch(event);
    expect(server.requests).toMatchObject([{ method: 'POST', keepalive: true }]);
    expect(server.uploads).toEqual([[[{ temperature: 1 }], [{ temperature: 2 }]]]);
  });

  test('sends as it is left what was committed since it was hidden, though that is not answered yet', () => {
    const { api, server, environment } = setUp();
    server.answerWith(() => held().answer);
    commitEach(api, 1);
    environment.dispatch('hidden');
    commitEach(api, 2);
    environment.dispatch('pagehide');
    // In the order of their commits, whichever request arrives first.
    expect(server.uploads).toEqual([[[{ temperature: 1 }]], [[{ temperature: 1 }], [{ temperature: 2 }]]]);
  });

  test('sends nothing again, in a push under way, that left with it', async () => {
    const { api, server, environment } = setUp({ maxEntriesPerRequest: 1 });
    const [upload, flush] = [held(), held()];
    server.answerWith((request) => (request.keepalive ? flush.answer : upload.answer));
    commitEach(api, 1, 2);
    const push = api.push();
    environment.dispatch('pagehide');
    upload.give(received(200));
    await turn();
    expect(server.requests).toHaveLength(3);
    flush.give(received(200));
    await push;
    expect(server.uploads.flat(2)).toEqual([{ temperature: 1 }, { temperature: 1 }, { temperature: 2 }]);
  });

  test('leaves out an entry that the server refused in a request of its own: the others would be refused with it', async () => {
    const { api, server, environment } = setUp();
    commitEach(api, 1);
    server.answerWith(() => received(400));
    await api.push().catch(() => {});
    commitEach(api, 2, 3);
    server.answerWith(() => received(200));
    environment.dispatch('pagehide');
    await turn();
    expect(server.uploads.at(-1)).toEqual([[{ temperature: 2 }], [{ temperature: 3 }]]);
    // There is nothing better to send.
    environment.dispatch('pagehide');
    expect(server.uploads.at(-1)).toEqual([[{ temperature: 1 }]]);
  });

  test('sends no more at once than passes', async () => {
    const { api, server, environment } = setUp();
    commitEach(api, ...range(1, 8));
    server.answerWith(() => received(503));
    await api.push().catch(() => {});
    environment.dispatch('pagehide');
    const [all, half] = server.uploads.map(({ length }) => length);
    expect(all).toBe(8);
    expect(half).toBeLessThanOrEqual(4);
  });

  test('sent twice it counts once, and is under way until each answer is there', async () => {
    const { api, server, environment } = setUp({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
    const flights = [held(), held()] as const;
    server.answerWith(({ body = '' }) => flights[body.includes('"temperature":2') ? 1 : 0].answer);
    const events: unknown[] = [];
    api.on('push', ({ entries }) => events.push(entries));
    api.on('discard', ({ entries }) => events.push(...valuesOf(entries)));
    commitEach(api, 1);
    environment.dispatch('hidden');
    commitEach(api, 2);
    environment.dispatch('pagehide');
    flights[0].give(received(503));
    await turn();
    api.addValue('temperature', 3);
    expect(() => api.commit()).toThrow(/maxQueuedEntries/);
    flights[1].give(received(200));
    await turn();
    expect(events).toEqual([2]);
    expect(api.log()).toEqual([]);
  });

  test('nothing leaves the queue before its verdict', async () => {
    const { api, server, environment } = setUp();
    const entries = commitEach(api, 1, 2);
    const answer = held();
    server.answerWith(() => answer.answer);
    environment.dispatch('hidden');
    await turn();
    expect(api.log()).toEqual(entries);
    answer.give(received(200));
    await turn();
    expect(api.log()).toEqual([]);
    expect(api.status().lastPush).toMatchObject({ entries: 2, requests: 1 });
  });

  test.each<[string, Answer]>([
    ['a rejection', received(400)],
    ['refused credentials', received(401)],
    ['413', received(413)],
    ['bad luck', received(503)],
    ['no answer', { received: false, reason: 'unreachable' }],
  ])('%s keeps everything, discards and quarantines nothing', async (_name, answer) => {
    const { api, server, environment } = setUp();
    const entries = commitEach(api, 1);
    server.answerWith(() => answer);
    environment.dispatch('pagehide');
    await turn();
    expect(api.log()).toEqual(entries);
    expect(api.quarantined()).toEqual([]);
    server.answerWith(() => received(200));
    expect(await api.push()).toMatchObject({ pushed: 1 });
  });

  test('with nothing committed sends nothing', () => {
    const { api, server, environment } = setUp();
    api.addValue('a', 1);
    environment.dispatch('hidden');
    environment.dispatch('pagehide');
    expect(server.requests).toEqual([]);
  });

  test('sends the oldest entries that fit into 60 KiB, all Apis of the page together', async () => {
    const environment = new FakeEnvironment();
    const [one, other] = [setUp({}, environment), setUp({}, environment)];
    for (const { api, server } of [one, other]) {
      server.answerWith(() => held().answer);
      for (const number of range(0, 39)) {
        api.addValue('text', `${number} ${'ü'.repeat(500)}`);
        api.commit();
      }
    }
    environment.dispatch('pagehide');
    const [ofOne, ofOther] = [one, other].map(({ server }) =>
      server.requests.reduce((sum, { body }) => sum + bytesOf(body), 0),
    ) as [number, number];
    expect(ofOne).toBeGreaterThan(40_000);
    expect(ofOther).toBeGreaterThan(15_000);
    expect(ofOne + ofOther).toBeLessThanOrEqual(BUDGET);
    expect(valuesOf(one.api.log().slice(0, 2))).toEqual([expect.stringMatching(/^0 /), expect.stringMatching(/^1 /)]);
  });

  test('gives the room back once the answer is there, whatever it is', async () => {
    const { api, server, environment } = setUp();
    for (const answer of [received(503), received(200)]) {
      server.answerWith(() => answer);
      commitEach(api, ...range(1, 100));
      environment.dispatch('pagehide');
      expect(environment.keepalive.bytesLeft).toBeLessThan(BUDGET);
      await turn();
      expect(environment.keepalive.bytesLeft).toBe(BUDGET);
    }
  });

  test('a single entry that is larger than the room is not sent, and kept', async () => {
    const { api, server, environment } = setUp();
    api.addValue('text', 'x'.repeat(BUDGET));
    api.commit();
    environment.dispatch('pagehide');
    expect(server.requests).toEqual([]);
    expect(await api.push()).toMatchObject({ pushed: 1 });
  });

  test('hidden and then left, it sends once', () => {
    const { api, server, environment } = setUp();
    server.answerWith(() => held().answer);
    commitEach(api, 1);
    environment.dispatch('hidden');
    environment.dispatch('pagehide');
    expect(server.requests).toHaveLength(1);
  });

  test('cut off before its request has left, it sends that at the next such event', async () => {
    const { api, server, environment } = setUp();
    const send = server.send.bind(server);
    commitEach(api, 1, 2);
    server.send = forEver;
    cutOff(() => environment.dispatch('pagehide'));
    server.send = send;
    environment.dispatch('pagehide');
    environment.dispatch('hidden');
    expect(server.uploads).toEqual([[[{ temperature: 1 }], [{ temperature: 2 }]]]);
    await turn();
    expect(environment.keepalive.bytesLeft).toBe(BUDGET);
  });

  test('cut off after its request has left, it sends nothing at the next such event', () => {
    const { api, server, environment } = setUp();
    const send = server.send.bind(server);
    commitEach(api, 1, 2);
    server.send = (request: TransportRequest) => {
      send(request);
      if (request.beacon !== undefined) request.beacon.dispatched = true;
      return forEver();
    };
    cutOff(() => environment.dispatch('pagehide'));
    server.send = send;
    environment.dispatch('pagehide');
    environment.dispatch('hidden');
    expect(server.requests).toHaveLength(1);
  });

  test('hidden during a push it does not send the entries under way; left, it sends them, too', async () => {
    const { api, server, environment } = setUp();
    const answer = held();
    server.answerWith(({ keepalive }) => (keepalive ? received(200) : answer.answer));
    commitEach(api, 1, 2);
    const push = api.push();
    environment.dispatch('hidden');
    expect(server.requests).toHaveLength(1);
    environment.dispatch('pagehide');
    expect(server.requests).toHaveLength(2);
    await turn();
    expect(api.log()).toEqual([]);
    answer.give(received(200));
    await push;
    expect(api.log()).toEqual([]);
    expect(api.status()).toMatchObject({ committed: 0, bytes: 0 });
  });

  test('a push that begins meanwhile waits for the answer, and sends nothing twice', async () => {
    const { api, server, environment } = setUp();
    const answer = held();
    server.answerWith(() => answer.answer);
    commitEach(api, 1);
    environment.dispatch('hidden');
    commitEach(api, 2);
    const push = api.push();
    await turn();
    expect(server.requests).toHaveLength(1);
    server.answerWith(() => received(200));
    answer.give(received(200));
    expect(await push).toMatchObject({ pushed: 1 });
    expect(server.uploads).toEqual([[[{ temperature: 1 }]], [[{ temperature: 2 }]]]);
  });

  test('a push that waits for that answer can be aborted, and ended by close()', async () => {
    const { api, server, environment } = setUp();
    server.answerWith(() => held().answer);
    commitEach(api, 1);
    environment.dispatch('hidden');
    const abort = new AbortController();
    const aborted = expect(api.push({ signal: abort.signal })).rejects.toThrow(/aborted/);
    await turn();
    abort.abort();
    await aborted;
    const ended = expect(api.push()).rejects.toThrow(/closed/);
    await turn();
    await api.close();
    await ended;
  });

  test('an entry that is being sent is not dropped to make room', async () => {
    const { api, server, environment } = setUp({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(...valuesOf(entries)));
    server.answerWith(() => held().answer);
    commitEach(api, 1);
    environment.dispatch('hidden');
    commitEach(api, 2, 3);
    expect(dropped).toEqual([2]);
  });

  test('also while close({ push: true }) is at it', async () => {
    const { api, clock, server, environment } = setUp();
    server.answerWith(({ keepalive }) => (keepalive ? received(200) : held().answer));
    commitEach(api, 1);
    const closing = api.close({ push: true, timeoutSeconds: 5 }).catch(() => {});
    await turn();
    environment.dispatch('pagehide');
    expect(server.requests.map(({ keepalive }) => keepalive)).toEqual([undefined, true]);
    await clock.advance(5000);
    await closing;
    expect(api.status().committed).toBe(0);
  });

  test('after close() nothing is sent', async () => {
    const { api, server, environment } = setUp();
    commitEach(api, 1);
    await api.close();
    environment.dispatch('pagehide');
    expect(server.requests).toEqual([]);
    expect(environment.listeners).toBe(0);
  });
});

describe('flushOnHide', () => {
  const web = (): ReturnType<typeof webStorage> => webStorage(new FakeWebStorage(), {}, { page: new EventTarget() });

  test.each<[string, Partial<ApiOptions>, number]>([
    ['is on in memory', { storage: memoryStorage() }, 1],
    ['is off in memory if so asked', { storage: memoryStorage(), flushOnHide: false }, 0],
    ['is off where entries survive the page', { storage: web() }, 0],
    ['is on there if so asked', { storage: web(), flushOnHide: true }, 1],
    ['is on where entries are not saved', { storage: web(), stageUnpushedEntries: false }, 1],
  ])('%s', (_name, options, requests) => {
    const { api, server, environment } = setUp(options);
    commitEach(api, 1);
    environment.dispatch('hidden');
    expect(server.requests).toHaveLength(requests);
  });
});
