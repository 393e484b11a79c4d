import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportCounts } from '../support/report-counts.mjs';
import { fetchRuntimes } from './fetch-runtimes.mjs';
import { makeProject } from './project.mjs';
import { runIn } from './run-in.mjs';
import { isThere, listRuntimes } from './runtimes.mjs';
import { serve } from './server.mjs';
import { tally } from './tally.mjs';

// Runs the one suite on the built package in every runtime, or in those that are named, as ES module and as CommonJS. With
// `--report <file>`, writes how many tests passed and failed as vitest does.

const WITHOUT = 'fileStorage, end of the process: there are none';

const { values, positionals: names } = parseArgs({ allowPositionals: true, options: { report: { type: 'string' } } });
const { folder, problem } = await fetchRuntimes((folder) => listRuntimes(folder, '').every(isThere));
const project = realpathSync(mkdtempSync(join(tmpdir(), 'nikdev-iot-runtimes-')));
const server = await serve();
try {
  await makeProject(project);
  const rows = [];
  for (const runtime of choose(listRuntimes(folder, project))) {
    for (const format of ['esm', 'cjs']) rows.push(await rowOf(runtime, format));
  }
  tell(rows);
} finally {
  server.close();
  rmSync(project, { recursive: true, force: true });
  // Those that lack some are fetched again the next time.
  if (problem !== '') rmSync(folder, { recursive: true, force: true });
}

function choose(runtimes) {
  const known = runtimes.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`No such runtime: ${unknown.join(', ')}. There are ${known.join(', ')}.`);
  return names.length === 0 ? runtimes : runtimes.filter(({ name }) => names.includes(name));
}

async function rowOf(runtime, format) {
  const place = `${runtime.name} (${format})`;
  const started = performance.now();
  const missing = { tests: 0, passed: 0, failures: [`it could not be fetched from the npm registry: ${problem}`] };
  const { failures, ...counts } = isThere(runtime) ? await runIn(runtime, format, project, server) : missing;
  return {
    runtime: runtime.name,
    format,
    ...counts,
    failures: failures.map((failure) => `${place}: ${failure}`),
    seconds: Math.round((performance.now() - started) / 1000),
    without: runtime.isProcess ? '' : WITHOUT,
  };
}

/** Shows the table and what failed. */
function tell(rows) {
  console.table(rows.map(({ passed, failures, ...row }) => ({ ...row, failed: failures.length })));
  const { passed, failures } = tally(rows);
  for (const failure of failures) console.error(failure);
  reportCounts(passed, failures.length, values.report);
}
