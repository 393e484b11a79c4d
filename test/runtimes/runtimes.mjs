import { existsSync } from 'node:fs';
import { join } from 'node:path';

const DIST = 'node_modules/nikdev-iot/dist';

/**
 * @param runtimes - Where the runtimes are.
 * @param project - The project that has the suite.
 * @returns For each runtime its name, the files that it cannot do without, and for each of the formats a command that runs
 *   the suite, to which what the suite takes is appended, and commands of which each does no more than import an entry point.
 */
export function listRuntimes(runtimes, project) {
  const bin = (path) => join(runtimes, 'node_modules', path);
  const inProcess = (name, program, ...flags) => {
    const script = (name, format) => [
      program,
      ...flags,
      join(project, `${name}.${{ esm: 'mjs', cjs: 'cjs' }[format]}`),
    ];
    return {
      name,
      isProcess: true,
      needs: [program],
      suite: (format) => script('in-process', format),
      imports: (format) =>
        ['index', 'node', 'react-native', 'opfs', 'emulator'].map((entry) => script(`import-${entry}`, format)),
    };
  };
  const running = Number(process.versions.node.split('.')[0]);
  const others = [22, 24, 26].filter((version) => version !== running);
  return [
    inProcess('Node 18.20', bin('node-18/bin/node')),
    inProcess('Node 20.15', bin('node-20/bin/node')),
    inProcess(`Node ${running}`, process.execPath),
    ...others.map((version) => inProcess(`Node ${version}`, bin(`node-${version}/bin/node`))),
    inProcess('Bun', bin('@oven/bun-linux-x64/bin/bun'), 'run'),
    inProcess('Deno', bin('@deno/linux-x64-glibc/deno'), 'run', '--allow-all'),
    inWorker('workerd', bin, runtimes, project),
  ];
}

function inWorker(name, bin, runtimes, project) {
  // Miniflare wants a newer Node than the package does.
  const node = bin('node-24/bin/node');
  const script = (path, format) => [
    node,
    join(import.meta.dirname, 'worker-host.mjs'),
    runtimes,
    project,
    format,
    path,
  ];
  return {
    name,
    isProcess: false,
    needs: [node, bin('miniflare/package.json'), bin('@cloudflare/workerd-linux-64/bin/workerd')],
    suite: (format) => script({ esm: 'everywhere.mjs', cjs: 'everywhere.cjs' }[format], format),
    imports: (format) =>
      ['index', 'react-native', 'opfs', 'emulator'].map((entry) =>
        script(`${DIST}/${entry}.${{ esm: 'js', cjs: 'cjs' }[format]}`, format),
      ),
  };
}

export const isThere = ({ needs }) => needs.every((file) => existsSync(file));
