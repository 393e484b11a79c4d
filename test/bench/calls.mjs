import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, row } from './compare.mjs';
import { credentials, inFolder } from './data.mjs';

const COMMAND = fileURLToPath(new URL('../../dist/cli/cli.cjs', import.meta.url));
const CALLS = 1000;
const SOME = 20;

/** Calls of the command in one folder, each in a process of its own: the last ones cost no more than the first ones. */
export const calls = () =>
  inFolder((folder) => {
    const env = { ...process.env, NIKDEV_DEVICE_ID: credentials.deviceId, NIKDEV_API_KEY: credentials.apiKey };
    const times = Array.from({ length: CALLS }, (_, count) => {
      const start = performance.now();
      execFileSync(process.execPath, [COMMAND, 'add', `a=${count}`, '-c'], { cwd: folder, env, stdio: 'ignore' });
      return performance.now() - start;
    });
    const [first, last] = [median(times.slice(0, SOME)), median(times.slice(-SOME))];
    return [
      row(
        `${CALLS.toLocaleString('en')} real add -c offline: median of the last ${SOME} over the first ${SOME}`,
        `${(last / first).toFixed(2)}× (${first.toFixed(0)} and ${last.toFixed(0)} ms)`,
        '≤ 1.20×',
        last <= first * 1.2,
      ),
    ];
  });
