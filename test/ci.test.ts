import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BOTH_LENGTHS, FULL_ONLY } from './length.js';
import { findProgram } from './support/browsers/find-program.js';

const RUN = fileURLToPath(new URL('../.ci/run', import.meta.url));
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
  const lines = stdout.toString().trim().split('\n');
  return { line: lines.at(-1), isGood: status === 0, before: lines.slice(0, -1).join('\n') };
}

describe('the last line of CI', () => {
  test('adds up the reports', () => {
    expect(addUp(0, report(), report())).toEqual({ line: '6 passed, 0 failed', isGood: true, before: '' });
  });

  test('names what was skipped', () => {
    const skipping = report({ numTotalTests: 5, numPendingTests: 2 });
    expect(addUp(0, skipping, report())).toEqual({ line: '6 passed, 0 failed, 2 skipped', isGood: true, before: '' });
  });

  test('counts failed tests, and steps that failed without a report', () => {
    const failing = report({ numPassedTests: 2, numFailedTests: 1, success: false });
    expect(addUp(2, failing, report())).toEqual({ line: '5 passed, 3 failed', isGood: false, before: '' });
  });

  test('is preceded by the failed tests with the beginnings of their messages, and by files that could not be loaded or prepared', () => {
    const tests = [
      { status: 'passed', fullName: 'a good test', failureMessages: [] },
      { status: 'failed', fullName: 'a bad test', failureMessages: ['\u001B[31mexpected 1\u001B[39m\nto be 2'] },
    ];
    const hooked = { status: 'skipped', fullName: 'a test behind a hook', failureMessages: [] };
    const testResults = [
      { name: join(process.cwd(), 'test/a.test.ts'), status: 'failed', message: '', assertionResults: tests },
      {
        name: join(process.cwd(), 'test/b.test.ts'),
        status: 'failed',
        message: 'no such module',
        assertionResults: [],
      },
      { name: join(process.cwd(), 'test/c.test.ts'), status: 'failed', message: '', assertionResults: [hooked] },
      { name: join(process.cwd(), 'test/d.test.ts'), status: 'passed', message: '', assertionResults: [hooked] },
    ];
    const failing = report({ numPassedTests: 2, numFailedTests: 1, success: false, testResults });
    expect(addUp(0, report(), failing).before.split('\n')).toEqual([
      'failed: test/a.test.ts: a bad test',
      '    expected 1',
      '    to be 2',
      'failed: test/b.test.ts',
      '    no such module',
      'failed: test/c.test.ts',
      '    in a hook, see above',
    ]);
  });

  test('is preceded by the first 20 lines of a message, of 300 characters each', () => {
    const message = Array.from({ length: 30 }, () => 'x'.repeat(400)).join('\n');
    const tests = [{ status: 'failed', fullName: 'a bad test', failureMessages: [message] }];
    const testResults = [{ name: join(process.cwd(), 'a'), status: 'failed', message: '', assertionResults: tests }];
    const [, ...lines] = addUp(0, report({ numFailedTests: 1, success: false, testResults })).before.split('\n');
    expect(lines).toEqual(Array.from({ length: 20 }, () => `    ${'x'.repeat(300)}`));
  });

  test.each([
    ['is missing', 'missing', 3, /^no report: ENOENT/],
    ['cannot be read', '{"numTotal', 3, /^no report: .*JSON/],
    ['is of no tests', report({ numTotalTests: 0, numPassedTests: 0 }), 3, /^failed, .*: the run of 0\.json$/],
    ['is of a run that failed though no test did', report({ success: false }), 6, /^failed, .*: the run of 0\.json$/],
  ])('counts as a failure, and names, a report that %s', (_what, bad, passed, named) => {
    const { before, ...end } = addUp(0, bad, report());
    expect(end).toEqual({ line: `${passed} passed, 1 failed`, isGood: false });
    expect(before).toMatch(named);
  });
});

