import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { main } from '../../../src/cli/main.js';
import type { Emulator } from '../../../src/emulator.js';
import { API_KEY, DEVICE_ID } from '../builders/credentials.js';
import { serveEmulator } from '../servers/emulator.js';

/** The built command. */
export const COMMAND = fileURLToPath(new URL('../../../dist/cli/cli.cjs', import.meta.url));

/** The end of a call. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Variables with which no `init` is needed. */
export const environmentFor = (baseUrl: string): Record<string, string> => ({
  NIKDEV_DEVICE_ID: DEVICE_ID,
  NIKDEV_API_KEY: API_KEY,
  NIKDEV_URL: baseUrl,
});

/** An emulator over HTTP, and the variables with which the command uses it. */
export async function commandServer(): Promise<{ emulator: Emulator; env: Record<string, string> }> {
  const { emulator, options } = await serveEmulator();
  return { emulator, env: environmentFor(options.baseUrl) };
}

/** Runs the command's source in this process, as a call in `folder` would. */
export async function call(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write(text: string): boolean {
      written[name] += text;
      return true;
    },
  });
  const own = { env: { ...env }, stdout: stream('stdout'), stderr: stream('stderr'), cwd: () => folder };
  const code = await main(args, own as unknown as NodeJS.Process);
  return { code, ...written };
}

/** A call in a process of its own. */
export interface CommandProcess {
  readonly pid: number;
  readonly stdin: NodeJS.WritableStream;
  /** The text of standard output and standard error so far. */
  readonly written: { readonly stdout: string; readonly stderr: string };
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<CommandResult>;
}

/** Starts the built command in a process. */
export function start(folder: string, args: readonly string[], env: Record<string, string> = {}): CommandProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: { PATH, HOME, ...env } });
  const written = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text;
  });
  // A call that ends before it has read everything.
  child.stdin.on('error', () => {});
  return {
    pid: child.pid ?? -1,
    stdin: child.stdin,
    written,
    kill: (signal) => void child.kill(signal),
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...written })),
  };
}

/** Runs the built command in a process, to its end. */
export async function run(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<CommandResult> {
  const process = start(folder, args, env);
  process.stdin.end(input);
  return process.ended;
}
