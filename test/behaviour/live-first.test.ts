import { describe, expect, test } from 'vitest';
import { type ApiOptions, memoryStorage } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { PickyServer, range } from '../support/fakes/picky-server.js';

const MINUTE = 60_000;

function setUp(options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new PickyServer();
  const environment = new FakeEnvironment();
  const api = openApi({ order: 'live-first', ...options }, { clock, transport: server, environment });
  /** The values of each request. */
  const requests: unknown[][] = [];
  const answer = { milliseconds: 0 };
  server.answerWith(async ({ body = '' }) => {
    const { entries } = JSON.parse(body) as { entries: { values: object[] }[] };
    requests.push(entries.map(({ values }) => Object.values(values[0] ?? {})[0]));
    if (answer.milliseconds > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, answer.milliseconds));
    return received(200);
  });
  return { clock, server, environment, api, requests, answer };
}

describe("order: 'live-first'", () => {
  test('sends entries of the last minute first, and the backlog and live entries alternately, each oldest first', async () => {
    const { api, clock, requests } = setUp({ maxEntriesPerRequest: 2 });
    commitEach(api, 1, 2, 3, 4, 5);
    await clock.advance(MINUTE);
    commitEach(api, 11, 12, 13, 14, 15);
    expect(await api.push()).toEqual({ pushed: 10, requests: 6, expired: 0 });
    expect(requests).toEqual([[11, 12], [1, 2], [13, 14], [3, 4], [15], [5]]);
  });

  test('an entry is live until liveSeconds after its commit, by the monotonic clock, when the request is formed', async () => {
    const { api, clock, requests } = setUp({ liveSeconds: 10 });
    commitEach(api, 1);
    await clock.advance(1);
    commitEach(api, 2);
    await clock.advance(9999);
    clock.jump(-1_000_000_000);
    expect(api.status()).toMatchObject({ backlog: 1, live: 1 });
    await api.push();
    expect(requests).toEqual([[2], [1]]);
  });

  test("is off by default, and 'oldest-first' has no live entries", async () => {
    const { api, clock, requests } = setUp({ order: undefined });
    commitEach(api, 1);
    await clock.advance(MINUTE);
    commitEach(api, 2);
    expect(api.status()).toMatchObject({ backlog: 2, live: 0 });
    await api.push();
    expect(requests).toEqual([[1, 2]]);
  });

  test('adopted and restored entries are backlog', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage });
    commitEach(dead, 1, 2);
    await dead.close();
    const { api, requests } = setUp({ storage });
    await api.ready;
    commitEach(api, 11);
    api.restore([{ id: 'x-1', timestamp: 5, values: [{ fieldId: 'temperature', value: 3 }] }]);
    commitEach(api, 12);
    expect(api.status()).toMatchObject({ committed: 5, backlog: 3, live: 2 });
    await api.push();
    expect(requests).toEqual([
      [11, 12],
      [1, 2, 3],
    ]);
  });

  test('a push carries live entries that are committed after its call, and ends when those before it are answered', async () => {
    const { api, clock, requests, answer } = setUp({ maxEntriesPerRequest: 1 });
    commitEach(api, 1, 2, 3);
    await clock.advance(MINUTE);
    answer.milliseconds = 1000;
    let result: unknown;
    void api.push().then((given) => {
      result = given;
    });
    await clock.advance(500);
    commitEach(api, 11, 12, 13);
    await clock.advance(10_000);
    expect(requests).toEqual([[1], [11], [2], [12], [3]]);
    expect(result).toEqual({ pushed: 5, requests: 5, expired: 0 });
    expect(api.status()).toMatchObject({ committed: 1 });
  });

  test('a request of the backlog carries what passed within 5 s last time', async () => {
    const { api, clock, requests, answer } = setUp({ requestTimeout: 60 });
    commitEach(api, ...range(101, 400));
    await clock.advance(MINUTE);
    commitEach(api, 1);
    answer.milliseconds = 1000;
    void api.push().catch(() => {});
    await clock.advance(MINUTE);
    const sizes = requests.map(({ length }) => length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(301);
    const [live, first = 0, second = 0, third = 0] = sizes;
    // The live request is the first measure, and each request of the backlog the next one.
    expect(live).toBe(1);
    expect(first).toBeGreaterThan(3);
    // The body takes some bytes beside its entries.
    expect(first).toBeLessThanOrEqual(8);
    expect(second).toBeGreaterThan(4 * first);
    expect(second).toBeLessThanOrEqual(6 * first);
    expect(third).toBeGreaterThan(4 * second);
    // A slow request is followed by one of less.
    commitEach(api, ...range(1000, 1999));
    await clock.advance(MINUTE);
    answer.milliseconds = 20_000;
    requests.length = 0;
    void api.push().catch(() => {});
    await clock.advance(5 * MINUTE);
    const [before = 0, after = 0] = requests.map(({ length }) => length);
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(before / 3);
  });

  test('live requests do not shrink with the backlog', async () => {
    const { api, clock, requests, answer } = setUp({ requestTimeout: 60 });
    commitEach(api, 1, 2, 3);
    await clock.advance(MINUTE);
    answer.milliseconds = 50_000;
    void api.push().catch(() => {});
    await clock.advance(MINUTE);
    commitEach(api, ...range(11, 100));
    void api.push().catch(() => {});
    await clock.advance(MINUTE);
    expect(requests[1]).toEqual(range(11, 100));
  });

  test('a bad entry of one lane is found, and the other lane is not held up', async () => {
    const clock = new FakeClock();
    const server = new PickyServer((value) => value === 13 || value === 2);
    const api = openApi({ order: 'live-first', maxEntriesPerRequest: 4 }, { clock, transport: server });
    commitEach(api, ...range(1, 9));
    await clock.advance(MINUTE);
    commitEach(api, ...range(11, 19));
    for (let push = 0; push < 8; push++) {
      await api.push().catch(() => {});
      await clock.advance(1000);
    }
    expect(api.status().committed).toBe(0);
    expect(api.quarantined().map(({ values }) => values[0]?.value)).toEqual(expect.arrayContaining([2, 13]));
    const inLane = (first: number) =>
      server.stored.filter((value) => Number(value) > first && Number(value) < first + 10);
    expect(inLane(0)).toEqual(range(1, 9).filter((value) => value !== 2));
    expect(inLane(10)).toEqual(range(11, 19).filter((value) => value !== 13));
  });

  test('live entries that fail in every request do not hold up the backlog for ever, nor the reverse', async () => {
    for (const isBad of [(value: unknown) => Number(value) > 10, (value: unknown) => Number(value) < 10]) {
      const clock = new FakeClock();
      const server = new PickyServer(isBad, 503);
      const api = openApi({ order: 'live-first', liveSeconds: 86_400 }, { clock, transport: server });
      const restored = range(1, 5).map((value) => ({
        id: `x-${value}`,
        timestamp: 5,
        values: [{ fieldId: 'temperature', value }],
      }));
      api.restore(restored);
      commitEach(api, 11, 12, 13, 14, 15);
      for (let push = 0; push < 120; push++) {
        await api.push().catch(() => {});
        await clock.advance(61_000);
      }
      expect([...server.stored].sort()).toEqual([...range(1, 5), ...range(11, 15)].filter((value) => !isBad(value)));
    }
  });

  test('a page that goes away sends live entries first', () => {
    const clock = new FakeClock();
    const server = new FakeServer(() => held().answer);
    const environment = new FakeEnvironment();
    const api = openApi({ order: 'live-first', maxEntriesPerRequest: 2 }, { clock, transport: server, environment });
    api.restore(
      [1, 2].map((value) => ({ id: `x-${value}`, timestamp: 5, values: [{ fieldId: 'temperature', value }] })),
    );
    commitEach(api, 11, 12);
    environment.dispatch('pagehide');
    expect(server.uploads).toEqual([
      [[{ temperature: 11 }], [{ temperature: 12 }]],
      [[{ temperature: 1 }], [{ temperature: 2 }]],
    ]);
  });

  test('discards what this run committed, live or not, where the credentials are refused', async () => {
    const clock = new FakeClock();
    const server = new FakeServer(() => received(401));
    const api = openApi({ order: 'live-first' }, { clock, transport: server });
    commitEach(api, 1);
    await clock.advance(MINUTE);
    commitEach(api, 2);
    const { discarded } = await pushFailure(api.push());
    expect(discarded.map(({ values }) => values[0]?.value)).toEqual([1, 2]);
    expect(api.status()).toMatchObject({ committed: 0, live: 0, backlog: 0, oldestAgeSeconds: undefined });
  });

  test('counts the age of the oldest entry', async () => {
    const { api, clock } = setUp();
    commitEach(api, 1);
    await clock.advance(90_000);
    commitEach(api, 2);
    expect(api.status()).toMatchObject({ oldestAgeSeconds: 90, backlog: 1, live: 1 });
  });
});

