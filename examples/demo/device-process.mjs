import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const DEVICE = fileURLToPath(new URL('device.mjs', import.meta.url));

const RESTART_AFTER_MS = 4000;
/** More than a device needs to push its queue. */
const STOP_WITHIN_MS = 15_000;

/** The device in a process of its own, which is started again whenever a signal has killed it. */
export class DeviceProcess {
  #script;
  #env;
  #onReport;
  #child;
  #runs = 0;
  #wake = () => {};
  isLiveFirst = true;
  /** When a killed device starts again, in Unix seconds; `undefined` while it runs. */
  restartsAt;

  /**
   * @param {object} options
   * @param {NodeJS.ProcessEnv} options.env
   * @param {(report: object) => void} options.onReport
   * @param {string} [options.script]
   */
  constructor({ env, onReport, script = DEVICE }) {
    this.#script = script;
    this.#env = env;
    this.#onReport = onReport;
  }

  /** The id of the process; `undefined` while there is none. */
  get pid() {
    return this.#child?.pid;
  }

  get runs() {
    return this.#runs;
  }

  /**
   * Runs the device until the signal aborts.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} Whether the signal ended it; `false` if the device ended with an exit code.
   */
  async run(signal) {
    signal.addEventListener('abort', () => this.#wake());
    while (!signal.aborted) {
      const [code, killedBy] = await this.#runOnce(signal);
      if (signal.aborted) break;
      if (!killedBy) {
        console.error(`The device ended unexpectedly (exit code ${code}).`);
        return false;
      }
      console.log(`The device was killed (${killedBy}); it starts again in ${RESTART_AFTER_MS / 1000} s.`);
      await this.#pause();
    }
    return true;
  }

  kill() {
    this.#child?.kill('SIGKILL');
  }

  send(command, argument) {
    if (this.#child?.connected) this.#child.send({ command, argument });
  }

  async #runOnce(signal) {
    this.#runs += 1;
    const child = spawn(process.execPath, [this.#script], {
      env: { ...this.#env, DEMO_RUN: String(this.#runs), DEMO_LIVE_FIRST: String(this.isLiveFirst) },
      // Where this process is killed, the device loses its channel, and ends.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => console.log(line));
    createInterface({ input: child.stderr }).on('line', (line) => console.error(line));
    child.on('message', this.#onReport);
    let timer;
    const end = () => {
      child.kill('SIGTERM');
      timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    };
    signal.addEventListener('abort', end);
    const ended = await once(child, 'close');
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
    this.#child = undefined;
    return ended;
  }

  async #pause() {
    this.restartsAt = (Date.now() + RESTART_AFTER_MS) / 1000;
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, RESTART_AFTER_MS);
    });
    this.restartsAt = undefined;
  }
}
