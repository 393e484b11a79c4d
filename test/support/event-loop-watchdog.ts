import { expect } from 'vitest';
import { startWatchdog } from './watchdog.js';

/*
 * A setup file. An endless loop in one task, of code or of a test, keeps the time-outs of vitest from firing, and vitest waits for
 * the process for ever: this ends the process, which vitest reports as a failure of the file.
 */

const HANGS_AFTER_MS = 180_000;
const TICK_MS = 1000;

const { progress } = startWatchdog({
  message: `ended after ${HANGS_AFTER_MS / 1000} s in one task: ${expect.getState().testPath}`,
  hangsAfterMs: HANGS_AFTER_MS,
});
setInterval(() => Atomics.add(progress, 0, 1), TICK_MS).unref();
