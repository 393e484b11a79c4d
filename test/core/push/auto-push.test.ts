import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PushException } from '../../../src/core/model/request-exceptions.js';
import { Emitter, type PushFailure } from '../../../src/core/notify/emitter.js';
import { AutoPush } from '../../../src/core/push/auto-push.js';
import { commitEach, openApi } from '../../support/builders/api.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { StubFetch } from '../../support/fakes/stub-fetch.js';

const failure = (kind: PushFailure['kind'], retryAfter?: number): PushFailure => ({
  exception: new PushException('no', '', { retryAfter }),
  kind,
});

/** An `AutoPush` whose pushes the test ends. */
function setUp({ everySeconds = 10, atEntries = 5, isInMemory = false } = {}) {
  const clock = new FakeClock();
  const emitter = new Emitter();
  const state = { queued: 0, pushes: 0, times: [] as number[], isUnderWay: false };
  const push = (): Promise<never> => {
    state.pushes += 1;
    state.times.push(clock.monotonic());
    state.isUnderWay = true;
    autoPush.onPushStarted();
    return new Promise(() => {});
  };
  const outbox = {
    get length() {
      return state.queued;
    },
  };
  const [lanes, hold] = [{ hasUrgent: false }, { isOn: false }];
  const parts = { uploader: { push }, outbox, finder: { struckCount: 0 }, hold, lanes, clock, emitter };
  const autoPush = new AutoPush(parts, { everySeconds, atEntries, isInMemory });
  const add = (count: number): void => {
    for (let each = 0; each < count; each++) {
      state.queued += 1;
      autoPush.onEnqueued();
    }
  };
  const end = (pushed: number, failed?: PushFailure): void => {
    state.isUnderWay = false;
    state.queued -= pushed;
    autoPush.onPushEnded({ result: { pushed, requests: 1, expired: 0 }, failure: failed });
  };
  return { clock, emitter, autoPush, state, add, end };
}

