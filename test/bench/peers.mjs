import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Beside the clients of others, which have a package.json of their own. From a process of its own: what is started from one as
 * large as this counts that as its peak memory.
 */
export async function peers() {
  const child = fork(fileURLToPath(new URL('peers/run.mjs', import.meta.url)));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const rows = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (!Array.isArray(rows)) throw new Error(`the bench beside other clients ended with ${rows}`);
  child.disconnect();
  await ended;
  return rows;
}
