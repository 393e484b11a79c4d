import type { Api } from '../index.js';
import { type Call, textOf } from './command.js';
import { parseCount } from './option-values.js';
import type { Printer } from './output.js';
import { plural } from './words.js';

/** The result of a commit, for programs. */
export interface Committed {
  readonly staged?: number;
  readonly id?: string;
  readonly timestamp?: number;
  readonly values?: number;
  /** Values that were left out, as they are within their dead band. */
  readonly suppressed?: number;
  /** Entries that left undelivered, as the configuration says: they were too old, or too many. */
  readonly discarded?: number;
}

/** Commits, and shows what left undelivered. */
export function commit(api: Api, { err }: Pick<Call, 'err'>, timestamp: number | undefined): Committed {
  const discards = countDiscards(api, err);
  const entry = api.commit(timestamp === undefined ? {} : { timestamp });
  discards.stop();
  const { suppressed } = api.status();
  return {
    ...(suppressed > 0 && { suppressed }),
    ...(entry !== undefined && { id: entry.id, timestamp: entry.timestamp, values: entry.values.length }),
    ...(discards.count > 0 && { discarded: discards.count }),
  };
}

/** Shows entries that leave undelivered, and counts them. */
export function countDiscards(api: Api, err: Pick<Printer, 'line'>) {
  const counter = {
    count: 0,
    stop: api.on('discard', ({ entries, message }) => {
      counter.count += entries.length;
      err.line(`${plural(entries.length, 'entry', 'entries')} discarded: ${message}`, 'warn');
    }),
  };
  return counter as { readonly count: number; readonly stop: () => void };
}

/** The option `-t`. */
export function timeOf(call: Call): number | undefined {
  const text = textOf(call, 'time');
  return text === undefined ? undefined : parseCount(text, '-t', { min: 0, max: 99_999_999_999 });
}

export function inWords({ staged, id, values = 0, suppressed = 0 }: Committed): string {
  if (staged !== undefined) return `${plural(staged, 'value')} staged.`;
  if (id !== undefined) return `Committed ${plural(values, 'value')} as ${id}.`;
  return suppressed > 0
    ? `Nothing to commit: ${plural(suppressed, 'value')} within the dead band.`
    : 'Nothing to commit.';
}
