import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The time within which a child must end after SIGTERM. */
const STOP_WITHIN_MS = 20_000;

/** A Node process under test. */
export interface NodeProcess {
  readonly pid: number;
  /** The lines printed so far, on either stream. */
  readonly lines: readonly string[];
  /** Waits for a line, and returns the match. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Calls `listener` with each line from now on, as it arrives. */
  hear(listener: (line: string) => void): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once it has ended and all it printed has arrived. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Makes sure that it has ended. */
  stop(): Promise<void>;
}

/** Runs a script of this repository. @param within - A command, with its arguments, that runs Node in turn. */
export function runNode(
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
  within: readonly string[] = [],
): NodeProcess {
  const [command = '', ...rest] = [...within, process.execPath, script, ...args];
  const child = spawn(command, rest, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const listeners: ((line: string) => void)[] = [(line) => lines.push(line)];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      for (const listener of listeners) listener(line);
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    pid: child.pid ?? -1,
    lines,
    line: (pattern) =>
      vi.waitFor(
        () => {
          const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
          if (!found) throw new Error(`no line like ${pattern} in:\n${lines.join('\n')}`);
          return found;
        },
        { timeout: 20_000 },
      ),
    hear: (listener) => void listeners.push(listener),
    kill: (signal) => void child.kill(signal),
    ended,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Whether a process still runs. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
