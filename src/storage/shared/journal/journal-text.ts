import type { StoredEntry } from '../../../core/model/entry.js';
import type { WriterLog } from './contents.js';
import { encodeEntry, encodeQuarantined, encodeRemoved, encodeStaged, encodeWriter } from './record.js';

/** The length of the pieces of a text, in UTF-16 units. */
const PIECE_LENGTH = 64 * 1024;

/** The destination and staged values of writers, by writer id. */
export type WriterHeads = ReadonlyMap<string, Pick<WriterLog, 'destination' | 'staged'>>;

/**
 * Makes the text of a journal from its live records, in pieces.
 *
 * @param heads - Of all writers of `entries`.
 */
export function* journalText(heads: WriterHeads, entries: Iterable<StoredEntry>): Generator<string, undefined> {
  let text = '';
  const registered = new Set<string>();
  const register = (writer: string): string => {
    const destination = registered.has(writer) ? undefined : heads.get(writer)?.destination;
    registered.add(writer);
    return destination === undefined ? '' : encodeWriter(writer, destination);
  };
  for (const entry of entries) {
    text += register(entry.writer) + encodeEntry(entry) + quarantineRecord(entry);
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = '';
  }
  for (const [writer, { staged }] of heads) {
    if (staged) text += register(writer) + encodeStaged(writer, staged.run, staged.values);
  }
  if (text !== '') yield text;
}

/** Makes records that remove the entries and staged values of writers. */
export function encodeTombstone(logs: ReadonlyMap<string, WriterLog>): string {
  return Array.from(logs.values(), ({ writer, sequences: { ranges }, staged }) => {
    const removed = ranges.length > 0 ? encodeRemoved(writer, [[ranges[0]?.[0] ?? 0, ranges.at(-1)?.[1] ?? 0]]) : '';
    return removed + (staged ? encodeStaged(writer, staged.run, []) : '');
  }).join('');
}

/** @returns Empty for an entry that is not in quarantine. */
export const quarantineRecord = ({ writer, sequence, rejection }: StoredEntry): string =>
  rejection === undefined ? '' : encodeQuarantined(writer, sequence, rejection);
