import { Worker } from 'node:worker_threads';
import { expect } from 'vitest';

/*
 * A setup file. An endless loop in one task, of code or of a test, keeps the time-outs of vitest from firing, and vitest waits for
 * the process for ever: this thread ends the process, which vitest reports as a failure of the file.
 */

const HANGS_AFTER_MS = 180_000;
const TICK_MS = 1000;

const WATCH = `
  const { workerData: { shared, file } } = require('node:worker_threads');
  const ticks = new Int32Array(shared);
  let last = -1;
  setInterval(() => {
    const now = Atomics.load(ticks, 0);
    if (now !== last) { last = now; return; }
    require('node:fs').writeSync(2, 'ended after ${HANGS_AFTER_MS / 1000} s in one task: ' + file + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, ${HANGS_AFTER_MS});
`;

const shared = new SharedArrayBuffer(4);
const ticks = new Int32Array(shared);
setInterval(() => Atomics.add(ticks, 0, 1), TICK_MS).unref();
new Worker(WATCH, { eval: true, workerData: { shared, file: expect.getState().testPath } }).unref();
