import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { compare, median, ratio, row } from './compare.mjs';
import { credentials, fieldIds } from './data.mjs';

/** Committing two values into a file, against writing a line of the same length by hand. */
export async function commitIntoFile() {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-bench-'));
  const open = (name, durability) =>
    new Api({ ...credentials, storage: fileStorage(join(folder, name), { durability }) });
  const commit = (api) => {
    api.addValue(fieldIds[0], 21.5);
    api.addValue(fieldIds[1], 'on');
    return api.commit();
  };
  try {
    const process = { shallow: open('shallow', 'process'), deep: open('deep', 'process') };
    const power = open('power', 'power');
    for (let count = 0; count < 100_000; count++) commit(process.deep);
    const fd = openSync(join(folder, 'bare'), 'a');
    const { id, timestamp, values } = commit(power);
    const text = JSON.stringify(values.map(({ fieldId, value }) => ({ [fieldId]: value })));
    // As distinct as ours are, and made before.
    const lines = Array.from({ length: 200 }, (_, count) => `\n1 0000${1000 + count} E ${id} ${timestamp} ${text}\n`);
    const many = (run) => () => {
      for (let count = 0; count < 200; count++) run(count);
    };
    const fast = await compare({
      rounds: 15,
      iterations: 10,
      sides: {
        shallow: { before: () => process.shallow.resetUnpushedEntries(), run: many(() => commit(process.shallow)) },
        deep: { run: many(() => commit(process.deep)) },
        bare: { run: many((count) => writeSync(fd, lines[count])) },
      },
    });
    const synced = await compare({
      rounds: 9,
      iterations: 60,
      sides: {
        ours: { run: () => commit(power) },
        bare: {
          run: () => {
            writeSync(fd, lines[0]);
            fdatasyncSync(fd);
          },
        },
      },
    });
    closeSync(fd);
    const above = synced.ours.map((ours, round) => 1000 * (ours - synced.bare[round]));
    return [
      row(
        "commit into a file, 'process': time against bare writeSync",
        '≤ 2.50×',
        (x) => x <= 2.5,
        ratio(fast.shallow, fast.bare),
      ),
      row(
        "commit into a file, 'process': depth 100,000 against shallow",
        '≤ 1.20×',
        (x) => x <= 1.2,
        ratio(fast.deep, fast.shallow),
      ),
      {
        what: "commit into a file, 'power': above writeSync + fdatasyncSync",
        goal: '≤ 10 µs',
        figure: `${median(above).toFixed(1)} µs (${Math.min(...above).toFixed(0)}–${Math.max(...above).toFixed(0)}; bare ${(1000 * median(synced.bare)).toFixed(0)})`,
        reached: median(above) <= 10 ? 'yes' : 'NO',
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
