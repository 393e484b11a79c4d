import { Worker } from 'node:worker_threads';

/** Nothing that is tried takes a thousandth of this, however busy the machine. */
const HANGS_AFTER_MS = 60_000;

/** Watches from another thread: whatever hangs in this one, no timer of its own would ever tell. */
const WATCH = `
  const { workerData: { shared, name, seed } } = require('node:worker_threads');
  const progress = new Int32Array(shared);
  let last = -1;
  setInterval(() => {
    const now = Atomics.load(progress, 0);
    if (now !== last) { last = now; return; }
    require('node:fs').writeSync(2, name + ' hang: again by FUZZ_SEED=' + Atomics.load(progress, 1) + ' FUZZ_INPUT=' + now + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, ${HANGS_AFTER_MS});
`;

export interface Watchdog {
  /** An input is about to be tried. */
  at(seed: number, input: number): void;
  stop(): Promise<void>;
}

/** Ends this process, naming the input, if a try never ends. @param name - The kind of the inputs. */
export function watchdog(name: string): Watchdog {
  const shared = new SharedArrayBuffer(8);
  const progress = new Int32Array(shared);
  const worker = new Worker(WATCH, { eval: true, workerData: { shared, name } });
  worker.unref();
  return {
    at(seed, input) {
      Atomics.store(progress, 1, seed);
      Atomics.store(progress, 0, input);
    },
    async stop() {
      await worker.terminate();
    },
  };
}