describe('AutoPush', () => {
  test('has one timer at most, begins no push while one is under way, and plans one whenever there is something', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 0, max: 4000 }) }),
      fc.record({ do: fc.constantFrom('wake' as const, 'resume' as const, 'end well' as const, 'by hand' as const) }),
      fc.record({
        do: fc.constant('end badly' as const),
        kind: fc.constantFrom<PushFailure['kind'][]>('transient', 'rejected', 'invalid-entries', 'unauthorized'),
        retryAfter: fc.option(fc.integer({ min: 1, max: 3600 }), { nil: undefined }),
        isPartly: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, autoPush, state, add, end } = setUp();
        let isStopped = false;
        let notBefore = 0;
        for (const one of steps) {
          const { pushes } = state;
          const wasUnderWay = state.isUnderWay;
          switch (one.do) {
            case 'add':
              add(one.count);
              break;
            case 'wait':
              await clock.advance(one.seconds * 1000);
              break;
            case 'wake':
              autoPush.wake();
              break;
            case 'resume':
              autoPush.resume();
              isStopped = false;
              notBefore = 0;
              break;
            case 'by hand':
              if (state.isUnderWay) break;
              state.isUnderWay = true;
              autoPush.onPushStarted();
              isStopped = false;
              break;
            case 'end well':
              if (!state.isUnderWay) break;
              end(state.queued);
              notBefore = 0;
              break;
            case 'end badly': {
              if (!state.isUnderWay) break;
              const pushed = one.isPartly ? Math.floor(state.queued / 2) : 0;
              end(pushed, failure(one.kind, one.kind === 'transient' ? one.retryAfter : undefined));
              isStopped = one.kind === 'unauthorized';
              // The answer to a push by hand, too, is newer than what the server asked for before.
              notBefore =
                one.kind === 'transient' && one.retryAfter !== undefined
                  ? clock.monotonic() + one.retryAfter * 1000
                  : 0;
              break;
            }
          }
          expect(clock.timers).toBeLessThanOrEqual(1);
          expect(state.pushes - pushes).toBeLessThanOrEqual(wasUnderWay ? 0 : 1);
          if (state.pushes > pushes) {
            expect(isStopped).toBe(false);
            expect(state.times.at(-1)).toBeGreaterThanOrEqual(notBefore);
            notBefore = 0;
          }
          const isPlanned = state.queued > 0 && !state.isUnderWay && !isStopped;
          expect(clock.timers).toBe(isPlanned ? 1 : 0);
          expect(autoPush.nextTry !== undefined).toBe(isPlanned);
        }
        autoPush.close();
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('waits as before for what is queued during a push that stores the rest', async () => {
    const { clock, state, add, end } = setUp();
    add(2);
    await clock.advance(10_000);
    add(1);
    end(2);
    await clock.advance(10_000);
    const [first = 0, second = 0] = state.times;
    expect(second - first).toBeCloseTo(10_000, 6);
  });

  test('begins at once again where enough was queued meanwhile', async () => {
    const { clock, state, add, end } = setUp();
    add(5);
    await clock.advance(0);
    add(6);
    end(5);
    await clock.advance(0);
    expect(state.pushes).toBe(2);
  });

  test('counts progress: a push that stored something begins the pauses anew', async () => {
    const { clock, emitter, state, add, end } = setUp();
    const attempts: number[] = [];
    emitter.on('retry', ({ attempt }) => attempts.push(attempt));
    add(5);
    await clock.advance(0);
    for (const pushed of [0, 0, 0, 2, 0, 0]) {
      end(pushed, failure('transient'));
      const { pushes } = state;
      while (state.pushes === pushes) await clock.advance(1000);
    }
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('waits no less where the queue was empty as a try failed, and filled since', async () => {
    const { clock, state, add, end } = setUp({ everySeconds: 0, atEntries: 1 });
    const times: number[] = [];
    for (let round = 0; round < 50; round++) {
      add(1);
      await clock.advance(0);
      if (state.isUnderWay) {
        times.push(clock.monotonic());
        // The failed entries were dropped meanwhile.
        state.queued = 0;
        end(0, failure('transient'));
      }
      await clock.advance(100);
    }
    expect(times.length).toBeLessThan(12);
  });

  /** The seconds until the next push, at most an hour. */
  async function untilPush({ clock, state }: Pick<ReturnType<typeof setUp>, 'clock' | 'state'>): Promise<number> {
    const { pushes } = state;
    const start = clock.monotonic();
    while (state.pushes === pushes && clock.monotonic() - start < 3_700_000) await clock.advance(1000);
    return (clock.monotonic() - start) / 1000;
  }

  test.each(['invalid-entries', 'too-large'] as const)(
    'pushes at the next interval what is queued after content was refused (%s), and waits 15 min without that',
    async (kind) => {
      const parts = setUp();
      const { add, end } = parts;
      add(1);
      await untilPush(parts);
      end(0, failure(kind));
      expect(await untilPush(parts)).toBeGreaterThanOrEqual(900);
      end(0, failure(kind));
      add(1);
      expect(await untilPush(parts)).toBeLessThanOrEqual(10);
    },
  );

  test('pushes at the next interval what was queued during a push of refused content', async () => {
    const parts = setUp();
    parts.add(1);
    await untilPush(parts);
    parts.add(1);
    parts.end(0, failure('invalid-entries'));
    expect(await untilPush(parts)).toBeLessThanOrEqual(10);
  });

  test('pushes ever more rarely to a server that refuses everything, whatever is queued', async () => {
    const parts = setUp({ everySeconds: 0, atEntries: 1 });
    for (let second = 0; second < 6 * 3600; second++) {
      parts.add(1);
      await parts.clock.advance(1000);
      if (parts.state.isUnderWay) parts.end(0, failure('invalid-entries'));
    }
    // Twelve until the pauses are an hour at most, then two an hour or more.
    expect(parts.state.pushes).toBeGreaterThan(12);
    expect(parts.state.pushes).toBeLessThan(60);
  });

  test('waits 15 min after the request was refused as a whole, whatever is queued', async () => {
    const parts = setUp();
    parts.add(1);
    await untilPush(parts);
    parts.end(0, failure('rejected'));
    parts.add(1);
    expect(await untilPush(parts)).toBeGreaterThanOrEqual(900);
  });

  test('does nothing any more once it is closed', async () => {
    const { clock, autoPush, state, add } = setUp();
    add(1);
    autoPush.close();
    autoPush.wake();
    autoPush.resume();
    expect(autoPush.pushBeforeExit()).toBe(false);
    add(10);
    await clock.advance(100_000);
    expect(state.pushes).toBe(0);
    expect(autoPush.nextTry).toBeUndefined();
  });

  test('pushes a last time unless there is nothing, or a push under way, or nobody who would take it', async () => {
    const { autoPush, state, add, end } = setUp();
    expect(autoPush.pushBeforeExit()).toBe(false);
    add(1);
    expect(autoPush.pushBeforeExit()).toBe(true);
    expect(autoPush.pushBeforeExit()).toBe(false);
    end(0, failure('unauthorized'));
    expect(autoPush.pushBeforeExit()).toBe(false);
    expect(state.pushes).toBe(1);
  });
});

/** Platforms' timers take a millisecond at least. */
class CoarseClock extends FakeClock {
  override setTimer(...[run, milliseconds, options]: Parameters<FakeClock['setTimer']>): () => void {
    return super.setTimer(run, Math.max(1, milliseconds), options);
  }
}

test('commits that keep coming do not put off the push that is due', async () => {
  const clock = new CoarseClock();
  const stub = new StubFetch();
  const api = openApi({ fetch: stub.fetch, autoPush: { atEntries: 1, everySeconds: 60 } }, { clock });
  for (let count = 0; count < 4; count++) {
    commitEach(api, count);
    await clock.advance(0.5);
  }
  expect(stub.uploads.length).toBeGreaterThan(0);
});