describe('commit({ urgent: true })', () => {
  test("goes before all others, in a request of its own, also with 'oldest-first'", async () => {
    for (const order of ['oldest-first', 'live-first'] as const) {
      const { api, clock, requests } = setUp({ order });
      commitEach(api, 1, 2);
      await clock.advance(MINUTE);
      commitEach(api, 11);
      api.addValue('temperature', 99);
      expect(api.commit({ urgent: true })?.values).toEqual([{ fieldId: 'temperature', value: 99 }]);
      await api.push();
      expect(requests[0]).toEqual([99]);
      expect(requests.flat()).toEqual(order === 'live-first' ? [99, 11, 1, 2] : [99, 1, 2, 11]);
    }
  });

  test('is carried by the push under way', async () => {
    const { api, clock, requests, answer } = setUp({ order: 'oldest-first', maxEntriesPerRequest: 1 });
    commitEach(api, 1, 2, 3);
    answer.milliseconds = 1000;
    void api.push().catch(() => {});
    await clock.advance(500);
    api.addValue('temperature', 99);
    api.commit({ urgent: true });
    await clock.advance(10_000);
    expect(requests).toEqual([[1], [99], [2], [3]]);
  });

  test('is like any other entry after a restart', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage });
    commitEach(dead, 1);
    dead.addValue('temperature', 99);
    dead.commit({ urgent: true });
    await dead.close();
    const { api, requests } = setUp({ storage, order: 'oldest-first' });
    await api.ready;
    await api.push();
    expect(requests).toEqual([[1, 99]]);
  });

  test('keeps a time that is given with it', () => {
    const { api } = setUp();
    api.addValue('temperature', 1);
    expect(api.commit({ urgent: true, timestamp: 5 })?.timestamp).toBe(5);
    api.addValue('temperature', 1);
    expect(() => api.commit({ urgent: 1 as unknown as boolean })).toThrow('urgent must be true or false, got 1');
    expect(api.status().staged).toBe(1);
  });

  function setUpAuto(status: number, retryAfter?: string) {
    const clock = new FakeClock();
    const times: number[] = [];
    const answers = { status, retryAfter };
    const server = new FakeServer(() => {
      times.push(clock.monotonic());
      return { ...received(answers.status), retryAfter: answers.retryAfter } as ReturnType<typeof received>;
    });
    const options: Partial<ApiOptions> = {
      autoPush: { everySeconds: 3600, atEntries: 1000 },
      onRefusedCredentials: 'keep',
    };
    const api = openApi(options, { clock, transport: server });
    const alarm = (): void => {
      api.addValue('temperature', 99);
      api.commit({ urgent: true });
    };
    return { clock, api, times, answers, alarm };
  }

  test('brings the next automatic push forward, to now', async () => {
    const { clock, api, times, alarm } = setUpAuto(200);
    commitEach(api, 1);
    await clock.advance(1000);
    expect(times).toEqual([]);
    alarm();
    await clock.advance(0);
    expect(times).toEqual([1000, 1000]);
  });

  test('but not within 5 s of the end of the last one', async () => {
    const { clock, times, alarm } = setUpAuto(200);
    alarm();
    await clock.advance(1000);
    alarm();
    await clock.advance(3999);
    expect(times).toEqual([0]);
    await clock.advance(1);
    expect(times).toEqual([0, 5000]);
  });

  test('nor before Retry-After', async () => {
    const { clock, api, times, answers, alarm } = setUpAuto(503, '100');
    alarm();
    await clock.advance(6000);
    answers.status = 200;
    alarm();
    await clock.advance(93_999);
    expect(times).toEqual([0]);
    expect(api.status().nextTry).toBeDefined();
    await clock.advance(1);
    expect(times[1]).toBe(100_000);
  });

  test('does not wait for the delay after a rejection or a failure', async () => {
    for (const status of [404, 503]) {
      const { clock, times, alarm } = setUpAuto(status);
      for (let failures = 0; failures < 12; failures++) {
        alarm();
        await clock.advance(5000);
      }
      expect(times.length).toBeGreaterThanOrEqual(12);
    }
  });

  test('that is committed during a push which fails brings the next one forward, and the retry event has that time', async () => {
    const { clock, api, times, answers, alarm } = setUpAuto(404);
    commitEach(api, 1);
    const retries: unknown[] = [];
    api.on('retry', ({ seconds }) => retries.push(seconds));
    void api.push().catch(() => {});
    alarm();
    await turn();
    expect(retries).toEqual([5]);
    answers.status = 200;
    const before = times.length;
    await clock.advance(5000);
    expect(times.length).toBeGreaterThan(before);
    expect(api.status().committed).toBe(0);
  });

  test('starts no push after refused credentials', async () => {
    const { clock, times, alarm } = setUpAuto(401);
    alarm();
    await clock.advance(10_000);
    const before = times.length;
    alarm();
    await clock.advance(100_000);
    expect(times).toHaveLength(before);
  });
});
