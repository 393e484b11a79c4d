import { describe, expect, test } from 'vitest';
import { type ApiOptions, memoryStorage } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer, received } from '../support/fakes/fake-server.js';

const NOW = 1_795_349_662;
const SECOND = 1000;
const HOUR = 3_600_000;

function setUp(now = NOW, options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock(now * 1000);
  const server = new FakeServer();
  const api = openApi(options, { clock, transport: server });
  return { clock, server, api };
}

/** Of the last upload: the time of sending, and those of the entries. */
function timesOf(server: FakeServer): { sent: number; entries: number[] } {
  const { clientTimestamp, entries } = JSON.parse(server.requests.at(-1)?.body ?? '') as {
    clientTimestamp: number;
    entries: { timestamp: number }[];
  };
  return { sent: clientTimestamp, entries: entries.map(({ timestamp }) => timestamp) };
}

describe('the time of sending', () => {
  test('is taken right before each try', async () => {
    const { api, clock, server } = setUp();
    commitEach(api, 1);
    server.answerWith(() => received(503));
    for (const seconds of [0, 100, 200]) {
      await clock.advance(seconds * SECOND);
      await pushFailure(api.push());
      expect(timesOf(server).sent).toBe(Math.floor(clock.now() / 1000));
    }
    expect(timesOf(server)).toEqual({ sent: NOW + 300, entries: [NOW] });
  });

  test('is taken anew for each request of one push', async () => {
    const { api, clock, server } = setUp(NOW, { maxEntriesPerRequest: 1 });
    commitEach(api, 1, 2);
    server.answerWith(async () => {
      clock.jump(7 * SECOND);
      return received(200);
    });
    await api.push();
    expect(server.requests.map(({ body = '' }) => JSON.parse(body).clientTimestamp)).toEqual([NOW, NOW + 7]);
  });
});

describe('a clock that jumps between commit and push', () => {
  test.each([
    ['backward by an hour', NOW, -3600, -3600],
    ['backward by 3 s', NOW, -3, -3],
    ['backward by less than 2 s: slewed, or rounded', NOW, -1.9, 0],
    ['forward by an hour: it may have been a suspend', NOW, 3600, 0],
    ['forward by years: it may have been a suspend', NOW, 3e8, 0],
    ['forward from 1970 to now: it was not set', 12, NOW - 12, NOW - 12],
    ['forward from before this release to now: it was not set', 1_790_000_000, 5e6, 5e6],
    ['forward within 1970: it may have been a suspend', 12, 8 * 3600, 0],
    ['forward by less than 2 s from 1970', 12, 1.5, 0],
  ])('F29 %s', async (_name, start, jump, moved) => {
    const { api, clock, server } = setUp(start);
    commitEach(api, 1);
    await clock.advance(10 * SECOND);
    clock.jump(jump * SECOND);
    await api.push();
    const { sent, entries } = timesOf(server);
    expect(entries).toEqual([start + moved]);
    expect(sent).toBe(Math.floor(start + 10 + jump));
  });

  test('F29 each entry is moved by what happened since its own commit, and the order stays', async () => {
    const { api, clock, server } = setUp(100);
    commitEach(api, 1);
    clock.jump((NOW - 100) * SECOND);
    commitEach(api, 2);
    await clock.advance(60 * SECOND);
    clock.jump(-600 * SECOND);
    commitEach(api, 3);
    await api.push();
    expect(server.uploads.flat()).toEqual([1, 2, 3].map((temperature) => [{ temperature }]));
    expect(timesOf(server).entries).toEqual([NOW - 600, NOW - 600, NOW + 60 - 600]);
  });

  test('F29 there and back again moves nothing: the way back may have been a suspend', async () => {
    const { api, clock, server } = setUp();
    commitEach(api, 1);
    for (const jump of [-HOUR, HOUR]) {
      clock.jump(jump);
      commitEach(api, 2);
    }
    await api.push();
    expect(timesOf(server).entries).toEqual([NOW, NOW - 3600, NOW]);
  });

  test('F29 a time that was given stays as it was given', async () => {
    const { api, clock, server } = setUp();
    api.addValue('temperature', 1);
    api.commit({ timestamp: 1_600_000_000 });
    clock.jump(-HOUR);
    await api.push();
    expect(timesOf(server).entries).toEqual([1_600_000_000]);
  });

  test('F29 adopted and restored entries keep their times, as earlier jumps are unknown', async () => {
    const storage = memoryStorage();
    const before = setUp(NOW, { storage });
    commitEach(before.api, 1);
    await before.api.close();
    const { api, clock, server } = setUp(NOW, { storage });
    await api.ready;
    api.restore([{ id: 'x', timestamp: NOW - 50, values: [{ fieldId: 'a', value: 1 }] }]);
    clock.jump(-HOUR);
    await api.push();
    expect(timesOf(server).entries).toEqual([NOW, NOW - 50]);
  });

  test('F29 never goes below 1970', async () => {
    const { api, clock, server } = setUp(100);
    commitEach(api, 1);
    clock.jump(-5000 * SECOND);
    await api.push();
    expect(timesOf(server)).toEqual({ sent: 0, entries: [0] });
  });

  test('F29 log(), the exception and the event have the time of the commit', async () => {
    const { api, clock, server } = setUp();
    const [entry] = commitEach(api, 1);
    clock.jump(-HOUR);
    server.answerWith(() => received(401));
    const { discarded } = await pushFailure(api.push());
    expect(discarded).toEqual([entry]);
  });

  test('F29 timers are unharmed: what is due is pushed, neither at once nor never', async () => {
    for (const jump of [-30 * 365 * 24 * HOUR, -HOUR, HOUR, 30 * 365 * 24 * HOUR]) {
      const { api, clock, server } = setUp(NOW, { autoPush: { everySeconds: 10 } });
      commitEach(api, 1);
      const wait = (api.status().nextTry ?? 0) * SECOND - clock.now();
      clock.jump(jump);
      await clock.advance(wait - SECOND);
      expect(server.requests).toHaveLength(0);
      await clock.advance(SECOND);
      expect(server.requests).toHaveLength(1);
    }
  });
});
