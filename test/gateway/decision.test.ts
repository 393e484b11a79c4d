import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, type Failure, type Situation } from '../../src/gateway/worker/decision.js';
import { Evidence } from '../../src/gateway/worker/evidence.js';

const HOUR = 3_600_000;
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const upstreamKind = fc.constantFrom('transient', 'unauthorized', 'too-large', 'invalid-entries', 'rejected' as const);
const anyKind = fc.oneof(upstreamKind, fc.constantFrom('no-key', 'unknown-version' as const));
const failureOf = (kind: fc.Arbitrary<Failure['kind']>): fc.Arbitrary<Failure> =>
  fc.record({
    kind,
    message: fc.constant('Bad luck.'),
    status: fc.constantFrom(0, 401, 500),
    retryAfter: fc.option(fc.integer({ min: 1, max: 3600 }), { nil: undefined }),
  });
const failure = failureOf(anyKind);
const upstreamFailure = failureOf(upstreamKind);
const sinceOtherStored = fc.oneof(fc.nat({ max: 200_000 }), fc.constant(Number.POSITIVE_INFINITY));
const parked = fc.record({ failures: fc.nat({ max: 20 }), sinceFirst: fc.nat({ max: 2 * HOUR }) });
const attempts = fc.integer({ min: 1, max: 100 });
const situation: fc.Arbitrary<Situation> = fc.record({
  failure: fc.option(failure, { nil: undefined }),
  sinceOtherStored,
  attempts,
  suspects: fc.nat({ max: 6 }),
  parked: fc.option(parked, { nil: undefined }),
  random,
});
const queued = situation.map((drawn) => ({ ...drawn, parked: undefined }));

describe('the decision about a message', () => {
  test('acknowledges it exactly if each entry is stored or quarantined', () => {
    fc.assert(
      fc.property(situation, (drawn) => {
        expect(decide(drawn).act === 'ack').toBe(drawn.failure === undefined);
      }),
    );
  });

  test('holds the partition at most 30 s, and only without evidence that upstream works', () => {
    fc.assert(
      fc.property(situation, (drawn) => {
        const decision = decide(drawn);
        if (decision.act !== 'nak') return;
        expect(decision.seconds).toBeGreaterThan(0);
        expect(decision.seconds).toBeLessThanOrEqual(30);
        expect(drawn.sinceOtherStored).toBeGreaterThan(60_000);
        expect(drawn.parked).toBeUndefined();
      }),
    );
  });

  test('parks a device at once while pushes of other devices are stored', () => {
    fc.assert(
      fc.property(queued, failure, fc.nat({ max: 60_000 }), (drawn, failed, ago) => {
        const decision = decide({ ...drawn, failure: failed, sinceOtherStored: ago });
        expect(decision).toMatchObject({ act: 'park', isCounted: true, isSuspicion: false });
      }),
    );
  });

  test('parks a message that upstream has no part in, whatever others do', () => {
    const local = failureOf(fc.constantFrom('no-key', 'unknown-version'));
    fc.assert(
      fc.property(queued, local, (drawn, failed) => {
        expect(decide({ ...drawn, failure: failed })).toMatchObject({ act: 'park', isSuspicion: false });
      }),
    );
  });

  test('parks few devices on suspicion however long upstream is away', () => {
    fc.assert(
      fc.property(upstreamFailure, random, (failed, drawn) => {
        let [suspects, attempts] = [0, 1];
        for (let seconds = 0; seconds < 7200; attempts++) {
          const decision = decide({
            failure: failed,
            sinceOtherStored: Number.POSITIVE_INFINITY,
            attempts,
            suspects,
            random: drawn,
          });
          if (decision.act === 'park') {
            expect(decision.isSuspicion).toBe(true);
            [suspects, attempts] = [suspects + 1, 0];
          }
          seconds += decision.act === 'nak' ? decision.seconds : 1;
        }
        expect(suspects).toBeGreaterThan(0);
        expect(suspects).toBeLessThan(13);
      }),
      { numRuns: 20 },
    );
  });

  test('quarantines a parked message exactly after ten failures over an hour while others pass', () => {
    const known = failureOf(fc.oneof(upstreamKind, fc.constant('no-key' as const)));
    fc.assert(
      fc.property(situation, known, parked, (drawn, failed, state) => {
        const isDue = state.failures >= 9 && state.sinceFirst >= HOUR && drawn.sinceOtherStored <= 60_000;
        const { act } = decide({ ...drawn, failure: failed, parked: state });
        expect(act).toBe(isDue ? 'quarantine' : 'park');
      }),
    );
  });

  test('never quarantines a message of an unknown version', () => {
    fc.assert(
      fc.property(situation, failureOf(fc.constant('unknown-version')), parked, (drawn, failed, state) => {
        expect(decide({ ...drawn, failure: failed, parked: state }).act).toBe('park');
      }),
    );
  });

  test('tries a parked device again after 15 to 60 minutes if it is refused, else within 5 minutes, not before Retry-After', () => {
    fc.assert(
      fc.property(situation, failure, parked, (drawn, failed, state) => {
        const decision = decide({ ...drawn, failure: failed, parked: state, sinceOtherStored: Infinity });
        if (decision.act !== 'park') throw new Error(decision.act);
        const isQuick = ['transient', 'too-large', 'invalid-entries'].includes(failed.kind);
        const after = failed.retryAfter ?? 0;
        expect(decision.retrySeconds).toBeGreaterThanOrEqual(Math.max(isQuick ? 0.3 : 900, after));
        expect(decision.retrySeconds).toBeLessThanOrEqual(Math.max(isQuick ? 300 : 3600, after * 1.1));
      }),
    );
  });
});

describe('evidence that upstream works', () => {
  const device = fc.constantFrom('a', 'b', 'c');
  const pushes = fc.array(device, { maxLength: 12 });

  test('is the last stored push of another device', () => {
    fc.assert(
      fc.property(pushes, device, (stored, asked) => {
        const evidence = new Evidence();
        for (const [at, pushed] of stored.entries()) evidence.onStored(pushed, at);
        const last = stored.map((pushed) => pushed !== asked).lastIndexOf(true);
        expect(evidence.sinceOtherStored(asked, 100)).toBe(last < 0 ? Infinity : 100 - last);
      }),
    );
  });

  test('ends when three devices fail without a stored push in between', () => {
    const evidence = new Evidence();
    evidence.onStored('a', 0);
    for (const failed of ['b', 'b', 'c']) evidence.onFailed(failed);
    expect(evidence.sinceOtherStored('c', 5)).toBe(5);
    evidence.onFailed('d');
    expect(evidence.sinceOtherStored('d', 5)).toBe(Infinity);
    evidence.onStored('a', 6);
    expect(evidence.sinceOtherStored('d', 7)).toBe(1);
  });

  test('ends the suspicion against devices', () => {
    const evidence = new Evidence();
    evidence.onSuspected();
    expect(evidence.suspects).toBe(1);
    evidence.onStored('a', 0);
    expect(evidence.suspects).toBe(0);
  });
});
