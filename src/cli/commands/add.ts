import { own } from '../../core/model/input.js';
import type { Api } from '../../index.js';
import type { Call } from '../command.js';
import { type Committed, commit, inWords, timeOf } from '../commit.js';
import { EXIT, type ExitCode, isNotSaved, usage } from '../exit.js';
import { withCommitting } from '../folder-session.js';
import { pushFolder, pushForRoom } from '../push-folder.js';
import { parsePair } from '../values.js';

export async function run(call: Call): Promise<ExitCode> {
  const { args, options, out, isJson } = call;
  const pairs = args.map(parsePair);
  const isCommitted = options['commit'] === true;
  const isPushed = options['push'] === true;
  if (isPushed && !isCommitted) throw usage('-p pushes what is committed', 'Use -cp to commit and push.');
  const timestamp = timeOf(call);
  if (timestamp !== undefined && !isCommitted) throw usage('-t is the time of a commit', 'Use -c as well.');
  const commitStaged = (api: Api): Committed => commit(api, call, timestamp);
  const add = (api: Api): Committed => {
    // Without a prototype: a field may be named `__proto__`.
    api.addValues(own(Object.fromEntries(pairs)));
    return isCommitted ? commitStaged(api) : { staged: api.status().staged };
  };
  if (isPushed) return addAndPush(call, add, commitStaged);
  const added = await withCommitting(call, add);
  if (isJson) out.json(added);
  else out.line(inWords(added));
  return EXIT.ok;
}

type Step = (api: Api) => Committed;

/** Where the queue or the disk is full, pushes to make room, then commits. */
async function addAndPush(call: Call, add: Step, commitStaged: Step): Promise<ExitCode> {
  let next = add;
  try {
    return await pushFolder(call, { committed: await withCommitting(call, add) });
  } catch (error) {
    if (!isNotSaved(error) || !error.isFull) throw error;
    // Another call may have committed them meanwhile.
    if (error.isStaged) next = commitStaged;
  }
  const pushed = await pushForRoom(call);
  return pushFolder(call, { committed: await withCommitting(call, next), pushed });
}
