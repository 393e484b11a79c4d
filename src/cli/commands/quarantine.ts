import type { Api, QuarantinedEntry } from '../../index.js';
import type { Call } from '../command.js';
import { namesOf, rowOf } from '../entry-text.js';
import { EXIT, type ExitCode, usage } from '../exit.js';
import { withPushing, withReading } from '../folder-session.js';
import { plural } from '../words.js';

export async function run(call: Call): Promise<ExitCode> {
  const [action = 'list', ...ids] = call.args;
  switch (action) {
    case 'list':
    case 'show':
      if (action === 'show' && ids.length === 0) throw usage('quarantine show needs the id of an entry');
      return withReading(call, ({ api }) => list(call, chosen(api, ids), { isWhole: action === 'show' }));
    case 'restore':
      return withPushing(call, async ({ api }) => {
        const restored = api.restore(chosen(api, ids)).length;
        return done(call, { restored }, `Put back ${plural(restored, 'entry', 'entries')}: push them.`);
      });
    case 'drop':
      if (ids.length === 0 && call.options['yes'] !== true)
        throw usage('this would drop all entries in quarantine', 'Name entries, or add --yes.');
      return withPushing(call, async ({ api }) => {
        const dropped = api.dropQuarantined(chosen(api, ids).map(({ id }) => id));
        return done(call, { dropped }, `Dropped ${plural(dropped, 'entry', 'entries')}.`);
      });
    default:
      throw usage('the actions of quarantine are list, show, restore and drop');
  }
}

function chosen(api: Api, ids: readonly string[]): QuarantinedEntry[] {
  const entries = api.quarantined();
  const unknown = ids.find((id) => !entries.some((entry) => entry.id === id));
  if (unknown !== undefined) throw usage(`there is no entry ${JSON.stringify(unknown.slice(0, 60))} in quarantine`);
  return ids.length === 0 ? entries : entries.filter(({ id }) => ids.includes(id));
}

function list(call: Call, entries: readonly QuarantinedEntry[], { isWhole }: { isWhole: boolean }): ExitCode {
  const { isJson, out } = call;
  const names = namesOf(call);
  if (isJson) for (const entry of entries) out.json(entry);
  else if (entries.length === 0) out.line('Nothing is in quarantine.');
  else if (!isWhole) out.table(entries.map((entry) => [...rowOf(entry, names).slice(0, 2), entry.reason]));
  else
    for (const entry of entries)
      out.table([
        ...rowOf(entry, names).map((text, at) => [['Entry', 'Time', 'Values'][at] ?? '', text]),
        ['Reason', entry.reason],
      ]);
  return EXIT.ok;
}

function done({ isJson, out }: Call, result: object, text: string): ExitCode {
  if (isJson) out.json(result);
  else out.line(text);
  return EXIT.ok;
}
