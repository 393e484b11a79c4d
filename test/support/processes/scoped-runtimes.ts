import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../browsers/find-program.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A runtime whose program may read this package and read and write one folder, and no more: not the folder above, not `/proc`. */
export interface ScopedRuntime {
  readonly name: string;
  /** The command that runs a script, which is appended. Absent where the runtime isn't installed. */
  readonly command: ((folder: string) => readonly string[]) | undefined;
}

const MODEL = '--permission';
const permission = process.allowedNodeEnvironmentFlags.has(MODEL) ? MODEL : '--experimental-permission';
const deno = findDeno();

export const SCOPED_RUNTIMES: readonly ScopedRuntime[] = [
  {
    name: 'Node with its permission model',
    command: (folder) => [
      process.execPath,
      '--no-warnings',
      permission,
      `--allow-fs-read=${ROOT}`,
      `--allow-fs-read=${folder}/`,
      `--allow-fs-write=${folder}/`,
    ],
  },
  {
    name: 'Deno',
    command:
      deno === undefined
        ? undefined
        : (folder) => [
            deno,
            'run',
            '--no-prompt',
            '--allow-net=127.0.0.1',
            '--allow-run',
            `--allow-read=${ROOT},${folder}`,
            `--allow-write=${folder}`,
          ],
  },
];

/** Among the programs of this machine, or where the suite for all runtimes has fetched it. */
function findDeno(): string | undefined {
  const fetched = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nikdev-iot-runtimes');
  const folders = existsSync(fetched) ? readdirSync(fetched) : [];
  return findProgram(
    'deno',
    ...folders.map((folder) => join(fetched, folder, 'node_modules/@deno/linux-x64-glibc/deno')),
  );
}
