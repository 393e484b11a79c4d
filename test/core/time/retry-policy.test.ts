import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffSeconds, retryPolicy } from '../../../src/core/time/retry-policy.js';

const ALMOST_ONE = 1 - Number.EPSILON / 2;
const attempts = fc.integer({ min: 1, max: 1_000_000 });
const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the longest wait doubles with each failure, from 1 s to 5 min', () => {
  const longest = [1, 2, 3, 4, 9, 10, 11, 5000].map((attempt) => Math.round(backoffSeconds(attempt, ALMOST_ONE)));
  expect(longest).toEqual([1, 2, 4, 8, 256, 300, 300, 300]);
});

test('the shortest wait is some tenths of a second, whatever was tried before', () => {
  expect([1, 2, 10, 5000].map((attempt) => backoffSeconds(attempt, 0))).toEqual([0.3, 0.3, 0.3, 0.3]);
});

test('any wait between the two is as likely as any other', () => {
  const wait = (draw: number): number => backoffSeconds(6, draw);
  expect(wait(0.5)).toBeCloseTo((wait(0) + wait(ALMOST_ONE)) / 2, 6);
  expect(wait(0.25)).toBeCloseTo((wait(0) + wait(0.5)) / 2, 6);
});

test('every wait is between 0.3 s and 5 min', () => {
  fc.assert(
    fc.property(attempts, draws, (attempt, draw) => {
      const seconds = backoffSeconds(attempt, draw);
      expect(seconds).toBeGreaterThanOrEqual(0.3);
      expect(seconds).toBeLessThanOrEqual(300);
    }),
  );
});

test('after refused credentials no delay helps', () => {
  expect(retryPolicy({ kind: 'unauthorized' }, 1, 0.5).seconds).toBe(Number.POSITIVE_INFINITY);
});

test('after a transient failure the delay is the backoff', () => {
  fc.assert(
    fc.property(attempts, draws, (failures, draw) => {
      expect(retryPolicy({ kind: 'transient' }, failures, draw)).toEqual({
        seconds: backoffSeconds(failures, draw),
        minSeconds: 0,
        newerSeconds: backoffSeconds(failures, draw),
      });
    }),
  );
});

test('Retry-After is kept, and exceeded by a tenth at most unless the backoff is longer', () => {
  fc.assert(
    fc.property(attempts, draws, fc.integer({ min: 1, max: 3600 }), (failures, draw, retryAfter) => {
      const retry = retryPolicy({ kind: 'transient', retryAfter }, failures, draw);
      expect(retry.minSeconds).toBe(retryAfter);
      expect(retry.seconds).toBeGreaterThanOrEqual(retryAfter);
      expect(retry.seconds).toBeLessThanOrEqual(Math.max(retryAfter * 1.1, backoffSeconds(failures, draw)));
    }),
  );
});

test.each(['rejected', 'invalid-entries', 'too-large'] as const)(
  'after a rejection (%s) the delay is 15 to 60 min, and no event makes it shorter',
  (kind) => {
    expect(retryPolicy({ kind }, 1, 0)).toMatchObject({ seconds: 900, minSeconds: 900 });
    expect(retryPolicy({ kind }, 7, ALMOST_ONE).seconds).toBeCloseTo(3600, 6);
    expect(retryPolicy({ kind, retryAfter: 1000 }, 1, 0)).toMatchObject({ seconds: 1000, minSeconds: 1000 });
  },
);

test.each(['invalid-entries', 'too-large'] as const)(
  'after refused content (%s) a newer entry waits as after the first failures of an outage, then as long as the others',
  (kind) => {
    const newer = (failures: number, draw: number): number => retryPolicy({ kind }, failures, draw).newerSeconds;
    expect([1, 2, 5, 9].map((failures) => newer(failures, ALMOST_ONE))).toEqual(
      [1, 2, 5, 9].map((failures) => backoffSeconds(failures, ALMOST_ONE)),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 13, max: 1000 }),
        fc.double({ min: 0.9, max: 1, maxExcluded: true }),
        (failures, draw) => {
          expect(newer(failures, draw)).toBe(retryPolicy({ kind }, failures, draw).seconds);
        },
      ),
    );
    expect(retryPolicy({ kind, retryAfter: 120 }, 1, 0).newerSeconds).toBe(120);
  },
);

test('after another rejection a newer entry waits as long as the others', () => {
  expect(retryPolicy({ kind: 'rejected' }, 1, 0)).toEqual({ seconds: 900, minSeconds: 900, newerSeconds: 900 });
});
