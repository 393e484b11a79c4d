import type { Status } from '../../index.js';
import type { Call } from '../command.js';
import type { Settings } from '../config/settings.js';
import { EXIT, type ExitCode } from '../exit.js';
import { type Session, withReading } from '../folder-session.js';
import type { Style } from '../output.js';
import { inShellWords } from '../shell-words.js';
import { plural, timeText } from '../words.js';

export const run = (call: Call): Promise<ExitCode> =>
  withReading(
    call,
    (session) => {
      const status = statusOf(session, call.settings());
      if (call.isJson) call.out.json(status);
      else show(call, session, status);
      return EXIT.ok;
    },
    // They are a part of the status.
    { showsWarnings: false },
  );

/** The status of an `Api`, with the pushes of earlier calls. */
function statusOf({ api, folder: { lastValues, pushState } }: Session, settings: Settings) {
  const status = api.status();
  const { lastPush, lastException } = pushState;
  const warnings = status.warnings.map(({ code, message }) => ({ code, message: inShellWords(message) }));
  const hasQueued = status.committed > 0;
  return {
    ...status,
    warnings,
    suppressed: lastValues.suppressed(settings.deviceId),
    lastPush,
    nextTry: hasQueued ? pushState.dueAt(settings) : undefined,
    lastException: hasQueued ? lastException : undefined,
  };
}

type ShownStatus = Omit<Status, 'lastException'> & Pick<ReturnType<typeof statusOf>, 'lastException'>;

function show({ out, settings }: Call, { api, folder }: Session, status: ShownStatus): void {
  const { deviceId, baseUrl } = settings();
  const rows: [name: string, text: string, style?: Style | undefined][] = [
    ['Device', `${deviceId} at ${baseUrl}`],
    ['Folder', folder.files.folder.path],
    ['Staged', plural(status.staged, 'value')],
    ['Queued', queued(status, api.log()[0]?.timestamp)],
    [
      'Quarantine',
      `${plural(status.quarantined, 'entry', 'entries')}${status.quarantined > 0 ? ': see nikdev-iot quarantine' : ''}`,
      status.quarantined > 0 ? 'warn' : undefined,
    ],
    [
      'Last push',
      status.lastPush
        ? `${plural(status.lastPush.entries, 'entry', 'entries')} at ${timeText(status.lastPush.at)}`
        : 'none',
    ],
  ];
  if (status.lastException) {
    rows.push(['Failed', status.lastException.message, 'bad'], ['To do', status.lastException.advice]);
    rows.push(['Next push', status.nextTry ? `not before ${timeText(status.nextTry)} (--now: at once)` : 'due']);
  }
  for (const { message } of status.warnings) rows.push(['Warning', message, 'warn']);
  out.table(
    rows.map(([name, text]) => [name, text]),
    (row) => rows[row]?.[2],
  );
}

function queued({ committed, bytes }: Pick<Status, 'committed' | 'bytes'>, oldest: number | undefined): string {
  const entries = plural(committed, 'entry', 'entries');
  return oldest === undefined ? entries : `${entries} since ${timeText(oldest)} (${plural(bytes, 'byte')})`;
}
