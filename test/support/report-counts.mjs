import { writeFileSync } from 'node:fs';

/**
 * Prints how many tests passed and failed, and ends the process with 1 where one failed.
 *
 * @param {number} passed
 * @param {number} failed
 * @param {string | undefined} file - Where the counts are written in the format of vitest.
 */
export function reportCounts(passed, failed, file) {
  console.log(`${passed} passed, ${failed} failed`);
  const counts = { numTotalTests: passed + failed, numPassedTests: passed, numFailedTests: failed, numPendingTests: 0 };
  if (file) writeFileSync(file, JSON.stringify({ ...counts, success: failed === 0 }));
  if (failed > 0) process.exitCode = 1;
}
