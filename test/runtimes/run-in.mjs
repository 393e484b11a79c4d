import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Api } from '../../dist/index.js';
import { fileStorage } from '../../dist/node.js';
import { credentials } from './server.mjs';

const MOST_MINUTES = 3;

/**
 * Runs the suite in one runtime. One that prints anything but its report, such as a warning on import, has failed.
 *
 * @returns How many tests it ran, how many of them passed, and what failed, be it a test or the run itself.
 */
export async function runIn(runtime, format, project, server) {
  const imports = await Promise.all(runtime.imports(format).map((command) => runImport(command, project)));
  const suite = runtime.suite(format);
  const results = runtime.isProcess
    ? await runProcess(suite, join(project, `${runtime.name} ${format}`), project, server)
    : [await runSuite([...suite, server.url], project)];
  const all = [...imports, ...results];
  return {
    tests: all.reduce((sum, { tests }) => sum + tests, 0),
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failures: all.flatMap(({ failures }) => failures),
  };
}

/** Imports an entry point, which is to print nothing. */
async function runImport(command, project) {
  const { error, said } = await run(command, project);
  const isQuiet = error === null && said.trim() === '';
  return resultOf(isQuiet, `importing by ${command.at(-1)} it ended with ${endOf(error)} and printed\n${said}`);
}

/** Runs the suite with what only a process can do: being killed, and ending. */
async function runProcess(command, folder, project, server) {
  mkdirSync(folder);
  const living = new Api({ ...credentials, storage: fileStorage(folder) });
  living.addValue('temperature', 3);
  living.commit();
  const { error, said } = await run([...command, 'die', server.url, folder], project);
  const suite = await runSuite([...command, 'test', server.url, folder], project);
  await living.close();
  return [
    resultOf(error?.signal === 'SIGKILL', `it did not get as far as its crash:\n${said}`),
    suite,
    resultOf(server.holds(folder), 'it did not push as it ended'),
  ];
}

/** Some tests end with entries in memory. */
const OF_MEMORY = /^nikdev-iot: this process ends with unpushed entries in memory .*$/m;

async function runSuite(command, project) {
  const { error, said } = await run(command, project);
  // Of one line: all else was not to be said.
  const line = said.split('\n').find((text) => text.startsWith('{"tests":'));
  const { tests, failures } = line === undefined ? { tests: 0, failures: [] } : JSON.parse(line);
  const passed = tests - failures.length;
  if (line === undefined) failures.push('there is no report');
  const rest = said
    .replace(line ?? '', '')
    .replace(OF_MEMORY, '')
    .trim();
  if (rest !== '') failures.push(`it printed\n${rest}`);
  if (error) failures.push(`it ended with ${endOf(error)}`);
  return { tests, passed, failures };
}

const resultOf = (holds, failure) => ({ tests: 1, passed: holds ? 1 : 0, failures: holds ? [] : [failure] });

const endOf = (error) => (error === null ? 'success' : (error.signal ?? error.code));

function run([program, ...args], cwd) {
  const env = { ...process.env, NODE_NO_WARNINGS: '0' };
  const options = { cwd, env, timeout: MOST_MINUTES * 60_000, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => resolve({ error, said: `${stdout}\n${stderr}` }));
  });
}
