import type { Api } from '../index.js';
import { type Call, textOf } from './command.js';
import { parseCount } from './values.js';
import { plural } from './words.js';

/** The result of a commit, for programs. */
export interface Committed {
  readonly staged?: number;
  readonly id?: string;
  readonly timestamp?: number;
  readonly values?: number;
}

export function commit(api: Api, timestamp: number | undefined): Committed {
  const entry = api.commit(timestamp === undefined ? {} : { timestamp });
  return entry === undefined ? {} : { id: entry.id, timestamp: entry.timestamp, values: entry.values.length };
}

/** The option `-t`. */
export function timeOf(call: Call): number | undefined {
  const text = textOf(call, 'time');
  return text === undefined ? undefined : parseCount(text, '-t', { min: 0, max: 99_999_999_999 });
}

export function inWords({ staged, id, values = 0 }: Committed): string {
  if (staged !== undefined) return `${plural(staged, 'value')} staged.`;
  return id === undefined ? 'Nothing to commit.' : `Committed ${plural(values, 'value')} as ${id}.`;
}
