import type { Entry, Reading } from '../index.js';
import type { Call } from './command.js';
import { timeText } from './words.js';

/** Field names by id. */
export function namesOf(call: Call): ReadonlyMap<string, string> {
  const { fields = {} } = call.settings().options as { fields?: Record<string, string | { id: string }> };
  return new Map(Object.entries(fields).map(([name, field]) => [typeof field === 'string' ? field : field.id, name]));
}

export const rowOf = ({ id, timestamp, values }: Entry, names: ReadonlyMap<string, string>): string[] => [
  id,
  timeText(timestamp),
  values.map(({ fieldId, value }) => `${names.get(fieldId) ?? fieldId}=${valueText(value)}`).join(' '),
];

/** The value as it would be typed; text that would be parsed otherwise is quoted. */
export function valueText(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  const isPlain = /^[^\s"]+$/.test(value) && value !== 'true' && value !== 'false' && Number.isNaN(Number(value));
  return isPlain ? value : JSON.stringify(value);
}

/** The row of a reading. */
export function readingRow({ fieldId, value, timestamp }: Reading, names: ReadonlyMap<string, string>): string[] {
  const name = names.get(fieldId) ?? fieldId;
  return [`${name}=${value === null ? '' : valueText(value)}`, timestamp === null ? 'never' : timeText(timestamp)];
}
