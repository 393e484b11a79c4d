import type { Api, FieldValue } from '../../index.js';
import { type Call, textOf } from '../command.js';
import { namesOf, readingRow } from '../entry-text.js';
import { EXIT, type ExitCode } from '../exit.js';
import { parseDuration } from '../option-values.js';
import { failureOf, isTransient } from '../report.js';
import { withServer } from '../session.js';
import { END_SIGNALS } from '../signals.js';

export async function run(call: Call): Promise<ExitCode> {
  const everySeconds = parseDuration(textOf(call, 'every') ?? '10s', '--every', 1);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  // Before the library is loaded, which takes most of the time of a start.
  for (const signal of END_SIGNALS) process.once(signal, end);
  // Nobody reads further values.
  process.stdout.once('error', end);
  try {
    await withServer(call, (api) => watch(api, call, { everySeconds, signal: ending.signal }));
    return EXIT.ok;
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, end);
    process.stdout.off('error', end);
  }
}

async function watch(
  api: Api,
  call: Call,
  options: { readonly everySeconds: number; readonly signal: AbortSignal },
): Promise<void> {
  // A refusal ends the watch, and is reported at its end.
  api.on('read-error', (error) => {
    if (isTransient(error)) call.err.line(failureOf(error).message, 'warn');
  });
  const names = namesOf(call);
  // Values only: the time of a reading that did not change varies by a second.
  const shown = new Map<string, FieldValue | null>();
  for await (const readings of api.watch(call.args, options))
    for (const reading of readings) {
      if (shown.get(reading.fieldId) === reading.value) continue;
      shown.set(reading.fieldId, reading.value);
      if (call.isJson) call.out.json(reading);
      else call.out.line(readingRow(reading, names).reverse().join('  '));
    }
}
