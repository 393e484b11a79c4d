import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const WANTED = ['package.json', 'package-lock.json'].map((name) => new URL(`versions/${name}`, import.meta.url));

/**
 * Fetches the runtimes with npm, where they are not in the cache yet.
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
  // Their scripts would only link what is in their platform's package; miniflare wants a newer Node, which is among them.
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['ci', ...flags], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(done, '');
  return folder;
}

/**
 * @param runtimes - Where the runtimes are.
 * @param project - The project that has the suite.
 * @returns What to run: for each runtime its name and the command, which takes a format and the server's URL.
 */
export function listRuntimes(runtimes, project) {
  const bin = (path) => join(runtimes, 'node_modules', path);
  const script = (format) => join(project, format === 'esm' ? 'in-process.mjs' : 'in-process.cjs');
  const inProcess = (name, program, ...flags) => ({
    name,
    command: (format, url) => [program, ...flags, script(format), url],
  });
  const node = (version) => inProcess(`Node ${version}`, bin(`node-${version}/bin/node`));
  return [
    inProcess(`Node ${process.versions.node.split('.')[0]}`, process.execPath),
    node(22),
    node(24),
    node(26),
    inProcess('Bun', bin('@oven/bun-linux-x64/bin/bun'), 'run'),
    inProcess('Deno', bin('@deno/linux-x64-glibc/deno'), 'run', '--quiet', '--allow-all'),
    {
      name: 'workerd',
      hasNoFiles: true,
      command: (format, url) => [
        bin('node-24/bin/node'),
        join(import.meta.dirname, 'worker-host.mjs'),
        url,
        format,
        runtimes,
        project,
      ],
    },
  ];
}
