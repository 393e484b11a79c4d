import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { compare, ratioRow } from './compare.mjs';
import { commitTwo, credentials, inFolder, textOf } from './data.mjs';

const ENTRIES = 100_000;

/** Taking over what an earlier run left, against reading a file of as many lines and parsing each. */
export const reopenFile = () => inFolder(measure);

async function measure(folder) {
  const open = () => new Api({ ...credentials, storage: fileStorage(join(folder, 'left'), { durability: 'process' }) });
  const lines = [];
  const left = open();
  for (let count = 0; count < ENTRIES; count++) {
    const entry = commitTwo(left, count);
    lines.push(`{"timestamp":${entry.timestamp},"values":${textOf(entry)}}`);
  }
  await left.close();
  writeFileSync(join(folder, 'lines'), lines.join('\n'));
  let reopened;
  const times = await compare({
    rounds: 9,
    iterations: 1,
    sides: {
      ours: {
        before: async () => {
          await reopened?.close();
          globalThis.gc();
        },
        async run() {
          reopened = open();
          await reopened.ready;
          if (reopened.status().committed !== ENTRIES) throw new Error('not all came back');
        },
      },
      parse: {
        before: () => globalThis.gc(),
        run: () =>
          readFileSync(join(folder, 'lines'), 'utf8')
            .split('\n')
            .map((line) => JSON.parse(line)),
      },
    },
  });
  await reopened.close();
  const what = 'reopening 100,000 entries: time against JSON.parse of as many lines';
  return [ratioRow(what, { most: 2 }, times.ours, times.parse)];
}
