import { existsSync, readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

// Adds up the reports of test runners, written as vitest does, and the steps that failed and write none. A report that is
// missing, is of no tests, or is of a run that failed though no test did (there is a file <report>.failed) counts as one failure.
// First the failed tests, with the beginnings of their messages: the output above is too long to be kept whole.

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
    if (isBadAlone) console.log(`failed, though no test did: the run of ${basename(file)}`);
    for (const { name, assertionResults = [], message } of report.testResults ?? [])
      nameFailures(name, assertionResults, message);
    return { passed, failed: numFailedTests + (isBadAlone ? 1 : 0), skipped };
  } catch (error) {
    console.log(`no report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function nameFailures(file, tests, message) {
  const failed = tests.filter(({ status }) => status === 'failed');
  // A file that could not be loaded has a message and no tests.
  if (tests.length === 0 && message) console.log(`failed: ${relative('', file)}\n${beginningOf(message)}`);
  for (const { fullName, failureMessages } of failed)
    console.log(`failed: ${relative('', file)}: ${fullName}\n${beginningOf(failureMessages.join('\n'))}`);
}

function beginningOf(message) {
  const lines = stripVTControlCharacters(message).split('\n');
  return lines
    .slice(0, 20)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
}
