import type { Call } from '../command.js';
import { namesOf, readingRow } from '../entry-text.js';
import { EXIT, type ExitCode } from '../exit.js';
import { withServer } from '../session.js';

export const run = (call: Call): Promise<ExitCode> =>
  withServer(call, async (api) => {
    const readings = await api.get(call.args);
    if (call.isJson) call.out.json(readings);
    else {
      const names = namesOf(call);
      call.out.table(readings.map((reading) => readingRow(reading, names)));
    }
    return EXIT.ok;
  });
