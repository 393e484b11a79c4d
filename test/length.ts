/*
 * `npm test` is quick; `npm run test:full` runs the tests that it leaves out, and at length those that it runs briefly.
 */

/** The pattern of test files that only `npm run test:full` runs. */
export const FULL_ONLY = 'test/**/*.full.test.ts';

/** Patterns of test files that both run, with the {@link LENGTH} of each. */
export const BOTH_LENGTHS = [
  'test/browser/**/*.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/simulation/**/*.test.ts',
  'test/storage/file/**/*.test.ts',
];

export interface Length {
  /** Schedules that the simulation lives through. */
  readonly schedules: number;
  /** Mutated inputs of each kind. */
  readonly fuzzInputs: number;
  /** Processes that are killed, at least. */
  readonly kills: number;
  /** Whether tests that can run in any browser do so in each, or only in Chromium. */
  readonly everyBrowser: boolean;
  /** Whether files are on a disk, or in memory where the system has room there. */
  readonly onDisk: boolean;
}

const QUICK: Length = { schedules: 2000, fuzzInputs: 2500, kills: 10, everyBrowser: false, onDisk: false };
const FULL: Length = { schedules: 50_000, fuzzInputs: 100_000, kills: 200, everyBrowser: true, onDisk: true };

/** The length of this run; `vitest.full.config.ts` sets `TEST_LENGTH`. */
export const LENGTH: Length = process.env['TEST_LENGTH'] === 'full' ? FULL : QUICK;
