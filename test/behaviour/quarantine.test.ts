import { describe, expect, test } from 'vitest';
import {
  type Api,
  type ApiOptions,
  type Entry,
  type QuarantinedEntry,
  StorageException,
  ValueException,
} from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { held, received } from '../support/fakes/fake-server.js';
import { type Minds, PickyServer, range } from '../support/fakes/picky-server.js';
import { type FilePlace, PLACES, WebPlace } from '../support/fakes/places.js';

const isOdd: Minds = (value) => Number(value) % 2 === 1;

function setUp(minds: Minds = isOdd, options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new PickyServer(minds);
  const api = openApi(options, { clock, transport: server });
  return { clock, server, api };
}

const numbersOf = (entries: readonly Entry[]): unknown[] => entries.map(({ values }) => values[0]?.value);

describe('an entry in quarantine', () => {
  test('is reported by quarantined(), status(), the exception and one event each, with the reason of the server', async () => {
    const { api } = setUp();
    const events: unknown[] = [];
    api.on('quarantine', (event) => events.push(event));
    const [, first, , second] = commitEach(api, 0, 1, 2, 3, 4) as [Entry, Entry, Entry, Entry];
    const exception = await pushFailure(api.push());
    const [one, other] = [
      { ...first, status: 400, reason: 'Bad request: 1 is not wanted.' },
      { ...second, status: 400, reason: 'Bad request: 3 is not wanted.' },
    ];
    expect(api.quarantined()).toEqual([one, other]);
    expect(exception.quarantined).toEqual([one, other]);
    expect(exception.retainedData).toBe(true);
    expect(exception.advice).toMatch(/quarantined\(\).*restore\(\)/);
    expect(events).toEqual([
      { entries: [one], status: 400, message: one.reason },
      { entries: [other], status: 400, message: other.reason },
    ]);
    expect(api.status()).toMatchObject({ committed: 0, bytes: 0, quarantined: 2, lastException: exception });
  });

  test('is sent no more', async () => {
    const { api, server } = setUp();
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    const before = server.requests.length;
    expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
    commitEach(api, 2);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(server.requests.length - before).toBe(1);
  });

  test('with a long reason of its server keeps its beginning', async () => {
    const { api, server } = setUp();
    server.instead = (values) => (values.some(isOdd) ? received(400, { message: 'x'.repeat(5000) }) : undefined);
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    expect(api.quarantined()[0]?.reason).toMatch(/^Bad request: x{287}…$/);
  });

  test('is removed by dropQuarantined(), all or by id, unknown ids ignored', async () => {
    const { api } = setUp();
    commitEach(api, ...range(0, 7));
    await pushFailure(api.push());
    const [one, two, three] = api.quarantined().map(({ id }) => id) as [string, string, string];
    expect(api.dropQuarantined([two, 'nobody', two])).toBe(1);
    expect(numbersOf(api.quarantined())).toEqual([1, 5, 7]);
    expect(api.dropQuarantined([])).toBe(0);
    expect(api.dropQuarantined([one, three])).toBe(2);
    expect(api.dropQuarantined()).toBe(1);
    expect(api.dropQuarantined()).toBe(0);
    expect(api.quarantined()).toEqual([]);
    expect(api.status().quarantined).toBe(0);
  });

  test.each([null, 'x', [1], [undefined], {}])('dropQuarantined(%j) is refused and removes nothing', async (ids) => {
    const { api } = setUp();
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    expect(() => api.dropQuarantined(ids as never)).toThrow(ValueException);
    expect(api.quarantined()).toHaveLength(1);
  });

  test('stays when the queue is reset, and when credentials are refused', async () => {
    const { api, server } = setUp();
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    commitEach(api, 2);
    api.resetUnpushedEntries();
    commitEach(api, 4);
    server.instead = () => received(401);
    expect((await pushFailure(api.push())).discarded).toHaveLength(1);
    expect(numbersOf(api.quarantined())).toEqual([1]);
  });

  test('counts where entries are counted: maxQueuedEntries holds for both', async () => {
    const { api } = setUp(isOdd, { maxQueuedEntries: 3 });
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    commitEach(api, 2, 4);
    api.addValue('temperature', 6);
    expect(() => api.commit()).toThrow(StorageException);
    api.dropQuarantined();
    expect(api.commit()).toBeDefined();
  });

  test("is dropped first where 'drop-oldest' needs capacity, and carried by the event", async () => {
    const { api } = setUp(isOdd, { maxQueuedEntries: 3, overflow: 'drop-oldest' });
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(numbersOf(entries)));
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    commitEach(api, 2, 4, 6, 8);
    expect(dropped).toEqual([[1], [2]]);
    expect(api.status()).toMatchObject({ committed: 3, quarantined: 0 });
  });
});

