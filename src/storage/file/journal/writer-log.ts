import type { StoredEntry } from '../../../core/model/entry.js';
import type { WriterLog } from './contents.js';
import { encodeEntry, encodeQuarantined, encodeRemoved, encodeStaged, encodeWriter } from './record.js';

/** How much of a journal's text is made at once. */
const PIECE_LENGTH = 64 * 1024;

/** By writer, what is written of it beside its entries. */
export type WriterHeads = ReadonlyMap<string, Pick<WriterLog, 'binding' | 'staged'>>;

/**
 * A journal's text with what is wanted alone, in pieces.
 *
 * @param logs - Of all writers of `entries`: `binding` and `staged` are written, too.
 */
export function* textOf(logs: WriterHeads, entries: Iterable<StoredEntry>): Generator<string, undefined> {
  let text = '';
  const registered = new Set<string>();
  const register = (writer: string): string => {
    const binding = registered.has(writer) ? undefined : logs.get(writer)?.binding;
    registered.add(writer);
    return binding === undefined ? '' : encodeWriter(writer, binding);
  };
  for (const entry of entries) {
    text += register(entry.writer) + encodeEntry(entry, false) + encodeQuarantineOf(entry);
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = '';
  }
  for (const [writer, { staged }] of logs) {
    if (staged) text += register(writer) + encodeStaged(writer, staged.run, staged.values);
  }
  if (text !== '') yield text;
}

/** Records that tell that nothing of writers is wanted. */
export function encodeTombstone(logs: ReadonlyMap<string, WriterLog>): string {
  return Array.from(logs.values(), ({ writer, sequences: { ranges }, staged }) => {
    const removed = ranges.length > 0 ? encodeRemoved(writer, [[ranges[0]?.[0] ?? 0, ranges.at(-1)?.[1] ?? 0]]) : '';
    return removed + (staged ? encodeStaged(writer, staged.run, []) : '');
  }).join('');
}

/** The record that tells that an entry is in quarantine, where it is. */
export const encodeQuarantineOf = ({ writer, sequence, refusal }: StoredEntry): string =>
  refusal === undefined ? '' : encodeQuarantined(writer, sequence, refusal);
