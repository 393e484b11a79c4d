import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../.ci/add-up.mjs', import.meta.url));

/** A report of three tests that all passed, but for what is given. */
const report = (differences: object = {}): object => ({
  numTotalTests: 3,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  success: true,
  ...differences,
});

/** @param unreported - How many steps failed that write no report. @returns The last line, and whether it is good. */
function addUp(unreported: number, ...reports: (object | string)[]) {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = reports.map((report, index) => {
    const file = join(folder, `${index}.json`);
    if (report !== 'missing') writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report));
    return file;
  });
  const { stdout, status } = spawnSync(process.execPath, [SCRIPT, String(unreported), ...files]);
  return { line: stdout.toString().trim().split('\n').at(-1), isGood: status === 0 };
}

describe('the last line of CI', () => {
  test('adds up the reports', () => {
    expect(addUp(0, report(), report())).toEqual({ line: '6 passed, 0 failed', isGood: true });
  });

  test('names what was skipped', () => {
    const skipping = report({ numTotalTests: 5, numPendingTests: 2 });
    expect(addUp(0, skipping, report())).toEqual({ line: '6 passed, 0 failed, 2 skipped', isGood: true });
  });

  test('counts failed tests, and steps that failed without a report', () => {
    const failing = report({ numPassedTests: 2, numFailedTests: 1, success: false });
    expect(addUp(2, failing, report())).toEqual({ line: '5 passed, 3 failed', isGood: false });
  });

  test.each([
    ['is missing', 'missing', 3],
    ['cannot be read', '{"numTotal', 3],
    ['is of no tests', report({ numTotalTests: 0, numPassedTests: 0 }), 3],
    ['is of a run that failed though no test did', report({ success: false }), 6],
  ])('counts as a failure a report that %s', (_what, bad, passed) => {
    expect(addUp(0, bad, report())).toEqual({ line: `${passed} passed, 1 failed`, isGood: false });
  });
});
