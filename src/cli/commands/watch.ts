import type { Reading } from '../../index.js';
import { type Call, textOf } from '../command.js';
import { readingRow } from '../entry-text.js';
import { EXIT, type ExitCode } from '../exit.js';
import { withServer } from '../session.js';
import { parseDuration } from '../values.js';

export async function run(call: Call): Promise<ExitCode> {
  const everySeconds = Math.max(1, parseDuration(textOf(call, 'every') ?? '10s', '--every'));
  return withServer(call, async (api) => {
    const ending = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
    let shown = new Map<string, string>();
    for await (const readings of api.watch(call.args, { everySeconds, signal: ending.signal })) {
      const next = new Map(readings.map((reading) => [reading.fieldId, JSON.stringify(reading)]));
      for (const reading of readings) if (shown.get(reading.fieldId) !== next.get(reading.fieldId)) show(reading, call);
      shown = next;
    }
    return EXIT.ok;
  });
}

function show(reading: Reading, call: Call): void {
  if (call.isJson) call.out.json(reading);
  else call.out.line(readingRow(reading, call).reverse().join('  '));
}
