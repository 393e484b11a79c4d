import { type Call, textOf } from '../command.js';
import { namesOf, rowOf } from '../entry-text.js';
import { EXIT, type ExitCode } from '../exit.js';
import { withReading } from '../folder-session.js';
import { parseCount } from '../option-values.js';

export async function run(call: Call): Promise<ExitCode> {
  const text = textOf(call, 'number');
  const count = text === undefined ? Number.POSITIVE_INFINITY : parseCount(text, '-n');
  const names = namesOf(call);
  return withReading(call, ({ api }) => {
    const entries = api.log().reverse().slice(0, count);
    if (call.isJson) for (const entry of entries) call.out.json(entry);
    else if (entries.length === 0) call.out.line('The queue is empty.');
    else call.out.table(entries.map((entry) => rowOf(entry, names)));
    return EXIT.ok;
  });
}
