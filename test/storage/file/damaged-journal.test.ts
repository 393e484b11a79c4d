import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Writer } from '../../../src/core/ports/storage.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { adoptAtStart, journalFolder, leaveJournal } from '../../support/fakes/journal-folder.js';

describe('a damaged journal', () => {
  test('F21 cut at every byte: whole records before the cut are read, and records appended after it too', {
    timeout: 120_000,
  }, async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const bytes = fs.readFileSync(setting.journal());
    const name = setting.journals()[0] ?? '';
    let most = 0;
    for (let length = 0; length <= bytes.length; length++) {
      fs.writeFileSync(join(setting.folder, name), bytes.subarray(0, length));
      const process = setting.machine.start();
      const next = setting.open(process, { durability: 'process' });
      const { entries } = await adoptAtStart(next);
      const numbers = entries.map(({ sequence }) => sequence);
      // In order, unaltered, and never fewer than a shorter cut gave, but for what a removal then took.
      expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
      for (const entry of entries)
        expect(entry.values).toBe(
          entryOf(next, entry.sequence, entry.sequence === 7 ? 7 : `ü${entry.sequence}`).values,
        );
      most = Math.max(most, numbers.length);
      if (entries.length > 0) {
        next.remove([entries[0] as StoredEntry]);
        process.kill();
        const last = setting.open(undefined, { durability: 'process' });
        expect((await adoptAtStart(last)).entries).toEqual(entries.slice(1));
        last.remove(entries);
        last.close();
      } else next.close();
      for (const file of fs.readdirSync(setting.folder)) fs.rmSync(join(setting.folder, file));
    }
    expect(most).toBe(6);
    expect(left).toHaveLength(4);
  });

  test('F22 any bit flipped: nothing altered is read, everything else is, and the damage is kept and reported', {
    timeout: 120_000,
  }, async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const bytes = fs.readFileSync(setting.journal());
    const name = setting.journals()[0] ?? '';
    const known = new Map([1, 2, 3, 4, 5, 6].map((n) => [n, entryOf({ id: '' } as Writer, n, `ü${n}`).values]));
    known.set(7, left[3]?.values ?? '');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      fs.writeFileSync(join(setting.folder, name), flipped);
      const next = setting.open(undefined, { durability: 'process' });
      const { entries, warnings } = await adoptAtStart(next);
      for (const { sequence, values } of entries) expect(values).toBe(known.get(sequence));
      // A lost line costs at most its own entry, or brings back what it removed; a lost destination keeps all waiting.
      const isDestinationLost = entries.length === 0;
      if (!isDestinationLost)
        expect(
          left.filter(({ sequence }) => !entries.some((entry) => entry.sequence === sequence)).length,
        ).toBeLessThanOrEqual(2);
      // A newline that became another character, or the other way round, may leave all lines readable.
      if (warnings.length === 0) expect(entries).toEqual(left);
      next.remove(entries);
      next.close();
      const kept = Buffer.concat(
        fs.readdirSync(setting.folder).map((file) => fs.readFileSync(join(setting.folder, file))),
      );
      if (warnings.length > 0) expect(kept.length).toBeGreaterThan(0);
      for (const file of fs.readdirSync(setting.folder)) fs.rmSync(join(setting.folder, file));
    }
  });

  test('F23 records of a newer format stay in their file, which is neither rewritten nor deleted', async () => {
    const setting = journalFolder();
    const { left } = leaveJournal(setting);
    const newer = '\n2 00000000 E something new\n';
    fs.appendFileSync(setting.journal(), newer);
    const next = setting.open();
    const { entries, warnings } = await adoptAtStart(next);
    expect(entries).toEqual(left);
    expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
    next.remove(entries);
    next.close();
    expect(setting.journals()).toHaveLength(1);
    expect(fs.readFileSync(setting.journal(), 'utf8')).toContain(newer.trim());
    expect((await adoptAtStart(setting.open())).entries).toEqual([]);
  });

  test('F23 foreign files are not touched', async () => {
    const setting = journalFolder();
    leaveJournal(setting);
    const foreign = ['notes.txt', 'nikdev-iot-2_free_abcdefgh12345678.journal', 'nikdev-iot-1_free_x.journal'];
    for (const name of foreign) fs.writeFileSync(join(setting.folder, name), 'theirs');
    const next = setting.open();
    const { entries } = await adoptAtStart(next);
    next.remove(entries);
    next.close();
    for (const name of foreign) expect(fs.readFileSync(join(setting.folder, name), 'utf8')).toBe('theirs');
  });
});
