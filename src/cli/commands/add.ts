import { own } from '../../core/model/input.js';
import type { Api } from '../../index.js';
import type { Call } from '../command.js';
import { type Committed, commit, inWords, timeOf } from '../commit.js';
import { EXIT, type ExitCode, isNotSaved, type NotSavedException, usage } from '../exit.js';
import { withCommitting } from '../folder-session.js';
import { parsePair } from '../input-line.js';
import { pushFolder, pushForRoom, type Sums } from '../push-folder.js';
import { failureOf } from '../report.js';

export async function run(call: Call): Promise<ExitCode> {
  const { args, options, out, isJson } = call;
  const pairs = args.map(parsePair);
  const isCommitted = options['commit'] === true;
  const isPushed = options['push'] === true;
  if (isPushed && !isCommitted) throw usage('-p pushes what is committed', 'Use -cp to commit and push.');
  const timestamp = timeOf(call);
  if (timestamp !== undefined && !isCommitted) throw usage('-t is the time of a commit', 'Use -c as well.');
  const addAt = (time: number | undefined) => (api: Api) => {
    // Without a prototype: a field may be named `__proto__`.
    api.addValues(own(Object.fromEntries(pairs)));
    return isCommitted ? commit(api, call, time) : { staged: api.status().staged };
  };
  if (isPushed) return addAndPush(call, addAt, timestamp);
  const added = await withCommitting(call, addAt(timestamp));
  if (isJson) out.json(added);
  else out.line(inWords(added));
  return EXIT.ok;
}

/** In 2001, in Unix seconds: devices without a battery start in 1970. */
const CLOCK_IS_SET = 1_000_000_000;

/** Makes a step that adds the values, and commits them with a time. */
type AddAt = (time: number | undefined) => (api: Api) => Committed;

/** Where the queue or the disk is full, pushes to free space, then adds again: another call may have replaced the staged values. */
async function addAndPush(call: Call, addAt: AddAt, timestamp: number | undefined): Promise<ExitCode> {
  const now = Math.floor(Date.now() / 1000);
  let refusal: NotSavedException;
  try {
    return await pushFolder(call, { committed: await withCommitting(call, addAt(timestamp)) });
  } catch (error) {
    if (!isNotSaved(error) || !error.isFull) throw error;
    refusal = error;
  }
  const pushed = await makeRoom(call, refusal);
  // The push may have taken minutes. A clock that was never set gives no time: it may be corrected later.
  const committed = await withCommitting(call, addAt(timestamp ?? (now > CLOCK_IS_SET ? now : undefined)));
  return pushFolder(call, { committed, pushed });
}

/** @throws `refusal` if there can be no push, as another process pushes. */
async function makeRoom(call: Call, refusal: NotSavedException): Promise<Sums> {
  try {
    return await pushForRoom(call);
  } catch (error) {
    call.err.line(`nikdev-iot: ${failureOf(error).message}`, 'warn');
    throw refusal;
  }
}
