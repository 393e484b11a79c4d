import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Starts a server that stores nothing and answers 200.
 *
 * @param delay - How long it takes for that, in milliseconds.
 */
export async function startServer(delay = 0) {
  const child = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), [String(delay)]);
  const said = () => new Promise((resolve) => child.once('message', resolve));
  const port = await said();
  return {
    url: `http://127.0.0.1:${port}/api/v1/`,
    /** How many requests were under way at most, and how many came in each second since the start. */
    async report() {
      const report = said();
      child.send('report');
      return report;
    },
    stop: () => child.disconnect(),
  };
}