describe('restoring from quarantine', () => {
  test("where 'drop-oldest' needs capacity, drops no entry that is being restored", async () => {
    const { api } = setUp(isOdd, { maxQueuedEntries: 3, overflow: 'drop-oldest' });
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(numbersOf(entries)));
    commitEach(api, 2, 4);
    const old = { id: 'elsewhere-1', timestamp: 1, values: [{ fieldId: 'temperature', value: 9 }] };
    const restored = api.restore([...api.quarantined(), old]);
    expect(numbersOf(restored)).toEqual([1, 9]);
    expect(dropped).toEqual([[2]]);
    expect(numbersOf(api.log())).toEqual([4, 1, 9]);
  });

  test('puts entries at the end of the queue, with their times, and out of quarantine', async () => {
    const { api, server } = setUp();
    api.addValue('temperature', 1);
    api.commit({ timestamp: 1_600_000_000 });
    commitEach(api, 2);
    await pushFailure(api.push());
    commitEach(api, 4);
    const [entry] = api.restore(api.quarantined());
    expect(entry).toMatchObject({ timestamp: 1_600_000_000, values: [{ fieldId: 'temperature', value: 1 }] });
    expect(api.quarantined()).toEqual([]);
    expect(numbersOf(api.log())).toEqual([4, 1]);
    server.minds = () => false;
    expect(await api.push()).toMatchObject({ pushed: 2 });
  });

  test('and refused again, they are quarantined again, and can be restored again', async () => {
    const { api } = setUp();
    commitEach(api, 0, 1);
    await pushFailure(api.push());
    for (let round = 0; round < 3; round++) {
      expect(api.restore(api.quarantined())).toHaveLength(1);
      commitEach(api, 2);
      await pushFailure(api.push());
      expect(numbersOf(api.quarantined())).toEqual([1]);
    }
  });

  test('the same ones twice, from event and exception, puts them back once', async () => {
    const { api } = setUp();
    commitEach(api, 0, 1);
    const { quarantined } = await pushFailure(api.push());
    expect(api.restore(quarantined)).toHaveLength(1);
    expect(api.restore(quarantined)).toEqual([]);
    expect(api.status()).toMatchObject({ committed: 1, quarantined: 0 });
  });

  test.each(['refuse', 'drop-oldest'] as const)(
    'needs no capacity where maxQueuedEntries is reached: the entries only move (%s)',
    async (overflow) => {
      const { api } = setUp(isOdd, { maxQueuedEntries: 4, overflow });
      const dropped: unknown[] = [];
      api.on('discard', ({ entries }) => dropped.push(numbersOf(entries)));
      commitEach(api, 0, 1, 2, 3);
      await pushFailure(api.push());
      commitEach(api, 4, 6);
      expect(numbersOf(api.restore(api.quarantined()))).toEqual([1, 3]);
      expect(numbersOf(api.log())).toEqual([4, 6, 1, 3]);
      expect(dropped).toEqual([]);
    },
  );

  test('from within the quarantine event is possible, and ends', async () => {
    const { api, server } = setUp();
    let left = 2;
    api.on('quarantine', ({ entries }) => {
      if (left-- > 0) api.restore(entries);
    });
    commitEach(api, 0, 1);
    await api.push().catch(() => {});
    expect(numbersOf(api.log())).toEqual([1]);
    for (let round = 0; round < 3; round++) {
      commitEach(api, 2);
      await api.push().catch(() => {});
    }
    expect(numbersOf(api.quarantined())).toEqual([1]);
    expect(server.requests.length).toBeLessThan(30);
  });
});