/** Stands in for npm: notes how it is called, writes the reports that it is asked for, fails or hangs with those of `FAILS` and `HANGS`. */
const NPM = `#!/usr/bin/env bash
echo "npm $*" >> "$CALLS"
result=0
[[ "$* " == "$FAILS "* ]] && result=1
((result && !REPORTS_FIRST)) && exit 1
[[ "$* " == "$HANGS "* ]] && exec sleep 60
while (($#)); do
  case $1 in
    --outputFile.json=*) echo "$REPORT" > "\${1#*=}" ;;
    --report) echo "$REPORT" > "$2" ;;
  esac
  shift
done
exit "$result"
`;
const APT = '#!/usr/bin/env bash\necho "apt-get $*" >> "$CALLS"\n';
/** Ends a command after a second in place of minutes. */
const TIMEOUT = `#!/usr/bin/env bash
shift 2
exec ${findProgram('timeout')} 1 "$@"
`;

/**
 * Runs all of CI with stand-ins, on a machine with nothing but a shell and Node.
 *
 * @param fails - Arguments of npm with which it fails.
 * @param hangs - Arguments of npm with which it hangs.
 * @param reportsFirst - Whether a good report is written all the same.
 */
function runAll({ fails = 'nothing', hangs = 'nothing', reportsFirst = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const calls = join(folder, 'calls');
  writeFileSync(calls, '');
  for (const [name, text] of Object.entries({ npm: NPM, 'apt-get': APT, timeout: TIMEOUT }))
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  for (const name of ['env', 'bash', 'dirname', 'mktemp', 'rm', 'sleep', 'touch'])
    symlinkSync(findProgram(name) ?? '', join(folder, name));
  symlinkSync(process.execPath, join(folder, 'node'));
  const env = {
    PATH: folder,
    CALLS: calls,
    FAILS: fails,
    HANGS: hangs,
    REPORTS_FIRST: String(Number(reportsFirst)),
    REPORT: JSON.stringify(report()),
  };
  const { stdout, status } = spawnSync(RUN, { env, encoding: 'utf8' });
  return {
    printed: stdout,
    line: stdout.trim().split('\n').at(-1),
    isGood: status === 0,
    calls: readFileSync(calls, 'utf8').trim().split('\n'),
  };
}

describe('CI', () => {
  test('installs the programs that are missing, then runs the quick tests and after them everything else', () => {
    const { line, isGood, calls } = runAll();
    expect({ line, isGood }).toEqual({ line: '12 passed, 0 failed', isGood: true });
    expect(calls.map((call) => call.replace(/ -- .*--rep.*/, ''))).toEqual([
      'apt-get update -qq',
      'apt-get install -y -qq --no-install-recommends chromium firefox-esr webkit2gtk-driver xvfb nginx nats-server',
      'npm ci',
      'npm run test',
      'npm run test:full',
      'npm run test:runtimes',
      'npm run test:hosts',
      'npm run check',
      'npm run demo -- --once',
    ]);
  });

  test.each([
    ['test', 9],
    ['test:full', 9],
    ['test:runtimes', 9],
    ['test:hosts', 9],
    ['check', 12],
    ['demo', 12],
  ])('fails when `npm run %s` does, after everything else has run', (script, passed) => {
    const { line, isGood, calls } = runAll({ fails: `run ${script}` });
    expect({ line, isGood }).toEqual({ line: `${passed} passed, 1 failed`, isGood: false });
    expect(calls).toHaveLength(9);
  });

  test('fails when the process of a test file has ended, though no test has failed', () => {
    const { line, isGood } = runAll({ fails: 'run test:full', reportsFirst: true });
    expect({ line, isGood }).toEqual({ line: '12 passed, 1 failed', isGood: false });
  });

  test('ends a script that hangs, which is a failure, and runs everything else', () => {
    const { line, isGood, calls, printed } = runAll({ hangs: 'run test:full' });
    expect({ line, isGood }).toEqual({ line: '9 passed, 1 failed', isGood: false });
    expect(printed).toMatch(/^npm run test:full .*: ended after 55 min$/m);
    expect(calls).toHaveLength(9);
  });

  test('runs scripts that the package has', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const names = runAll().calls.flatMap((call) => /^npm run (\S+)/.exec(call)?.[1] ?? []);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test.each([FULL_ONLY, ...BOTH_LENGTHS])('there are tests of a length of their own by the pattern %s', (pattern) => {
  const files = readdirSync(new URL('./', import.meta.url), { recursive: true, encoding: 'utf8' });
  const end = pattern.split('*').at(-1) ?? '';
  expect(files.filter((file) => `test/${file}`.endsWith(end))).not.toEqual([]);
});
