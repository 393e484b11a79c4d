import type { StoredEntry } from '../../../core/model/entry.js';
import { encodeEntry, encodeQuarantined, encodeRemoved, encodeStaged, encodeWriter, type WriterLog } from './record.js';

/** What is left of shelves where no entry is wanted: staged values. */
export function stagedOf(logs: ReadonlyMap<string, WriterLog>): Map<string, WriterLog> {
  return new Map([...logs].map(([writer, log]) => [writer, { ...log, entries: new Map() }]));
}

/** A journal's text with what is wanted alone. */
export function textOf(logs: ReadonlyMap<string, WriterLog>): string {
  let text = '';
  for (const [writer, { binding, entries, staged }] of logs) {
    if (entries.size === 0 && staged === undefined) continue;
    if (binding) text += encodeWriter(writer, binding);
    for (const entry of entries.values()) text += encodeEntry(entry, false) + encodeQuarantineOf(entry);
    if (staged) text += encodeStaged(writer, staged.run, staged.values);
  }
  return text;
}

/** Records that tell that nothing on shelves is wanted. */
export function encodeTombstone(logs: ReadonlyMap<string, WriterLog>): string {
  return Array.from(logs.values(), ({ writer, entries, staged }) => {
    const sequences = [...entries.keys()];
    const removed = sequences.length > 0 ? encodeRemoved(writer, [[sequences[0] ?? 0, sequences.at(-1) ?? 0]]) : '';
    return removed + (staged ? encodeStaged(writer, staged.run, []) : '');
  }).join('');
}

/** The record that tells that an entry is in quarantine, where it is. */
export const encodeQuarantineOf = ({ writer, sequence, refusal }: StoredEntry): string =>
  refusal === undefined ? '' : encodeQuarantined(writer, sequence, refusal);
