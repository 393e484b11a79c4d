import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../../dist/index.js';
import { fileStorage } from '../../dist/node.js';
import { makeProject } from './project.mjs';
import { fetchRuntimes, listRuntimes } from './runtimes.mjs';
import { credentials, serve } from './server.mjs';

// Runs the one suite on the built package in every runtime, or in those that are named, as ES module and as CommonJS. A
// runtime that prints anything but its report, such as a warning on import, has failed.

const MOST_MINUTES = 3;
const WITHOUT = 'fileStorage, end of the process: there are none';

const names = process.argv.slice(2);
const project = realpathSync(mkdtempSync(join(tmpdir(), 'nikdev-iot-runtimes-')));
const server = await serve();
try {
  await makeProject(project);
  const all = listRuntimes(fetchRuntimes(), project);
  const runtimes = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const rows = [];
  for (const runtime of runtimes) for (const format of ['esm', 'cjs']) rows.push(await runIn(runtime, format));
  tell(rows);
} finally {
  server.close();
  rmSync(project, { recursive: true, force: true });
}

/** Runs the suite in one runtime. */
async function runIn(runtime, format) {
  const { name, isProcess, [format]: command } = runtime;
  const place = `${name} (${format})`;
  const started = performance.now();
  const { tests, failures } = isProcess ? await runProcess(command, place) : await runSuite([...command, server.url]);
  const seconds = Math.round((performance.now() - started) / 1000);
  const complaints = failures.map((failure) => `${place}: ${failure}`);
  return { runtime: name, format, tests, without: isProcess ? '' : WITHOUT, seconds, complaints };
}

/** Runs the suite with what only a process can do: being killed, and ending. */
async function runProcess(command, place) {
  const folder = join(project, place);
  mkdirSync(folder);
  const living = new Api({ ...credentials, storage: fileStorage(folder) });
  living.addValue('temperature', 3);
  living.commit();
  const { error, said } = await run([...command, 'die', server.url, folder]);
  const { tests, failures } = await runSuite([...command, 'test', server.url, folder]);
  await living.close();
  if (error?.signal !== 'SIGKILL') failures.push(`it did not get as far as its crash:\n${said}`);
  if (!server.holds(folder)) failures.push('it did not push as it ended');
  return { tests: tests + 1, failures };
}

async function runSuite(command) {
  const { error, said } = await run(command);
  // Of one line: all else was not to be said.
  const line = said.split('\n').find((text) => text.startsWith('{"tests":'));
  const { tests, failures } = line === undefined ? { tests: 0, failures: ['there is no report'] } : JSON.parse(line);
  const rest = said.replace(line ?? '', '').trim();
  if (rest !== '') failures.push(`it printed\n${rest}`);
  if (error) failures.push(`it ended with ${error.signal ?? error.code}`);
  return { tests, failures };
}

function run([program, ...args]) {
  const options = { cwd: project, timeout: MOST_MINUTES * 60_000, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => resolve({ error, said: `${stdout}\n${stderr}` }));
  });
}

/** Shows the table and what failed. Whoever leaves out the same must have run the same number of tests. */
function tell(rows) {
  console.table(rows.map(({ complaints, ...row }) => ({ ...row, failed: complaints.length })));
  const failures = rows.flatMap(({ complaints }) => complaints);
  for (const { runtime, format, tests, without } of rows) {
    const most = Math.max(...rows.filter((row) => row.without === without).map((row) => row.tests));
    if (tests < most) failures.push(`${runtime} (${format}): ran ${tests} tests of ${most}`);
  }
  if (rows.length === 0) failures.push(`no such runtime: ${names.join(', ')}`);
  for (const failure of failures) console.error(failure);
  const tests = rows.reduce((sum, row) => sum + row.tests, 0);
  console.log(`${Math.max(0, tests - failures.length)} passed, ${failures.length} failed`);
  if (failures.length > 0) process.exitCode = 1;
}
