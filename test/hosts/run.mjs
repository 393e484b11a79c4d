import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fetchRuntimes } from '../runtimes/fetch-runtimes.mjs';
import { isThere, listRuntimes } from '../runtimes/runtimes.mjs';
import { reportCounts } from '../support/report-counts.mjs';
import { startBrowser } from './browser.mjs';
import { hostContext } from './host-context.mjs';
import { installer } from './install.mjs';
import { loadHost, PROJECTS } from './load-host.mjs';

// Runs the packed package in small projects, one a host: all light ones, with `--full` the heavy ones too, or those that are
// named. With `--report <file>`, writes how many checks passed and failed as vitest does.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean', default: false }, report: { type: 'string' } },
});
const STEP_MINUTES = 4;

const hosts = await chooseHosts(positionals, values);
const runtimes = await fetchRuntimes((folder) => listRuntimes(folder, '').every(isThere));
if (runtimes.problem !== '')
  throw new Error(`The runtimes could not be fetched from the npm registry: ${runtimes.problem}`);
const browser = await startBrowser();
const packages = await installer(runtimes.folder);
try {
  const rows = [];
  const installed = packages.installAll(hosts);
  for (const host of hosts) rows.push(...(await runHost(host, installed.get(host.id))));
  showRows(rows);
} finally {
  await browser.close();
  packages.remove();
}

async function chooseHosts(names, { full }) {
  const ids = readdirSync(PROJECTS).sort();
  const unknown = names.filter((name) => !ids.includes(name));
  if (unknown.length > 0) throw new Error(`No such host: ${unknown.join(', ')}. There are ${ids.join(', ')}.`);
  const chosen = await Promise.all((names.length > 0 ? names : ids).map(loadHost));
  const isWanted = ({ isHeavy = false }) => full || names.length > 0 || !isHeavy;
  return chosen.filter(isWanted).sort((one, other) => Number(one.isHeavy ?? false) - Number(other.isHeavy ?? false));
}

/** @param installed - A promise of the installed project. @returns A row for each check. */
async function runHost(host, installed) {
  let started = performance.now();
  const project = await installed.then(
    (folder) => ({ folder, versions: packages.versionsOf(host, folder) }),
    (error) => ({ versions: '', failure: error.message }),
  );
  project.failure ??= await failureOf(host, project.folder, host.build);
  const rows = [];
  for (const [title, check] of Object.entries(host.checks)) {
    const failure = project.failure ?? (await failureOf(host, project.folder, check, { isJourney: true }));
    const seconds = Math.round((performance.now() - started) / 1000);
    const result = failure === undefined ? 'passed' : 'FAILED';
    rows.push({ host: host.name, versions: project.versions, check: title, result, seconds, failure });
    console.error(`${host.name}: ${title}: ${result} (${seconds} s)`);
    started = performance.now();
  }
  return rows;
}

/**
 * @param isJourney - Whether it must follow a reading to its end.
 * @returns The reason why a step failed, if it did.
 */
async function failureOf(host, folder, step, { isJourney = false } = {}) {
  const context = hostContext({ host, folder, runtimes: runtimes.folder, browser });
  try {
    await inTime(step?.(context));
    return isJourney ? context.unfinished() : undefined;
  } catch (error) {
    return `${error.message || error}\n${context.printed()}`;
  } finally {
    await context.end();
  }
}

async function inTime(step) {
  const timer = new AbortController();
  const late = pause(STEP_MINUTES * 60_000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not done after ${STEP_MINUTES} minutes`);
  });
  try {
    await Promise.race([step, late]);
  } finally {
    late.catch(() => {});
    timer.abort();
  }
}

function showRows(rows) {
  console.table(rows.map(({ failure, ...row }) => row));
  const failed = rows.filter(({ failure }) => failure !== undefined);
  for (const { host, check, failure } of failed) console.error(`${host}: ${check}:\n${failure}\n`);
  reportCounts(rows.length - failed.length, failed.length, values.report);
}
