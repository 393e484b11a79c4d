import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median, row } from './compare.mjs';
import { inFolder } from './data.mjs';

const ROUNDS = 41;

/** Importing the package, against importing an empty module: each in a fresh process, in turn. */
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
    return [rowOf('nikdev-iot', beyond('nikdev-iot')), rowOf('nikdev-iot/node', beyond('nikdev-iot/node'))];
  });

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
