import type { Entry } from '../model/entry.js';
import { EVENT_LEVELS, type Events, type LogLevel } from '../model/events.js';
import { show } from '../model/input.js';
import type { Value } from '../model/value.js';

/** Adds a listener to an event. @returns A function that removes it. */
export type Subscribe = <Name extends keyof Events>(
  name: Name,
  listener: (event: Events[Name]) => unknown,
) => () => void;

/**
 * Writes one line for each event from now on.
 *
 * @param how - `values`: whether lines hold the values of entries. The API key is in no event; a value that looks like it is
 * masked.
 * @returns A function that stops it.
 */
export function logEvents(
  subscribe: Subscribe,
  write: (line: string, level: LogLevel) => unknown,
  how: { readonly values?: boolean } = {},
): () => void {
  const names = Object.keys(EVENT_LEVELS) as (keyof Events)[];
  const undos = names.map((name) =>
    subscribe(name, (event: object) => {
      const isFailed = name === 'request' && (event as Events['request']).verdict !== 'stored';
      return write(lineOf(name, event, how.values), isFailed ? 'warn' : EVENT_LEVELS[name]);
    }),
  );
  return () => {
    for (const undo of undos) undo();
  };
}

/** @returns `nikdev-iot <event>`, then ` <property>=<value>` for each property; of an array its length. */
function lineOf(name: string, event: object, withValues: boolean | undefined): string {
  // The message of an exception is not enumerable.
  const { message } = event as { message?: string };
  const parts = Object.entries({ ...event, ...(message && { message }) }).flatMap(([property, value]) => [
    ...(value === undefined || value === '' ? [] : [`${property}=${textOf(value)}`]),
    ...(withValues && Array.isArray(value) ? valuesIn(value) : []),
  ]);
  return ['nikdev-iot', name, ...parts].join(' ');
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return String(value.length);
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  const text = String(value);
  return text.includes(' ') ? JSON.stringify(text) : text;
}

const valuesIn = (list: readonly (Entry | Value)[]): string[] =>
  list.flatMap((item) => ('values' in item ? valuesIn(item.values) : `${item.fieldId}=${show(item.value)}`));
