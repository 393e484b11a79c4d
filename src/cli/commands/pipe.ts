import type { Call } from '../command.js';
import { EXIT, type ExitCode } from '../exit.js';
export async function run(_call: Call): Promise<ExitCode> {
  return EXIT.ok;
}
