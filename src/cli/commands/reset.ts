import type { Call } from '../command.js';
import { EXIT, type ExitCode, usage } from '../exit.js';
import { withCommitting, withPushing } from '../folder-session.js';
import { plural } from '../words.js';

export async function run(call: Call): Promise<ExitCode> {
  const { options, isJson, out } = call;
  if (options['queue'] === true) return resetQueue(call);
  const values = await withCommitting(call, (api) => {
    const { staged } = api.status();
    api.reset();
    return staged;
  });
  if (isJson) out.json({ values });
  else out.line(`Removed ${plural(values, 'staged value')}.`);
  return EXIT.ok;
}

async function resetQueue(call: Call): Promise<ExitCode> {
  if (call.options['yes'] !== true) throw usage('this would delete the queued entries', 'Add --yes to do so.');
  const entries = await withPushing(call, async ({ api, folder }) => {
    const { committed } = api.status();
    api.resetUnpushedEntries();
    folder.pushState.removeFailure();
    folder.locked(() => folder.lastValues.remove());
    return committed;
  });
  if (call.isJson) call.out.json({ entries });
  else call.out.line(`Deleted ${plural(entries, 'entry', 'entries')}.`);
  return EXIT.ok;
}
