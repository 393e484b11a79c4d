import type { Call } from '../command.js';
import { EXIT, type ExitCode } from '../exit.js';
import type { Style } from '../output.js';
import { withServer } from '../session.js';
import { inShellWords } from '../shell-words.js';

export const run = (call: Call): Promise<ExitCode> =>
  withServer(call, async (api) => {
    const found = await api.testConnection();
    const test = { ...found, advice: inShellWords(found.advice) };
    if (call.isJson) call.out.json(test);
    else {
      const rows: [name: string, result: boolean | undefined][] = [
        ['server reachable', test.reachable],
        ['credentials accepted', test.credentials],
        ['may read', test.canRead],
        ['may write', test.canWrite],
      ];
      call.out.table(
        rows.map(([name, result]) => [MARKS[String(result)]?.[0] ?? '', name]),
        (row) => MARKS[String(rows[row]?.[1])]?.[1],
      );
      if (test.latencyMilliseconds !== undefined) call.out.line(`      answers in ${test.latencyMilliseconds} ms`);
      call.out.line(test.advice);
    }
    if (!test.reachable) return EXIT.temporary;
    return test.canRead === true && test.canWrite === true ? EXIT.ok : EXIT.refused;
  });

const MARKS: Readonly<Record<string, readonly [mark: string, style: Style]>> = {
  true: ['ok', 'good'],
  false: ['no', 'bad'],
  undefined: ['?', 'warn'],
};
