import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { median, row } from './compare.mjs';
import { inFolder } from './data.mjs';

const ROUNDS = 41;

/** Importing the package, against importing an empty module, and calls of the command: each in a fresh process, in turn. */
export const start = () =>
  inFolder((folder) => {
    const file = join(folder, 'empty.mjs');
    writeFileSync(file, '');
    const empty = pathToFileURL(file).href;
    const beyond = (name) => {
      const url = import.meta.resolve(name);
      const differences = Array.from({ length: ROUNDS }, () => -importTime(empty) + importTime(url));
      return differences.sort((one, other) => one - other);
    };
    return [
      rowOf('nikdev-iot', beyond('nikdev-iot')),
      rowOf('nikdev-iot/node', beyond('nikdev-iot/node')),
      ...COMMANDS.map((args) => commandRow(folder, args)),
    ];
  });

/** One of each kind: with the folder only, with the library, and with both. */
const COMMANDS = [
  ['--version'],
  ['get', '--help'],
  // Nothing waits yet.
  ['push'],
  ['add', 'a=1'],
  ['add', 'a=1', '-c'],
  ['status'],
  ['log'],
];
const COMMAND = fileURLToPath(new URL('../../dist/cli/cli.cjs', import.meta.url));

/** A call of the command, against `node -e 0`, in turn. */
function commandRow(folder, args) {
  const bare = [];
  const differences = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(processTime(folder, ['-e', '0']));
    differences.push(processTime(folder, [COMMAND, ...args]) - bare[round]);
  }
  const middle = median(differences);
  return row(
    `nikdev-iot ${args.join(' ')}: beyond node -e 0`,
    `${middle.toFixed(1)} ms (${(1 + middle / median(bare)).toFixed(2)} times node -e 0)`,
    '≤ 60 ms',
    middle <= 60,
  );
}

function processTime(folder, args) {
  const env = {
    ...process.env,
    NIKDEV_DEVICE_ID: '11111111-1111-4111-8111-111111111111',
    NIKDEV_API_KEY: '22222222-2222-4222-8222-222222222222',
    NIKDEV_DIR: join(folder, 'readings'),
  };
  const start = performance.now();
  execFileSync(process.execPath, args, { cwd: folder, env, stdio: 'ignore' });
  return performance.now() - start;
}

function rowOf(name, differences) {
  const middle = median(differences);
  const [quarter, threeQuarters] = [0.25, 0.75].map((part) => differences[Math.floor(ROUNDS * part)].toFixed(1));
  return row(
    `import of ${name}: beyond an empty module`,
    `${middle.toFixed(1)} ms (half in ${quarter}–${threeQuarters})`,
    '≤ 15 ms',
    middle <= 15,
  );
}

/** @returns Milliseconds, without those of the process's own start. */
function importTime(url) {
  const script = `
    const start = performance.now();
    await import(${JSON.stringify(url)});
    process.stdout.write(String(performance.now() - start));`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script]));
}
