import { relative } from 'node:path';

const EVERY_MS = 120_000;
const LONG_MS = 600_000;

/** A reporter of vitest that names the test files that have run for ten minutes: one that hangs is never reported otherwise. */
export default class RunningFiles {
  /** By file: when it started. */
  #running = new Map();
  #timer;

  onTestRunStart() {
    this.#timer = setInterval(() => this.#report(), EVERY_MS);
  }

  onTestModuleQueued({ moduleId }) {
    this.#running.set(moduleId, Date.now());
  }

  onTestModuleEnd({ moduleId }) {
    this.#running.delete(moduleId);
  }

  onTestRunEnd() {
    clearInterval(this.#timer);
  }

  #report() {
    for (const [file, started] of this.#running) {
      const milliseconds = Date.now() - started;
      if (milliseconds < LONG_MS) continue;
      console.log(`Still running after ${Math.floor(milliseconds / 60_000)} min: ${relative('', file)}`);
    }
  }
}
