import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { compare, median, ratioRow, row } from './compare.mjs';
import { commitTwo, credentials, inFolder, textOf } from './data.mjs';

/** Committing two values into a file, against writing a line of the same length by hand. */
export const commitIntoFile = () => inFolder(measure);

async function measure(folder) {
  const open = (name, durability) =>
    new Api({ ...credentials, storage: fileStorage(join(folder, name), { durability }) });
  const [shallow, deep, power] = [open('shallow', 'process'), open('deep', 'process'), open('power', 'power')];
  for (let count = 0; count < 100_000; count++) commitTwo(deep, 21);
  const fd = openSync(join(folder, 'bare'), 'a');
  const entry = commitTwo(power, 21);
  // As distinct as ours are, and made before.
  const lines = Array.from(
    { length: 200 },
    (_, count) => `\n1 0000${1000 + count} E ${entry.id} ${entry.timestamp} ${textOf(entry)}\n`,
  );
  const many = (run) => () => {
    for (let count = 0; count < 200; count++) run(count);
  };
  const fast = await compare({
    rounds: 15,
    iterations: 10,
    sides: {
      shallow: { before: () => shallow.resetUnpushedEntries(), run: many(() => commitTwo(shallow, 21)) },
      deep: { run: many(() => commitTwo(deep, 21)) },
      bare: { run: many((count) => writeSync(fd, lines[count])) },
    },
  });
  const synced = await compare({
    // A disk's speed drifts by more than what is sought: so in turns as short as can be.
    rounds: 500,
    iterations: 3,
    sides: {
      ours: { run: () => commitTwo(power, 21) },
      bare: {
        run: () => {
          writeSync(fd, lines[0]);
          fdatasyncSync(fd);
        },
      },
    },
  });
  closeSync(fd);
  const above = synced.ours.map((ours, round) => 1000 * (ours - synced.bare[round])).sort((one, other) => one - other);
  const [quarter, threeQuarters] = [above[125], above[375]].map((microseconds) => microseconds.toFixed(0));
  return [
    ratioRow("commit into a file, 'process': time against bare writeSync", { most: 2.3 }, fast.shallow, fast.bare),
    ratioRow("commit into a file, 'process': depth 100,000 against shallow", { most: 1.2 }, fast.deep, fast.shallow),
    row(
      "commit into a file, 'power': above writeSync + fdatasyncSync",
      `${median(above).toFixed(1)} µs (half in ${quarter}–${threeQuarters}; bare ${(1000 * median(synced.bare)).toFixed(0)})`,
      '≤ 10 µs',
      median(above) <= 10,
    ),
  ];
}
