import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffSeconds } from '../../../src/core/time/backoff.js';

const ALMOST_ONE = 1 - Number.EPSILON / 2;
const attempts = fc.integer({ min: 1, max: 1_000_000 });
const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the longest wait doubles with each failure, from 1 s to 5 min', () => {
  const longest = [1, 2, 3, 4, 9, 10, 11, 5000].map((attempt) => Math.round(backoffSeconds(attempt, () => ALMOST_ONE)));
  expect(longest).toEqual([1, 2, 4, 8, 256, 300, 300, 300]);
});

test('the shortest wait is some tenths of a second, whatever was tried before', () => {
  expect([1, 2, 10, 5000].map((attempt) => backoffSeconds(attempt, () => 0))).toEqual([0.3, 0.3, 0.3, 0.3]);
});

test('any wait between the two is as likely as any other', () => {
  const wait = (draw: number): number => backoffSeconds(6, () => draw);
  expect(wait(0.5)).toBeCloseTo((wait(0) + wait(ALMOST_ONE)) / 2, 6);
  expect(wait(0.25)).toBeCloseTo((wait(0) + wait(0.5)) / 2, 6);
});

test('every wait is between 0.3 s and 5 min', () => {
  fc.assert(
    fc.property(attempts, draws, (attempt, draw) => {
      const seconds = backoffSeconds(attempt, () => draw);
      expect(seconds).toBeGreaterThanOrEqual(0.3);
      expect(seconds).toBeLessThanOrEqual(300);
    }),
  );
});
