import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { row } from './compare.mjs';
import { inFolder } from './data.mjs';
import { startServer } from './start-server.mjs';

/** One entry a second for thirty days. */
export const ENTRIES = 2_592_000;

/** A month offline, in a file: one process commits, the next takes over and pushes. The peak is of resident memory. */
export const month = () => inFolder(measure);

async function measure(folder) {
  const server = await startServer();
  try {
    const committed = await inProcess('commit', folder, server.url);
    const pushed = await inProcess('push', folder, server.url);
    const within = (what, { megabytes }) => row(what, `${megabytes.toFixed(0)} MB`, '≤ 600 MB', megabytes <= 600);
    const per = ({ seconds }) => `${((seconds / ENTRIES) * 1e6).toFixed(1)} µs an entry`;
    return [
      within('a month offline, one entry a second: peak memory of the process that commits', committed),
      within('a month offline, one entry a second: peak memory of the process that reopens and pushes', pushed),
      row('a month offline: commit', per(committed)),
      row('a month offline: reopen', `${pushed.opening.toFixed(1)} s`),
      row('a month offline: push', per(pushed)),
    ];
  } finally {
    server.stop();
  }
}

async function inProcess(part, folder, url) {
  const child = fork(fileURLToPath(new URL('month-part.mjs', import.meta.url)), [part, folder, url]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const result = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (typeof result !== 'object') throw new Error(`${part} ended with ${result} and measured nothing`);
  await ended;
  return result;
}
