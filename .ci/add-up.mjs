import { existsSync, readFileSync } from 'node:fs';

// Adds up the reports of test runners, written as vitest does, and the steps that failed and write none. A report that is
// missing, is of no tests, or is of a run that failed though no test did (there is a file <report>.failed) counts as one failure.

const [unreported, ...files] = process.argv.slice(2);
const sum = { passed: 0, failed: Number(unreported), skipped: 0 };
for (const file of files) {
  const { passed, failed, skipped } = read(file);
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
}
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
if (sum.failed > 0) process.exitCode = 1;

function read(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const { numPassedTests: passed, numFailedTests, numPendingTests: skipped, numTotalTests, success } = report;
    const hasFailed = !success || existsSync(`${file}.failed`);
    const isBadAlone = numTotalTests === 0 || (hasFailed && numFailedTests === 0);
    return { passed, failed: numFailedTests + (isBadAlone ? 1 : 0), skipped };
  } catch (error) {
    console.error(`no report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
