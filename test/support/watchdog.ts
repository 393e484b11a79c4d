import { Worker } from 'node:worker_threads';

/** Runs in another thread: what hangs in this one keeps its timers from firing. */
const WATCH = `
  const { workerData: { shared, message, names, hangsAfterMs } } = require('node:worker_threads');
  const progress = new Int32Array(shared);
  let last = '';
  setInterval(() => {
    const now = progress.join();
    if (now !== last) { last = now; return; }
    const where = names.map((name, index) => ' ' + name + '=' + progress[index]).join('');
    require('node:fs').writeSync(2, message + where + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, hangsAfterMs);
`;

/** The settings of a watchdog. */
export interface Watched {
  /** Written to standard error before the process ends. */
  readonly message: string;
  /** The names of numbers of the progress that are added to the message. Default: none. */
  readonly names?: readonly string[];
  /** How long the progress may stay as it is, in milliseconds, at least. */
  readonly hangsAfterMs: number;
}

/** Watches this process from another thread. */
export interface Watchdog {
  /** The numbers by which progress is known. */
  readonly progress: Int32Array;
  stop(): Promise<void>;
}

/** Ends this process by SIGKILL when it makes no progress. */
export function startWatchdog({ message, names = [], hangsAfterMs }: Watched): Watchdog {
  const shared = new SharedArrayBuffer(4 * Math.max(1, names.length));
  const worker = new Worker(WATCH, { eval: true, workerData: { shared, message, names, hangsAfterMs } });
  worker.unref();
  return { progress: new Int32Array(shared), stop: async () => void (await worker.terminate()) };
}
