import { describe, expect, test } from 'vitest';
import { leftOn, type OpfsRun, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };
const rejection = { status: 422, reason: 'Bad request: no' };

/** Runs an operation. @returns Whether it was done before the worker was killed. */
function isDone(operate: () => void): boolean {
  try {
    operate();
    return true;
  } catch {
    return false;
  }
}

describe('a worker that is killed', () => {
  test('at any byte of any write loses no entry whose commit returned, and brings none back whose removal returned', async () => {
    const isRefused = (sequence: number): boolean => sequence === 3;
    for (let steps = 0, done = 0; done < 6; steps++) {
      const disk = new FakeOpfs();
      const { worker, writer } = await startRun(disk);
      disk.stepsLeft = steps;
      const operations = [
        () => writer.save(entryOf(writer, 1), KEEPS),
        () => writer.save(entryOf(writer, 2), KEEPS),
        () => writer.save(entryOf(writer, 3), KEEPS),
        () => writer.remove([entryOf(writer, 2)]),
        () => writer.quarantine([{ ...entryOf(writer, 3), rejection }]),
        () => writer.save(entryOf(writer, 4), KEEPS),
      ];
      const after = [[], [1], [1, 2], [1, 2, 3], [1, 3], [1, 3], [1, 3, 4]];
      done = operations.findIndex((operate) => !isDone(operate));
      if (done < 0) done = 6;
      worker.kill();
      disk.stepsLeft = Number.POSITIVE_INFINITY;
      const { entries, warnings } = await leftOn(disk);
      // The operation that was cut off is done or not.
      expect([after[done], after[done + 1]]).toContainEqual(sequencesOf(entries));
      for (const entry of entries) {
        const isQuarantined = entry.rejection !== undefined;
        expect(entry).toEqual({ ...entryOf(writer, entry.sequence), ...(isQuarantined && { rejection }) });
        if (done !== 4) expect(isQuarantined).toBe(done > 4 && isRefused(entry.sequence));
      }
      for (const { code } of warnings) expect(code).toBe('unreadable-records');
    }
  });

  /** A dead worker's journal that the next removal rewrites: it kept the entries 1 to 5, and removed larger ones. */
  async function grownJournal(durability: 'process' | 'power'): Promise<FakeOpfs> {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk, { durability });
    for (let sequence = 1; sequence <= 5; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    for (let sequence = 6; disk.size < 56 * 1024; sequence++) {
      const entry = entryOf(writer, sequence, 'x'.repeat(7 * 1024));
      writer.save(entry, KEEPS);
      writer.remove([entry]);
    }
    writer.save(entryOf(writer, 999, 'y'.repeat(16 * 1024)), KEEPS);
    worker.kill();
    return disk;
  }

  /** Has a new worker rewrite the journal, and kills it. @returns Whether it was done before. */
  function rewrite({ writer, adoption }: OpfsRun, disk: FakeOpfs, steps: number): boolean {
    const removed = adoption.entries.filter(({ sequence }) => sequence === 3 || sequence === 999);
    disk.stepsLeft = steps;
    const isWhole = isDone(() => writer.remove(removed)) && disk.stepsLeft > 0;
    disk.stepsLeft = Number.POSITIVE_INFINITY;
    return isWhole;
  }

  test('at any byte of a rewriting leaves each entry once, and none that was removed before', async () => {
    const disk = await grownJournal('process');
    const sizes = new Set<number>();
    for (let steps = 0, isWhole = false; !isWhole; steps++) {
      const copy = disk.copy();
      const run = await startRun(copy);
      expect(sequencesOf(run.adoption.entries)).toEqual([1, 2, 3, 4, 5, 999]);
      isWhole = rewrite(run, copy, steps);
      run.worker.kill();
      const left = sequencesOf((await leftOn(copy)).entries);
      expect([
        [1, 2, 3, 4, 5, 999],
        [1, 2, 4, 5],
      ]).toContainEqual(left);
      if (isWhole) expect(left).toEqual([1, 2, 4, 5]);
      sizes.add(copy.size);
    }
    // It was rewritten.
    expect(Math.min(...sizes)).toBeLessThan(2000);
  });

  test('by a power cut at any byte of a rewriting loses no synced entry, whichever file lost what was not synced', async () => {
    const disk = await grownJournal('power');
    for (let steps = 0, isWhole = false; !isWhole; steps += 3) {
      for (const lost of ['', 'a', 'b', 'ab']) {
        const copy = disk.copy();
        const run = await startRun(copy, { durability: 'power' });
        isWhole = rewrite(run, copy, steps);
        copy.cutPower((path) => lost.includes(path.at(-1) ?? ''));
        const left = sequencesOf((await leftOn(copy)).entries);
        expect(left.filter((sequence) => sequence !== 3 && sequence !== 999)).toEqual([1, 2, 4, 5]);
      }
    }
  });
});
