import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { compare, ratio, row } from './compare.mjs';
import { credentials, fieldIds } from './data.mjs';

const ENTRIES = 100_000;

/** Taking over what an earlier run left, against reading a file of as many lines and parsing each. */
export async function reopenFile() {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-bench-'));
  const open = () => new Api({ ...credentials, storage: fileStorage(join(folder, 'left'), { durability: 'process' }) });
  try {
    const lines = [];
    const left = open();
    for (let count = 0; count < ENTRIES; count++) {
      left.addValue(fieldIds[0], count + 0.5);
      left.addValue(fieldIds[1], 'on');
      const { timestamp, values } = left.commit();
      lines.push(JSON.stringify({ timestamp, values: values.map(({ fieldId, value }) => ({ [fieldId]: value })) }));
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
    return [
      row(
        'reopening 100,000 entries: time against JSON.parse of as many lines',
        '≤ 2.00×',
        (x) => x <= 2,
        ratio(times.ours, times.parse),
      ),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