describe.each(PLACES)('in %s, quarantine', (_name, makePlace) => {
  async function quarantined(options: Partial<ApiOptions> = {}) {
    const place = makePlace();
    const api = await place.reopen(options);
    refuseOdd(place);
    commitEach(api, 0, 1, 2, 3);
    await pushFailure(api.push());
    return { place, api };
  }

  function refuseOdd({ server }: WebPlace | FilePlace | ReturnType<typeof makePlace>): void {
    server.answerWith(({ body = '' }) =>
      /"temperature":\d*[13579]}/.test(body) ? received(400, { message: 'Odd.' }) : received(200),
    );
  }

  test('comes back with the queue after a crash, with the reason of the server, and is not sent', async () => {
    const { place, api } = await quarantined();
    const before = api.quarantined();
    commitEach(api, 4);
    place.crash(api);
    const next = await place.reopen();
    const { length } = place.server.requests;
    expect(next.quarantined()).toEqual(before);
    expect(next.status()).toMatchObject({ committed: 1, quarantined: 2 });
    expect(await next.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(place.server.requests).toHaveLength(length + 1);
    place.crash(next);
    expect((await place.reopen()).quarantined()).toEqual(before);
  });

  test('is reported by the adopt event', async () => {
    const { place, api } = await quarantined();
    commitEach(api, 4);
    place.crash(api);
    const next = place.open();
    const events: unknown[] = [];
    next.on('adopt', (event) => events.push(event));
    await place.clock.advance(5000);
    expect(events).toEqual([{ entries: 3, quarantined: 2, staged: 0 }]);
  });

  test('that was dropped or restored stays so after a crash', async () => {
    const { place, api } = await quarantined();
    const [one, other] = [...api.quarantined()] as [QuarantinedEntry, QuarantinedEntry];
    api.dropQuarantined([one.id]);
    api.restore([other]);
    place.crash(api);
    const next = await place.reopen();
    expect(next.quarantined()).toEqual([]);
    expect(numbersOf(next.log())).toEqual([3]);
  });

  test('that was adopted can be dropped and restored as well', async () => {
    const { place, api } = await quarantined();
    place.crash(api);
    const next = await place.reopen();
    const [one, other] = [...next.quarantined()] as [QuarantinedEntry, QuarantinedEntry];
    expect(next.dropQuarantined([one.id])).toBe(1);
    expect(numbersOf(next.restore([other]))).toEqual([3]);
    place.crash(next);
    const last = await place.reopen();
    expect(last.quarantined()).toEqual([]);
    expect(numbersOf(last.log())).toEqual([3]);
  });

  test('of entries that a dead run left works as for own ones', async () => {
    const place = makePlace();
    const dead = await place.reopen();
    commitEach(dead, 0, 1, 2);
    place.crash(dead);
    const api = await place.reopen();
    refuseOdd(place);
    await pushFailure(api.push());
    expect(numbersOf(api.quarantined())).toEqual([1]);
    place.crash(api);
    expect(numbersOf((await place.reopen()).quarantined())).toEqual([1]);
  });

  test('by an Api that saves no entries is only in memory', async () => {
    const { place, api } = await quarantined({ stageUnpushedEntries: false });
    expect(numbersOf(api.quarantined())).toEqual([1, 3]);
    expect([...place.stored().values()].join()).not.toContain('temperature');
    place.crash(api);
    expect((await place.reopen()).quarantined()).toEqual([]);
  });

  test('and the queue are saved again, each as what it is, after all was deleted underneath', async () => {
    const { place, api } = await quarantined();
    commitEach(api, 4);
    if (place instanceof WebPlace) place.localStorage.items.clear();
    else for (const name of place.stored().keys()) place.put(name, '');
    await place.clock.advance(120_000);
    commitEach(api, 6);
    const before = api.quarantined();
    place.crash(api);
    const next = await place.reopen();
    expect(next.quarantined()).toEqual(before);
    expect(numbersOf(next.log()).sort()).toEqual([4, 6]);
  });
});

describe('a storage that fails while an entry is quarantined', () => {
  test('is written again once it works: the entry is in quarantine after a crash too', async () => {
    const place = new WebPlace();
    const api = await place.reopen();
    place.server.answerWith(({ body = '' }) => received(body.includes('"temperature":1}') ? 400 : 200));
    commitEach(api, 0, 1);
    place.localStorage.capacity = 10;
    await pushFailure(api.push());
    expect(numbersOf(api.quarantined())).toEqual([1]);
    await place.clock.advance(60_000);
    expect(api.status().warnings).toMatchObject([
      { code: 'storage-failed', message: expect.stringMatching(/in quarantine/) },
    ]);
    place.localStorage.capacity = 5_242_880;
    await place.clock.advance(60_000);
    place.crash(api);
    const next = await place.reopen();
    expect(numbersOf(next.quarantined())).toEqual([1]);
    expect(next.log()).toEqual([]);
  });

  test('and was cleared right before, too, has the entry again after a crash', async () => {
    const place = new WebPlace();
    const api = await place.reopen();
    const answer = held();
    const asked = held();
    place.server.answerWith(({ body = '' }) => {
      if (!body.includes('"temperature":1}')) return received(200);
      if (body.includes('},{"timestamp"')) return received(400);
      asked.give(received(200));
      return answer.answer;
    });
    commitEach(api, 0, 1);
    const push = api.push();
    await asked.answer;
    // Cleared and full: what is queued can't be saved again for now.
    place.localStorage.items.clear();
    place.localStorage.capacity = 10;
    api.addValue('temperature', 2);
    expect(() => api.commit()).toThrow(StorageException);
    await turn();
    place.localStorage.capacity = 5_242_880;
    answer.give(received(400));
    await pushFailure(push);
    expect(numbersOf(api.quarantined())).toEqual([1]);
    place.crash(api);
    const next = await place.reopen();
    expect([...numbersOf(next.quarantined()), ...numbersOf(next.log())]).toEqual([1]);
  });
});

