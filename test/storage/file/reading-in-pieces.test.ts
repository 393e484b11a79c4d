import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Writer } from '../../../src/core/ports/storage.js';
import { fileStorage } from '../../../src/node.js';
import type { FilePlatform } from '../../../src/storage/file/journal/file-system.js';
import { encodeEntry } from '../../../src/storage/shared/journal/record.js';
import { linesIn, readJournal } from '../../support/builders/journal-bytes.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';

describe('a file that is read in pieces', () => {
  const bytes = fc
    .array(fc.constantFrom('\n', 'a', 'bc', 'å€😀', ' '), { maxLength: 40 })
    .map((texts) => Buffer.from(texts.join('')));
  const textsOf = (lines: ReturnType<typeof linesIn>): string[] =>
    Array.from(lines, ({ bytes: of, start, end }) => Buffer.from(of.subarray(start, end)).toString('latin1'));

  test('gives each line that is not empty once, in order, however much each read returns', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (file, most) => {
        const expected = file.toString('latin1').split('\n').filter(Boolean);
        expect(textsOf(linesIn(file, most))).toEqual(expected);
      }),
    );
  });

  test('gives lines that are longer than a piece', () => {
    const lines = [10, 300_000, 3, 1_000_000, 262_144, 262_143, 1].map((length, index) => `${index}`.repeat(length));
    expect(textsOf(linesIn(Buffer.from(lines.join('\n'))))).toEqual(lines);
  });

  test('holds the same records, wherever a piece ends', () => {
    const entry = { writer: 'a', timestamp: 1, values: '[{"a":"å€😀"}]', bytes: 19 };
    const journal = Buffer.from(
      Array.from({ length: 5 }, (_, index) => encodeEntry({ ...entry, sequence: index + 1 })).join(''),
    );
    const { entries } = readJournal(journal);
    expect(entries.get('a')).toHaveLength(5);
    for (let most = 1; most < journal.length; most++) expect(readJournal(journal, most).entries).toEqual(entries);
  });
});

describe('the adopted entries', () => {
  type Step =
    | { readonly do: 'save'; readonly writer: number; readonly count: number }
    | { readonly do: 'remove' | 'quarantine'; readonly places: readonly number[] };
  const places = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 12 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('save' as const),
        writer: fc.nat(5),
        count: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'quarantine' as const), places }) },
  );
  const rejection = { status: 400, reason: 'Bad request: 400' };
  const keyOf = ({ writer, sequence }: StoredEntry): string => `${writer} ${sequence}`;

  /** A process of which each read returns at most so many bytes. */
  function start(machine: FakeMachine, most: number): FilePlatform & { kill(): void } {
    const process = machine.start();
    const readSync = (fd: number, target: Buffer, offset: number, length: number, position: number): number =>
      process.fs.readSync(fd, target, offset, Math.min(length, most), position);
    return { ...process, fs: { ...process.fs, readSync: readSync as typeof process.fs.readSync } };
  }

  test('are all that were committed and are not done with, each once, in the order of their commits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 500 }),
        async (steps, journals, most) => {
          const [folder, machine, clock] = [temporaryFolder(), new FakeMachine(), new FakeClock()];
          const before = machine.start();
          const storages = Array.from({ length: journals }, () =>
            fileStorage(folder, { durability: 'process' }, before),
          );
          const writers = Array.from({ length: 6 }, (_, index) =>
            (storages[index % journals] as (typeof storages)[0]).open(destination, clock),
          );
          const sequences = new Map<Writer, number>();
          const held = new Map<string, StoredEntry>();
          const at = (indexes: readonly number[]): StoredEntry[] => {
            const all = [...held.values()];
            return [...new Set(indexes.map((index) => all[index % all.length]).filter((entry) => entry !== undefined))];
          };
          for (const one of steps) {
            if (one.do === 'save') {
              const writer = writers[one.writer] as Writer;
              for (let left = one.count; left > 0; left--) {
                const sequence = (sequences.get(writer) ?? 0) + 1;
                sequences.set(writer, sequence);
                const entry = entryOf(writer, sequence, 'å'.repeat(sequence * 7));
                writer.save(entry, { clearsStaged: false });
                held.set(keyOf(entry), entry);
              }
              continue;
            }
            const chosen = at(one.places);
            if (one.do === 'remove') for (const writer of writers) writer.remove(chosen);
            for (const entry of chosen) {
              if (one.do === 'remove') held.delete(keyOf(entry));
              else held.set(keyOf(entry), { ...entry, rejection });
            }
            if (one.do === 'quarantine') for (const writer of writers) writer.quarantine(at(one.places));
          }
          before.kill();
          const after = fileStorage(folder, { durability: 'process' }, start(machine, most));
          const { entries, warnings } = await after.open(destination, clock).adopt({ isFirst: true });
          expect(warnings).toEqual([]);
          expect(new Map(entries.map((entry) => [keyOf(entry), entry]))).toEqual(held);
          expect(entries).toHaveLength(held.size);
          for (const { id } of writers) {
            const own = entries.filter(({ writer }) => writer === id).map(({ sequence }) => sequence);
            expect(own).toEqual([...own].sort((first, second) => first - second));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
