import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const WANTED = ['package.json', 'package-lock.json'].map((name) => new URL(`versions/${name}`, import.meta.url));

/**
 * Fetches the runtimes with npm, where they are not in the cache yet: those of Linux on x64.
 *
 * @returns The folder that they are in, outside the package.
 */
export function fetchRuntimes() {
  const hash = createHash('sha256');
  for (const file of WANTED) hash.update(readFileSync(file));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'nikdev-iot-runtimes', hash.digest('hex').slice(0, 16));
  const done = join(folder, 'done');
  if (existsSync(done)) return folder;
  mkdirSync(folder, { recursive: true });
  for (const file of WANTED) copyFileSync(file, join(folder, file.pathname.split('/').at(-1)));
  console.error(`fetching the runtimes into ${folder}`);
  // Their scripts would only copy what is in the packages of their platforms.
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['ci', ...flags], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(done, '');
  return folder;
}

/**
 * @param runtimes - Where the runtimes are.
 * @param project - The project that has the suite.
 * @returns For each runtime its name and a command for each of the formats, to which what the suite takes is appended.
 */
export function listRuntimes(runtimes, project) {
  const bin = (path) => join(runtimes, 'node_modules', path);
  const inProcess = (name, ...command) => ({
    name,
    isProcess: true,
    esm: [...command, join(project, 'in-process.mjs')],
    cjs: [...command, join(project, 'in-process.cjs')],
  });
  const running = Number(process.versions.node.split('.')[0]);
  const others = [22, 24, 26].filter((version) => version !== running);
  // Miniflare wants a newer Node than the package does.
  const worker = [bin('node-24/bin/node'), join(import.meta.dirname, 'worker-host.mjs'), runtimes, project];
  return [
    inProcess(`Node ${running}`, process.execPath),
    ...others.map((version) => inProcess(`Node ${version}`, bin(`node-${version}/bin/node`))),
    inProcess('Bun', bin('@oven/bun-linux-x64/bin/bun'), 'run'),
    inProcess('Deno', bin('@deno/linux-x64-glibc/deno'), 'run', '--quiet', '--allow-all'),
    { name: 'workerd', isProcess: false, esm: [...worker, 'esm'], cjs: [...worker, 'cjs'] },
  ];
}
