import type { Call } from '../command.js';
import type { ExitCode } from '../exit.js';
import { pushFolder } from '../push-folder.js';

export const run = (call: Call): Promise<ExitCode> => pushFolder(call);
