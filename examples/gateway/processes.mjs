import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('guard.mjs', import.meta.url));
/** A gateway finishes what is under way. */
const STOP_WITHIN_MS = 4000;
const LINES_KEPT = 5;

/** Processes and a folder for their files, which end with this process, however it ends. */
export class Processes {
  /** Where processes keep their files. */
  folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-gateway-demo-'));
  #running = new Map();
  // Detached, as all processes here: Ctrl+C in a terminal is for the demo only, which ends them in order.
  #guard = spawn(process.execPath, [GUARD, this.folder], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });

  #onFailure;

  /** @param {(error: Error) => void} onFailure - Called when a process ends that was not asked to. */
  constructor(onFailure) {
    this.#onFailure = onFailure;
  }

  /** @returns {boolean} Whether a process of this name runs. */
  isRunning(name) {
    return this.#running.has(name);
  }

  /**
   * @param {string} name - By which it is ended.
   * @param {string} program
   * @param {string[]} args
   * @param {NodeJS.ProcessEnv} [env]
   */
  start(name, program, args, env = process.env) {
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    const started = { child, isStopping: false, ended: once(child, 'exit') };
    const lines = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LINES_KEPT) lines.shift();
    });
    this.#running.set(name, started);
    this.#guard.stdin.write(`+${child.pid}\n`);
    started.ended.then(
      ([code, signal]) => {
        this.#running.delete(name);
        this.#guard.stdin.write(`-${child.pid}\n`);
        if (started.isStopping) return;
        const reason = `${name} ended unexpectedly (${signal ?? `exit code ${code}`}).`;
        this.#onFailure(new Error([reason, ...lines].join('\n')));
      },
      (error) => this.#onFailure(error),
    );
  }

  /** Ends a process with a signal, and waits for its end. */
  async end(name, signal) {
    const process = this.#running.get(name);
    if (process === undefined) return;
    process.isStopping = true;
    process.child.kill(signal);
    const timer = setTimeout(() => process.child.kill('SIGKILL'), STOP_WITHIN_MS);
    await process.ended;
    clearTimeout(timer);
  }

  /** Ends all processes, the last one first, and deletes the folder. */
  async close() {
    const names = [...this.#running.keys()].reverse();
    await Promise.all(names.map((name) => this.end(name, 'SIGTERM')));
    this.#guard.stdin.end();
    await once(this.#guard, 'exit');
  }
}
