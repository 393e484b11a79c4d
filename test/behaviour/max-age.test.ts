import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ApiOptions, type DiscardEvent, type Entry, memoryStorage } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { PickyServer } from '../support/fakes/picky-server.js';

const HOUR = 3_600_000;
/** A clock that was never set. */
const UNSET = 40_000;

function setUp(options: Partial<ApiOptions> = {}, clock = new FakeClock()) {
  const server = new PickyServer();
  const api = openApi({ maxAge: 3600, ...options }, { clock, transport: server });
  const expired: unknown[] = [];
  const events: DiscardEvent[] = [];
  api.on('discard', (event) => {
    events.push(event);
    if (event.reason === 'expired') expired.push(...valuesOf(event.entries));
  });
  return { api, clock, server, events, expired };
}

const valuesOf = (entries: readonly Entry[]): unknown[] => entries.map(({ values }) => values[0]?.value);
const now = (clock: FakeClock): number => Math.floor(clock.now() / 1000);

describe('maxAge', () => {
  test('is off by default', async () => {
    const { api, clock, server } = setUp({ maxAge: undefined });
    commitEach(api, 1);
    await clock.advance(1e6 * HOUR);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(server.stored).toEqual([1]);
  });

  test('an older entry leaves before a request, through an event before its removal; the push resolves', async () => {
    const { api, clock, server, events, expired } = setUp();
    const queued: number[] = [];
    api.on('discard', () => queued.push(api.status().committed));
    commitEach(api, 1);
    await clock.advance(HOUR);
    commitEach(api, 2);
    await clock.advance(1000);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 1 });
    expect(server.stored).toEqual([2]);
    expect(expired).toEqual([1]);
    expect(queued).toEqual([2]);
    expect(events).toMatchObject([{ reason: 'expired', message: 'maxAge (3600 s) is exceeded' }]);
    expect(events[0]).not.toHaveProperty('status');
  });

  test('an entry of exactly that age stays', async () => {
    const { api, clock } = setUp();
    commitEach(api, 1);
    await clock.advance(HOUR);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('counts by a time given to commit too, wherever the entry stands in the queue', async () => {
    const { api, clock, server, expired } = setUp();
    commitEach(api, 1);
    for (const [value, timestamp] of [
      [2, now(clock) - 3601],
      [3, now(clock) - 3599],
      [4, 1_000_000],
    ] as const) {
      api.addValue('temperature', value);
      api.commit({ timestamp });
    }
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 2 });
    expect(server.stored).toEqual([1, 3]);
    expect(expired).toEqual([2, 4]);
  });

  test('a push of expired entries only makes no request, and resolves', async () => {
    const { api, clock } = setUp();
    commitEach(api, 1, 2);
    await clock.advance(2 * HOUR);
    expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 2 });
    expect(api.status().committed).toBe(0);
  });

  test('is checked before each request of a push', async () => {
    const { api, clock, server, expired } = setUp({ maxEntriesPerRequest: 1, requestTimeout: 600 });
    commitEach(api, 1, 2);
    await clock.advance(HOUR);
    const first = held();
    server.answerWith(() => first.answer);
    const push = api.push();
    await clock.advance(2000);
    expect(expired).toEqual([]);
    first.give(received(200));
    expect(await push).toEqual({ pushed: 1, requests: 1, expired: 1 });
    expect(expired).toEqual([2]);
  });

  test('is checked at the head of the queue at each commit, where it makes room', async () => {
    const { api, clock, expired } = setUp({ maxQueuedEntries: 3 });
    commitEach(api, 1, 2);
    await clock.advance(HOUR);
    commitEach(api, 3);
    await clock.advance(1000);
    commitEach(api, 4);
    expect(expired).toEqual([1, 2]);
    expect(valuesOf(api.log())).toEqual([3, 4]);
  });

  test('never touches entries in flight or in quarantine', async () => {
    const { api, clock, server, expired } = setUp({ maxAge: 60, requestTimeout: 600 });
    server.minds = (value) => value === 1;
    commitEach(api, 1, 2);
    await pushFailure(api.push());
    await api.push().catch(() => {});
    expect(valuesOf(api.quarantined())).toEqual([1]);
    commitEach(api, 3);
    const answer = held();
    server.answerWith(() => answer.answer);
    const push = api.push();
    await clock.advance(100_000);
    commitEach(api, 4);
    expect(expired).toEqual([]);
    answer.give(received(503));
    const exception = await pushFailure(push);
    expect(exception).toMatchObject({ expired: [], retainedData: true });
    expect(valuesOf(api.quarantined())).toEqual([1]);
    commitEach(api, 5);
    expect(expired).toEqual([3]);
  });

  test('a failed push has the expired entries in its exception, and still retains all data', async () => {
    const { api, clock, server } = setUp();
    commitEach(api, 1);
    await clock.advance(2 * HOUR);
    commitEach(api, 3);
    api.addValue('temperature', 2);
    api.commit({ timestamp: 1_795_000_000 });
    server.answerWith(() => received(503));
    const exception = await pushFailure(api.push());
    expect(valuesOf(exception.expired)).toEqual([2]);
    expect(exception).toMatchObject({ discarded: [], retainedData: true });
  });

  test('commitAndPush sums up what expired', async () => {
    const { api, clock, server } = setUp({ maxQueuedEntries: 2 });
    commitEach(api, 1);
    await clock.advance(HOUR / 2);
    commitEach(api, 2);
    api.addValue('temperature', 3);
    server.instead = undefined;
    expect(await api.commitAndPush()).toEqual({ pushed: 3, requests: 2, expired: 0 });
  });

  test('nothing expires while the clock is unset, nor an entry of that time after it was set', async () => {
    const { api, clock, server, expired } = setUp({}, new FakeClock(UNSET));
    server.answerWith(() => received(503));
    commitEach(api, 1);
    await clock.advance(10 * HOUR);
    await pushFailure(api.push());
    commitEach(api, 2);
    await clock.advance(HOUR - 1000);
    clock.jump(1_795_349_662_000);
    commitEach(api, 3);
    await pushFailure(api.push());
    // Corrected, entry 1 is 11 h old.
    expect(expired).toEqual([1]);
    expect(valuesOf(api.log())).toEqual([2, 3]);
  });

  test('an adopted entry of an unset clock stays: its age is unknown', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage }, { clock: new FakeClock(UNSET) });
    commitEach(dead, 1);
    await dead.close();
    const { api, server } = setUp({ storage });
    await api.ready;
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(server.stored).toEqual([1]);
  });

  test('adopted entries expire by their time', async () => {
    const storage = memoryStorage();
    const dead = openApi({ storage });
    for (const timestamp of [1_795_000_000, 1_795_349_000]) {
      dead.addValue('temperature', timestamp);
      dead.commit({ timestamp });
    }
    await dead.close();
    const { api, expired } = setUp({ storage });
    await api.ready;
    expect(await api.push()).toMatchObject({ pushed: 1, expired: 1 });
    expect(expired).toEqual([1_795_000_000]);
  });

  test('a listener that commits, pushes or restores sees each entry expire once, and sends none of them', async () => {
    const { api, clock, server, expired } = setUp();
    let calls = 0;
    const pushes: Promise<unknown>[] = [];
    api.on('discard', ({ entries }) => {
      calls += 1;
      if (calls > 1) return;
      commitEach(api, 50);
      pushes.push(api.push());
      api.restore(entries);
    });
    commitEach(api, 1, 2);
    await clock.advance(2 * HOUR);
    api.addValue('door', 3);
    // The listener has committed the staged value.
    expect(api.commit()).toBeUndefined();
    await Promise.all(pushes);
    await turn();
    expect(expired.slice(0, 2)).toEqual([1, 2]);
    expect(server.stored.filter((value) => value === 1 || value === 2)).toEqual([]);
    expect(server.stored).toEqual([3]);
  });

  test('removes many in events of a thousand', async () => {
    const { api, clock, events } = setUp();
    commitEach(api, ...Array.from({ length: 2500 }, (_, index) => index));
    await clock.advance(2 * HOUR);
    expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 2500 });
    expect(events.map(({ entries }) => entries.length)).toEqual([1000, 1000, 500]);
  });

  test('property: what leaves is older, what is younger stays or is sent, whatever the times and clock jumps', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('commit' as const), back: fc.option(fc.nat({ max: 8000 }), { nil: undefined }) }),
        fc.record({ do: fc.constant('advance' as const), seconds: fc.nat({ max: 4000 }) }),
        fc.record({ do: fc.constant('jump' as const), seconds: fc.integer({ min: -9000, max: -3 }) }),
        fc.record({ do: fc.constant('push' as const), status: fc.constantFrom(200, 503, 400) }),
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (commands) => {
        const clock = new FakeClock();
        const server = new FakeServer();
        const api = openApi({ maxAge: 3600, maxEntriesPerRequest: 3 }, { clock, transport: server });
        const times = new Map<string, { seconds: number; at: number; isGiven: boolean }>();
        const ageOf = (id: string): number => {
          const known = times.get(id);
          if (known === undefined) throw new Error(`${id} was never committed`);
          // The monotonic clock is right about what this run committed; a jump back changes times that were not given.
          return known.isGiven ? now(clock) - known.seconds : Math.floor((clock.monotonic() - known.at) / 1000);
        };
        const left = new Set<string>();
        const quarantined = new Set<string>();
        api.on('quarantine', ({ entries }) => {
          for (const { id } of entries) quarantined.add(id);
        });
        api.on('discard', ({ reason, entries }) => {
          expect(reason).toBe('expired');
          for (const { id } of entries) {
            expect(ageOf(id)).toBeGreaterThanOrEqual(3600);
            expect(quarantined.has(id)).toBe(false);
            expect(left.has(id)).toBe(false);
            left.add(id);
          }
        });
        for (const command of commands) {
          if (command.do === 'advance') await clock.advance(command.seconds * 1000);
          if (command.do === 'jump') clock.jump(command.seconds * 1000);
          if (command.do === 'commit') {
            api.addValue('temperature', 1);
            const timestamp = command.back === undefined ? undefined : now(clock) - command.back;
            const entry = api.commit({ timestamp }) as Entry;
            const isGiven = timestamp !== undefined;
            times.set(entry.id, { seconds: entry.timestamp, at: clock.monotonic(), isGiven });
          }
          if (command.do === 'push') {
            server.answerWith(() => received(command.status));
            await api.push().catch(() => {});
            for (const { id } of api.log()) expect(ageOf(id)).toBeLessThanOrEqual(3601);
          }
        }
        await api.close();
      }),
    );
  });
});
