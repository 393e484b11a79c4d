import type { Call } from '../command.js';
import { commit, inWords, timeOf } from '../commit.js';
import { EXIT, type ExitCode } from '../exit.js';
import { withCommitting } from '../folder-session.js';

export async function run(call: Call): Promise<ExitCode> {
  const timestamp = timeOf(call);
  const committed = await withCommitting(call, (api) => commit(api, call, timestamp));
  if (call.isJson) call.out.json(committed);
  else call.out.line(inWords(committed));
  return EXIT.ok;
}
