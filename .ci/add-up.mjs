import { existsSync, readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

// Adds up the reports of test runners, written as vitest does, and the steps that failed and write none. A report that is
// missing, is of no tests, or is of a run that failed though no test did (there is a file <report>.failed) counts as one failure.
// The failed tests come first, with the beginnings of their messages: of a long output, CI may keep the end only.

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
    if (isBadAlone) console.log(`failed, though no test is known to have failed: the run of ${basename(file)}`);
    for (const { name, status, assertionResults, message } of report.testResults ?? [])
      nameFailures(name, status, assertionResults, message);
    return { passed, failed: numFailedTests + (isBadAlone ? 1 : 0), skipped };
  } catch (error) {
    console.log(`no report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function nameFailures(file, status, tests, message) {
  const failed = tests.filter((test) => test.status === 'failed');
  for (const { fullName, failureMessages } of failed)
    console.log(`failed: ${relative('', file)}: ${fullName}\n${beginningOf(failureMessages.join('\n'))}`);
  // A file that could not be loaded, or whose hook failed, has no failed test, and not always a message.
  if (status === 'failed' && failed.length === 0)
    console.log(`failed: ${relative('', file)}\n${beginningOf(message || 'in a hook, see above')}`);
}

function beginningOf(message) {
  const lines = stripVTControlCharacters(message).split('\n');
  return lines
    .slice(0, 20)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
}
