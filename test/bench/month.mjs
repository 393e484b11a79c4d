import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { row } from './compare.mjs';
import { inFolder } from './data.mjs';
import { startServer } from './start-server.mjs';

/** One entry a second for thirty days. */
export const ENTRIES = 2_592_000;

/** Of the heap of each process, in MB: with less, a process ends and the benchmark fails. */
const HEAP = 600;

/** A month offline, in a file: one process commits, the next takes over and pushes. */
export const month = () => inFolder(measure);

async function measure(folder) {
  const server = await startServer();
  try {
    const committed = await inProcess('commit', folder, server.url);
    const pushed = await inProcess('push', folder, server.url);
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

async function inProcess(part, folder, url) {
  const child = fork(fileURLToPath(new URL('month-part.mjs', import.meta.url)), [part, folder, url], {
    execArgv: [`--max-old-space-size=${HEAP}`],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const result = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (typeof result !== 'object') throw new Error(`${part} ended with ${result} and measured nothing`);
  await ended;
  return result;
}
