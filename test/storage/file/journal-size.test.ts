import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { adoptAtStart, countingCalls, journalFolder } from '../../support/fakes/journal-folder.js';

describe('the size of a journal', () => {
  test('is 0 once all entries are removed', () => {
    const { open, journal } = journalFolder();
    const writer = open();
    for (let round = 1; round < 100; round++) {
      writer.save(entryOf(writer, round), { clearsStaged: false });
      writer.remove([entryOf(writer, round)]);
      expect(fs.statSync(journal()).size).toBe(0);
    }
  });

  test('stays within 64 KiB and twice the bytes that are queued, whatever is removed', () => {
    const { open, journal } = journalFolder();
    const writer = open(undefined, { durability: 'process' });
    const queued = new Map<number, StoredEntry>();
    let next = 1;
    for (let round = 0; round < 400; round++) {
      for (let count = 0; count < 10; count++, next++) {
        const entry = entryOf(writer, next, 'x'.repeat(100));
        writer.save(entry, { clearsStaged: false });
        queued.set(next, entry);
      }
      // Every other one stays for long: the file can't just be emptied.
      const done = [...queued.values()].filter(({ sequence }) => sequence % 7 !== 0 || sequence < next - 300);
      writer.remove(done);
      for (const { sequence } of done) queued.delete(sequence);
      const bytes = [...queued.values()].reduce((sum, { values }) => sum + values.length + 64, 0);
      expect(fs.statSync(journal()).size).toBeLessThanOrEqual(64 * 1024 + 2 * bytes);
    }
  });

  test('stays within 64 KiB and twice the bytes that are queued at every step, whatever is saved, staged, removed, adopted', {
    timeout: 60_000,
  }, async () => {
    const size = fc.integer({ min: 1, max: 20_000 });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('save' as const), size, isStaged: fc.boolean() }) },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('remove' as const),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('stage' as const), size }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const setting = journalFolder();
        let process = setting.machine.start();
        let writer = setting.open(process, { durability: 'process' });
        let [next, staged] = [1, 0];
        let queued: StoredEntry[] = [];
        for (const one of steps) {
          if (one.kind === 'save') {
            const entry = entryOf(writer, next++, 'x'.repeat(one.size));
            writer.save(entry, { clearsStaged: one.isStaged });
            queued.push(entry);
            if (one.isStaged) staged = 0;
          } else if (one.kind === 'remove') {
            const done = queued.filter((_, index) => (index * 0.618 + one.share) % 1 < one.share);
            writer.remove(done);
            queued = queued.filter((entry) => !done.includes(entry));
          } else if (one.kind === 'stage') {
            staged = one.size;
            writer.saveStaged([{ fieldId: 'a', value: 'y'.repeat(staged) }]);
          } else {
            process.kill();
            process = setting.machine.start();
            writer = setting.open(process, { durability: 'process' });
            const { entries } = await adoptAtStart(writer);
            expect(new Set(entries)).toEqual(new Set(queued));
            [next, staged, queued] = [1, 0, [...entries]];
          }
          const bytes = queued.reduce((sum, { values }) => sum + values.length + 64, 160);
          for (const name of setting.journals()) {
            const { size } = fs.statSync(join(setting.folder, name));
            expect(size).toBeLessThanOrEqual(64 * 1024 + 2 * bytes + staged);
          }
        }
        writer.close();
        fs.rmSync(setting.folder, { recursive: true });
      }),
      { numRuns: 100 },
    );
  });

  test('stays bounded while values are staged again and again', () => {
    const { open, journal } = journalFolder();
    const writer = open();
    for (let round = 0; round < 3000; round++) writer.saveStaged([{ fieldId: 'a', value: `${round}`.repeat(20) }]);
    expect(fs.statSync(journal()).size).toBeLessThanOrEqual(64 * 1024 + 1000);
  });

  test('is rewritten now and then, not at every removal, however short the values', () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const { counting, count } = countingCalls(process.fs, 'renameSync');
    const writer = setting.open({ ...process, fs: counting }, { durability: 'process' });
    for (let sequence = 1; sequence <= 10_000; sequence++)
      writer.save(entryOf(writer, sequence, 1), { clearsStaged: false });
    for (let sequence = 1; sequence < 10_000; sequence += 50) {
      writer.remove(Array.from({ length: 50 }, (_, index) => entryOf(writer, sequence + index, 1)));
      writer.saveStaged([{ fieldId: 'a', value: sequence }]);
    }
    expect(count()).toBeLessThan(20);
  });

  test('grows by one append per commit, whatever its number of values', () => {
    const setting = journalFolder();
    const process = setting.machine.start();
    const { counting, count } = countingCalls(process.fs, 'writeSync');
    const writer = setting.open({ ...process, fs: counting });
    for (let sequence = 1; sequence <= 10; sequence++)
      writer.save(entryOf(writer, sequence, 'x'.repeat(sequence * 1000)), { clearsStaged: false });
    expect(count()).toBe(10);
  });
});
