import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nodeFolder } from './programs.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const here = join(root, 'test/hosts');
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'nikdev-iot-hosts');
const WANTED = ['package.json', 'package-lock.json'];
/** Caches of bundlers, which could keep an earlier build of the package. */
const STALE = ['.cache', '.vite', '.vite-temp', '.vitest', 'nikdev-iot'];
const RETRY_AFTER_MS = 5000;

/**
 * Packs the built package, for projects that have it as a dependency.
 *
 * @param runtimes - The folder of the runtimes.
 */
export async function installer(runtimes) {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-hosts-'));
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root, env: withoutNpm() });
  const [{ filename, version }] = Object.values(JSON.parse(stdout));
  const tarball = join(folder, filename);
  return {
    /** Installs one project after another, so that the first are tested while the last are downloaded. */
    installAll(hosts) {
      let previous = Promise.resolve();
      const installed = hosts.map((host) => {
        const modules = previous.then(() => installDependencies(host, runtimes));
        previous = modules.catch(() => {});
        const project = modules.then((folder) => layProject(host, folder, { tarball, version }));
        // Awaited when it is the host's turn.
        project.catch(() => {});
        return [host.id, project];
      });
      return new Map(installed);
    },
    versionsOf: ({ packages = [], programs = [] }, project) =>
      [...packages.map((name) => versionIn(project, name)), ...programs.map((name) => versionIn(runtimes, name))].join(
        ', ',
      ),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** @returns A name and version. */
function versionIn(folder, name) {
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
  return `${name.replace(/-(?:oldest|newest|\d+)$/, '')} ${version}`;
}

/** The environment without the variables of an npm that runs this. */
export const withoutNpm = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

/** @returns The folder of the host in the cache, with its dependencies: of these versions and no others. */
async function installDependencies(host, runtimes) {
  const from = join(here, 'projects', host.id);
  const files = WANTED.filter((name) => existsSync(join(from, name)));
  const hash = createHash('sha256');
  for (const name of files) hash.update(readFileSync(join(from, name)));
  const folder = join(CACHE, `${host.id}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  // Under its final name the folder is always complete.
  const growing = mkdtempSync(`${folder}-`);
  for (const name of files) cpSync(join(from, name), join(growing, name));
  mkdirSync(join(growing, 'node_modules'));
  if (files.includes('package-lock.json')) await npmCi(growing, host, runtimes);
  renameSync(growing, folder);
  return folder;
}

/** Twice, as a registry that did not answer once mostly answers soon. */
async function npmCi(folder, host, runtimes) {
  const command = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm leaves out optional packages that are not for the Node it runs in.
  const PATH = `${nodeFolder(host, runtimes)}${delimiter}${process.env.PATH}`;
  const options = { cwd: folder, env: { ...withoutNpm(), PATH } };
  try {
    await run('npm', command, options).catch(async () => {
      await pause(RETRY_AFTER_MS);
      await run('npm', command, options);
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      `its packages could not be installed from the npm registry: ${String(error.stderr || error.message).trim()}`,
    );
  }
}

/** Lays the sources of the project, and the package as its tarball has it, into the folder of its dependencies. */
async function layProject(host, folder, { tarball, version }) {
  for (const name of readdirSync(folder)) {
    if (name !== 'node_modules') rmSync(join(folder, name), { recursive: true });
  }
  for (const name of STALE) rmSync(join(folder, 'node_modules', name), { recursive: true, force: true });
  cpSync(join(here, 'projects', host.id), folder, { recursive: true });
  cpSync(join(here, 'shared'), join(folder, 'src/shared'), { recursive: true });
  const manifest = join(folder, 'package.json');
  const { peerDependencies, peerDependenciesMeta, ...declared } = JSON.parse(readFileSync(manifest, 'utf8'));
  writeFileSync(manifest, JSON.stringify({ ...declared, dependencies: { 'nikdev-iot': version } }, null, 2));
  const target = join(folder, 'node_modules/nikdev-iot');
  mkdirSync(target);
  // npm does the same with a package that has no dependencies.
  await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
  return folder;
}
