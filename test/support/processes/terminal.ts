import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';
import { COMMAND } from './command.js';

/** A shell line on a terminal. */
export interface Terminal {
  /** The shown text, raw. */
  readonly shown: () => string;
  /** Waits until it shows a text. */
  shows(text: string | RegExp): Promise<void>;
  /** Types. */
  type(text: string): void;
  /** Takes the terminal away from the processes on it. */
  unplug(): void;
  readonly ended: Promise<number | null>;
}

/** Runs a shell line on a pseudo-terminal, where `$nikdev` is the built command. */
export function onTerminal(folder: string, line: string, env: Record<string, string> = {}): Terminal {
  const { PATH = '', HOME = '' } = process.env;
  const nikdev = `${process.execPath} ${COMMAND}`;
  // Debian's essential package bsdutils has it.
  const child = spawn('script', ['-qefc', line.replaceAll('$nikdev', nikdev), '/dev/null'], {
    cwd: folder,
    env: { PATH, HOME, TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  return {
    shown: () => shown,
    shows: (text) =>
      vi.waitFor(
        () => {
          if (typeof text === 'string' ? !shown.includes(text) : !text.test(shown))
            throw new Error(`no ${text} in ${JSON.stringify(shown)}`);
        },
        { timeout: 20_000 },
      ),
    type: (text) => void child.stdin.write(text),
    unplug: () => void child.kill('SIGKILL'),
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}
