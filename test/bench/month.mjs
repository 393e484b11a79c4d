import { fileURLToPath } from 'node:url';
import { row } from './compare.mjs';
import { inFolder } from './data.mjs';
import { inFreshProcess } from './in-fresh-process.mjs';
import { startServer } from './start-server.mjs';

/** One entry a second for thirty days. */
export const ENTRIES = 2_592_000;

/** Of the heap of each process, in MB: with less, a process ends and the benchmark fails. */
const HEAP = 600;

/** A month offline, in a file: one process commits, the next takes over and pushes. */
export const month = () => inFolder(measure);

async function measure(folder) {
  const server = await startServer();
  const partOf = (part) =>
    inFreshProcess(fileURLToPath(new URL('month-part.mjs', import.meta.url)), [part, folder, server.url], {
      execArgv: [`--max-old-space-size=${HEAP}`],
    });
  try {
    const committed = await partOf('commit');
    const pushed = await partOf('push');
    const resident = (what, { megabytes }) =>
      row(`a month offline: peak of resident memory, ${what}`, `${megabytes.toFixed(0)} MB`);
    const per = ({ seconds }) => `${((seconds / ENTRIES) * 1e6).toFixed(1)} µs an entry`;
    return [
      row(
        'a month offline: one entry a second, committed, reopened and pushed',
        `in ${HEAP} MB of heap`,
        '600 MB',
        true,
      ),
      resident('committed', committed),
      resident('reopened and pushed', pushed),
      row('a month offline: commit', per(committed)),
      row('a month offline: reopen', `${pushed.opening.toFixed(1)} s`),
      row('a month offline: push', per(pushed)),
    ];
  } finally {
    server.stop();
  }
}
