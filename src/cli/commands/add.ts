import { own } from '../../core/model/input.js';
import type { Call } from '../command.js';
import { commit, inWords, timeOf } from '../commit.js';
import { EXIT, type ExitCode, usage } from '../exit.js';
import { withCommitting } from '../folder-session.js';
import { pushFolder } from '../push-folder.js';
import { parsePair } from '../values.js';

export async function run(call: Call): Promise<ExitCode> {
  const { args, options, out, isJson } = call;
  const pairs = args.map(parsePair);
  const isCommitted = options['commit'] === true;
  const isPushed = options['push'] === true;
  if (isPushed && !isCommitted) throw usage('-p pushes what is committed', 'Use -cp to commit and push.');
  const timestamp = timeOf(call);
  if (timestamp !== undefined && !isCommitted) throw usage('-t is the time of a commit', 'Use -c as well.');
  const staged = await withCommitting(call, (api) => {
    // Without a prototype: a field may be named `__proto__`.
    api.addValues(own(Object.fromEntries(pairs)));
    return isCommitted ? commit(api, call, timestamp) : { staged: api.status().staged };
  });
  if (isPushed) return pushFolder(call, staged);
  if (isJson) out.json(staged);
  else out.line(inWords(staged));
  return EXIT.ok;
}
