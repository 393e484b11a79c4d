import { describe, expect, test } from 'vitest';
import type { PushResult } from '../../../src/core/model/events.js';
import type { ApiException } from '../../../src/core/model/exceptions.js';
import { PushException } from '../../../src/core/model/request-exceptions.js';
import { type DrainParts, drain } from '../../../src/core/push/drain.js';
import type { Verdict } from '../../../src/core/server/verdict.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

/** A drain by pushes that take so many milliseconds and have these ends; after that they hang. */
function setUp(takes: number, ends: readonly ('stored' | Error)[]) {
  const clock = new FakeClock();
  const times: number[] = [];
  let stop = (_exception: ApiException): void => {};
  const push = () => {
    times.push(clock.monotonic());
    const end = ends[times.length - 1];
    return new Promise<PushResult>((resolve, reject) => {
      stop = reject;
      if (end === undefined) return;
      clock.setTimer(() => (end === 'stored' ? resolve({ pushed: 1, requests: 1, expired: 0 }) : reject(end)), takes);
    });
  };
  const partsFor = (kind: Verdict['kind']): DrainParts => ({
    uploader: { push, stop: (exception: ApiException) => stop(exception) },
    history: { lastFailure: { kind, exception: new PushException('no', '') } },
    clock,
  });
  const outcome = { end: undefined as unknown, at: 0 };
  const start = (seconds: number, kind: Verdict['kind'] = 'transient'): void => {
    drain(partsFor(kind), seconds).then(
      () => Object.assign(outcome, { end: 'stored', at: clock.monotonic() }),
      (error: unknown) => Object.assign(outcome, { end: error, at: clock.monotonic() }),
    );
  };
  return { clock, times, outcome, start };
}

const badLuck = (retryAfter?: number): PushException => new PushException('Bad luck: no.', '', { retryAfter });

describe('draining', () => {
  test('ends with the first push that stores everything', async () => {
    const { clock, times, outcome, start } = setUp(500, ['stored']);
    start(10);
    await clock.advance(500);
    expect(outcome).toEqual({ end: 'stored', at: 500 });
    expect(times).toEqual([0]);
    expect(clock.timers).toBe(0);
  });

  test('tries again after bad luck, after pauses that grow, and waits as long as it is asked to', async () => {
    const { clock, times, outcome, start } = setUp(0, [badLuck(), badLuck(), badLuck(5), 'stored']);
    start(60);
    await clock.advance(60_000);
    expect(outcome.end).toBe('stored');
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses[0]).toBeGreaterThanOrEqual(300);
    expect(pauses[0]).toBeLessThanOrEqual(1000);
    expect(pauses[1]).toBeLessThanOrEqual(2000);
    expect(pauses[2]).toBeGreaterThanOrEqual(5000);
    expect(clock.timers).toBe(0);
  });

  test('fails at once with a failure that waiting does not fix', async () => {
    const refused = new PushException('Bad request: no', '');
    const { clock, times, outcome, start } = setUp(0, [refused]);
    start(60, 'invalid-entries');
    await clock.advance(0);
    expect(outcome.end).toBe(refused);
    expect(times).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test('waits for no pause that is longer than what is left', async () => {
    const last = badLuck(60);
    const { clock, outcome, start } = setUp(1000, [last]);
    start(30);
    await clock.advance(1000);
    expect(outcome).toEqual({ end: last, at: 1000 });
    expect(clock.timers).toBe(0);
  });

  test('ends a push that hangs when the time is over, also after others failed', async () => {
    for (const ends of [[], [badLuck()]]) {
      const { clock, outcome, start } = setUp(0, ends);
      start(7);
      await clock.advance(7000);
      expect(outcome).toEqual({
        end: expect.objectContaining({ message: expect.stringMatching(/within 7 s/) }),
        at: 7000,
      });
      expect(clock.timers).toBe(0);
    }
  });

  test('uses timers that keep the process alive', async () => {
    const { clock, start } = setUp(0, [badLuck(2)]);
    start(30);
    await clock.advance(0);
    expect(clock.foregroundTimers).toBe(clock.timers);
    expect(clock.timers).toBe(2);
  });
});