/** A push that is held when the entry 1 is sent alone, for a test to meddle meanwhile; it is refused then. */
async function heldAlone(api: Api, server: PickyServer) {
  const answer = held();
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const { minds } = server;
  server.answerWith(({ body = '' }) => {
    const isAlone = body.match(/"timestamp"/g)?.length === 1;
    if (!minds(Number(/"temperature":(\d+)/.exec(body)?.[1])) && isAlone) return received(200);
    if (!isAlone) return received(/"temperature":\d*[13579]}/.test(body) ? 400 : 200);
    reach();
    return answer.answer;
  });
  const push = api.push();
  await reached;
  return { push, refuse: () => answer.give(received(400)) };
}

describe('while a bad entry is being isolated,', () => {
  test('a reset of the queue removes it: it is not quarantined', async () => {
    const { api, server } = setUp();
    commitEach(api, 0, 1, 2, 4);
    const { push, refuse } = await heldAlone(api, server);
    api.resetUnpushedEntries();
    refuse();
    await push.catch(() => {});
    expect(api.quarantined()).toEqual([]);
    expect(api.log()).toEqual([]);
  });

  test('a commit stays queued, and is not sent by it', async () => {
    const { api, server } = setUp();
    commitEach(api, 0, 1, 2, 4);
    const { push, refuse } = await heldAlone(api, server);
    commitEach(api, 6);
    refuse();
    await pushFailure(push);
    expect(numbersOf(api.quarantined())).toEqual([1]);
    expect(numbersOf(api.log())).toEqual([6]);
  });

  test('an abort by the signal keeps everything, and the next push finds it', async () => {
    const { api, server } = setUp();
    commitEach(api, ...range(0, 9));
    const abort = new AbortController();
    const aborted = pushFailure(api.push({ signal: abort.signal }));
    server.answerWith(() => {
      if (server.requests.length === 3) abort.abort();
      return received(400);
    });
    expect(await aborted).toMatchObject({ message: expect.stringContaining('aborted'), retainedData: true });
    await turn();
    expect(api.log()).toHaveLength(10);
    expect(api.quarantined()).toEqual([]);
    expect(api.status().pushing).toBe(false);
  });

  test('a call that joins and one that ends earlier are each answered when theirs is', async () => {
    const { api, server } = setUp((value) => value === 1);
    commitEach(api, 0, 2);
    const answers: string[] = [];
    const first = api.push().then(
      () => answers.push('first stored'),
      () => answers.push('first failed'),
    );
    commitEach(api, 1, 4);
    const second = api.push().then(
      () => answers.push('second stored'),
      () => answers.push('second failed'),
    );
    await Promise.all([first, second]);
    expect(answers).toEqual(['first stored', 'second failed']);
    expect(server.stored).toEqual([0, 2, 4]);
    expect(numbersOf(api.quarantined())).toEqual([1]);
  });

  test('a call whose entries were all stored resolves, though one that joined it has a bad one', async () => {
    const { api, server } = setUp((value) => value === 1);
    let rejections = 2;
    server.instead = (values) => (values[0] === 0 && rejections-- > 0 ? received(400) : undefined);
    commitEach(api, 0, 2);
    const first = api.push();
    commitEach(api, 1);
    const second = pushFailure(api.push());
    // The entry 0 is a suspect at first, and stored after the other was found.
    await expect(first).resolves.toMatchObject({ pushed: 2 });
    expect((await second).quarantined).toHaveLength(1);
  });

  test("entries dropped by 'drop-oldest' are reported once, and never both dropped and quarantined", async () => {
    const { api, server } = setUp(isOdd, { maxQueuedEntries: 4, overflow: 'drop-oldest' });
    const dropped: unknown[] = [];
    api.on('discard', ({ entries }) => dropped.push(...numbersOf(entries)));
    commitEach(api, 0, 1, 3, 4);
    const { push, refuse } = await heldAlone(api, server);
    commitEach(api, 6, 8);
    refuse();
    await push.catch(() => {});
    await api.push().catch(() => {});
    const kept = [...numbersOf(api.quarantined()), ...numbersOf(api.log())];
    const stored = server.uploads.flat().map((values) => Object.values((values as object[])[0] ?? {})[0]);
    expect(dropped.filter((value) => kept.includes(value))).toEqual([]);
    for (const value of [0, 1, 3, 4, 6, 8]) expect([...dropped, ...kept, ...stored]).toContain(value);
  });

  test('a push that stored everything at last has failed with nothing, though commits were made meanwhile', async () => {
    const { api, server } = setUp(() => false);
    let rejections = 3;
    server.instead = (values) => (values[0] === 0 && rejections-- > 0 ? received(400) : undefined);
    commitEach(api, 0, 1, 2);
    api.on('push', () => commitEach(api, 3));
    const push = api.push();
    commitEach(api, 9);
    expect(await push).toMatchObject({ pushed: 3 });
    expect(api.status().lastException).toBeUndefined();
  });
});
