import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { encodeValues, utf8Length } from '../../../src/core/model/values-json.js';
import { planCompaction } from '../../../src/storage/shared/journal/compaction.js';
import {
  encodeEntry,
  encodeQuarantined,
  encodeRemoved,
  encodeStaged,
  encodeWriter,
} from '../../../src/storage/shared/journal/record.js';
import { readJournal } from '../../support/builders/journal-bytes.js';
import { destination } from '../../support/builders/stored-entry.js';

const WRITERS = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'] as const;
const writer = fc.constantFrom(...WRITERS);
const key = ({ writer, sequence }: Pick<StoredEntry, 'writer' | 'sequence'>): string => `${writer} ${sequence}`;

type Piece =
  | { readonly kind: 'entry'; readonly writer: string; readonly value: string; readonly forgets: boolean }
  | { readonly kind: 'removed'; readonly writer: string; readonly sequence: number }
  | { readonly kind: 'quarantined'; readonly writer: string; readonly sequence: number }
  | { readonly kind: 'staged'; readonly writer: string; readonly value: string }
  | { readonly kind: 'unreadable'; readonly text: string };

const piece: fc.Arbitrary<Piece> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('entry' as const),
      writer,
      value: fc.string({ unit: 'grapheme', maxLength: 30 }),
      forgets: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('removed' as const), writer, sequence: fc.nat({ max: 9 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('quarantined' as const), writer, sequence: fc.nat({ max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('staged' as const), writer, value: fc.string() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('unreadable' as const),
      text: fc.constantFrom('1 00000000 E torn', 'x', '2 0 Z new'),
    }),
  },
);

/** A journal's bytes, and the entries that it holds. */
function journalOf(pieces: readonly Piece[]): Buffer {
  const sequences = new Map<string, number>();
  let text = WRITERS.map((one) => encodeWriter(one, destination)).join('');
  for (const one of pieces) {
    if (one.kind === 'unreadable') text += `\n${one.text}\n`;
    if (one.kind === 'removed') text += encodeRemoved(one.writer, [[one.sequence, one.sequence]]);
    if (one.kind === 'quarantined') text += encodeQuarantined(one.writer, one.sequence, { status: 400, reason: 'no' });
    if (one.kind === 'staged') text += encodeStaged(one.writer, 1, [{ fieldId: 'a', value: one.value }]);
    if (one.kind !== 'entry') continue;
    const sequence = (sequences.get(one.writer) ?? 0) + 1;
    sequences.set(one.writer, sequence);
    const values = encodeValues([{ fieldId: 'a', value: one.value }]);
    const entry = { writer: one.writer, sequence, timestamp: 1, values, bytes: utf8Length(values) };
    text += encodeEntry(entry, one.forgets ? 'C' : 'E');
  }
  return Buffer.from(text);
}

const asCommitted = ({ rejection: _rejection, ...entry }: StoredEntry): StoredEntry => entry;

function entriesOf(bytes: Buffer): StoredEntry[] {
  return [...readJournal(bytes).entries.values()].flat();
}

describe('compacting a journal in place', () => {
  const setting = fc.record({
    pieces: fc.array(piece, { maxLength: 30 }),
    kept: fc.array(fc.boolean(), { maxLength: 60 }),
  });

  /** Whether an entry of it is wanted. */
  function plan({ pieces, kept }: { pieces: readonly Piece[]; kept: readonly boolean[] }) {
    const before = journalOf(pieces);
    const wanted = entriesOf(before).filter((_, index) => kept[index] ?? false);
    const keys = new Set(wanted.map(key));
    const isWanted = (of: string, sequence?: number): boolean =>
      sequence === undefined ? wanted.some((one) => one.writer === of) : keys.has(key({ writer: of, sequence }));
    return { before, wanted, erasure: planCompaction(before, isWanted) };
  }

  test('leaves what is wanted, in the order of its commits, with its destination, and nothing else of ours', () => {
    fc.assert(
      fc.property(setting, (given) => {
        const { before, wanted, erasure } = plan(given);
        const after = Buffer.from(before);
        for (const { position, bytes } of erasure.writes) after.set(bytes, position);
        const { logs, entries, unreadableLines } = readJournal(after.subarray(0, erasure.length));
        for (const one of WRITERS) {
          const ofOne = wanted.filter((entry) => entry.writer === one);
          expect(entries.get(one) ?? []).toEqual(ofOne);
          if (ofOne.length > 0) expect(logs.get(one)?.destination).toEqual(destination);
          expect(logs.get(one)?.staged).toBeUndefined();
        }
        expect(unreadableLines).toEqual(readJournal(before).unreadableLines);
      }),
    );
  });

  test('never writes beyond the end, and cuts off as much as it overwrote, to within a record', () => {
    fc.assert(
      fc.property(setting, (given) => {
        const { before, wanted, erasure } = plan(given);
        for (const { position, bytes } of erasure.writes)
          expect(position + bytes.length).toBeLessThanOrEqual(before.length);
        expect(erasure.length).toBeLessThanOrEqual(before.length);
        if (given.pieces.some(({ kind }) => kind === 'unreadable')) return;
        const sizes = wanted.map((entry) => Buffer.byteLength(encodeEntry(entry)));
        const destinations = 2 * encodeWriter(WRITERS[0], destination).length;
        const live = sizes.reduce((sum, size) => sum + size, destinations);
        // A gap that no record fits into stays one.
        expect(erasure.length).toBeLessThanOrEqual(2 * live + Math.max(0, ...sizes));
      }),
    );
  });

  test('loses nothing that is wanted, wherever a crash cuts it short', () => {
    fc.assert(
      fc.property(setting, fc.nat(), (given, dice) => {
        const { before, wanted, erasure } = plan(given);
        const after = Buffer.from(before);
        const total = erasure.writes.reduce((sum, { bytes }) => sum + bytes.length, 0);
        let left = dice % (total + 1);
        for (const { position, bytes } of erasure.writes) {
          after.set(bytes.subarray(0, left), position);
          left = Math.max(0, left - bytes.length);
        }
        const found = new Map(entriesOf(after).map((entry) => [key(entry), entry]));
        for (const entry of wanted) expect(found.get(key(entry))).toEqual(entry);
        // Removed entries may come back, as if they were not forgotten yet; whether such an entry was in quarantine is not kept.
        for (const entry of found.values())
          expect(entriesOf(before).map(asCommitted)).toContainEqual(asCommitted(entry));
      }),
    );
  });
});
