import type { StoredEntry } from '../core/entry.js';
import {
  encodeEntry,
  encodeQuarantined,
  encodeRemoved,
  encodeStaged,
  encodeWriter,
  type Shelf,
} from './file-record.js';

/** What is left of shelves where no entry is wanted: staged values. */
export function stagedOf(shelves: ReadonlyMap<string, Shelf>): Map<string, Shelf> {
  return new Map([...shelves].map(([writer, shelf]) => [writer, { ...shelf, entries: new Map() }]));
}

/** A journal's text with what is wanted alone. */
export function textOf(shelves: ReadonlyMap<string, Shelf>): string {
  let text = '';
  for (const [writer, { binding, entries, staged }] of shelves) {
    if (entries.size === 0 && staged === undefined) continue;
    if (binding) text += encodeWriter(writer, binding);
    for (const entry of entries.values()) text += encodeEntry(entry, false) + quarantineNote(entry);
    if (staged) text += encodeStaged(writer, staged.run, staged.values);
  }
  return text;
}

/** Records that tell that nothing on shelves is wanted. */
export function doneWith(shelves: ReadonlyMap<string, Shelf>): string {
  return Array.from(shelves.values(), ({ writer, entries, staged }) => {
    const sequences = [...entries.keys()];
    const removed = sequences.length > 0 ? encodeRemoved(writer, [[sequences[0] ?? 0, sequences.at(-1) ?? 0]]) : '';
    return removed + (staged ? encodeStaged(writer, staged.run, []) : '');
  }).join('');
}

/** The record that tells that an entry is in quarantine, where it is. */
export const quarantineNote = ({ writer, sequence, refusal }: StoredEntry): string =>
  refusal === undefined ? '' : encodeQuarantined(writer, sequence, refusal);
