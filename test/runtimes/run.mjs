import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeProject } from './project.mjs';
import { fetchRuntimes, listRuntimes } from './runtimes.mjs';
import { serve } from './server.mjs';

// Runs the one suite on the built package in every runtime, as ES module and as CommonJS. A runtime that prints anything but
// the report, such as a warning on import, has failed.

const MINUTES = 3;
const wanted = process.argv.slice(2);
const project = realpathSync(mkdtempSync(join(tmpdir(), 'nikdev-iot-runtimes-')));
const server = await serve();
try {
  await makeProject(project);
  const runtimes = listRuntimes(fetchRuntimes(), project).filter(
    ({ name }) => wanted.length === 0 || wanted.includes(name),
  );
  const rows = [];
  for (const runtime of runtimes) for (const format of ['esm', 'cjs']) rows.push(await runIn(runtime, format));
  console.table(rows.map(({ complaints, ...row }) => ({ ...row, failed: complaints.length })));
  const complaints = [...rows.flatMap((row) => row.complaints), ...compareCounts(rows)];
  for (const complaint of complaints) console.error(complaint);
  if (rows.length === 0) console.error(`no such runtime: ${wanted.join(', ')}`);
  if (complaints.length > 0 || rows.length === 0) process.exitCode = 1;
} finally {
  server.close();
  rmSync(project, { recursive: true, force: true });
}

/** Runs the suite in a process of its own. */
async function runIn({ name, command, hasNoFiles = false }, format) {
  const [program, ...args] = command(format, server.url);
  const started = performance.now();
  const { error, stdout, stderr } = await new Promise((resolve) => {
    const options = { cwd: project, timeout: MINUTES * 60_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, args, options, (error, stdout, stderr) => resolve({ error, stdout, stderr }));
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const { report, rest } = readReport(stdout);
  const said = rest + stderr;
  const complaints = report.failures.map((failure) => `${name} (${format}): ${failure}`);
  if (said.trim() !== '') complaints.push(`${name} (${format}) printed:\n${said}`);
  if (error) complaints.push(`${name} (${format}) ended with ${error.signal ?? error.code}`);
  const without = hasNoFiles ? 'fileStorage: there are no files' : '';
  return { runtime: name, format, tests: report.tests, without, seconds, complaints };
}

/** The report is the last line. */
function readReport(stdout) {
  const lines = stdout.trimEnd().split('\n');
  try {
    return { report: JSON.parse(lines.at(-1)), rest: lines.slice(0, -1).join('\n') };
  } catch {
    return { report: { tests: 0, failures: ['there is no report'] }, rest: stdout };
  }
}

/** Whoever leaves out the same must run the same number of tests. */
function compareCounts(rows) {
  const odd = rows.filter((row) => row.tests !== rows.find(({ without }) => without === row.without).tests);
  return odd.map(
    ({ runtime, format, tests }) => `${runtime} (${format}) ran ${tests} tests, others not so many or more`,
  );
}
