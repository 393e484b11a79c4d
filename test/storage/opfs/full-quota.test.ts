import { describe, expect, test } from 'vitest';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };

describe('a worker whose site has no space left', () => {
  test('F19 refuses an entry as full, saves all others, and can remove entries, which makes space', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    for (let sequence = 1; sequence <= 5; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    disk.quota = disk.size;
    const refused = entryOf(writer, 6);
    expect(() => writer.save(refused, KEEPS)).toThrow(
      expect.objectContaining({ name: 'StorageException', isFull: true, message: expect.stringContaining('quota') }),
    );
    expect(disk.size).toBe(disk.quota);
    writer.remove([entryOf(writer, 1), entryOf(writer, 2)]);
    writer.remove([entryOf(writer, 4)]);
    writer.save(entryOf(writer, 7), KEEPS);
    worker.kill();
    expect(sequencesOf((await leftOn(disk)).entries)).toEqual([3, 5, 7]);
  });

  test('F19 can remove the entries that it adopted, in a folder that takes no new file', async () => {
    const disk = new FakeOpfs();
    const first = await startRun(disk);
    for (let sequence = 1; sequence <= 3; sequence++)
      first.writer.save(entryOf(first.writer, sequence, 'x'.repeat(200)), KEEPS);
    first.worker.kill();
    disk.quota = disk.size;
    const { worker, writer, adoption } = await startRun(disk);
    expect(() => writer.save(entryOf(writer, 1), KEEPS)).toThrow(expect.objectContaining({ isFull: true }));
    writer.remove(adoption.entries.slice(0, 2));
    writer.save(entryOf(writer, 2), KEEPS);
    worker.kill();
    const { entries } = await leftOn(disk);
    expect(entries).toEqual(expect.arrayContaining([adoption.entries[2], entryOf(writer, 2)]));
    expect(entries).toHaveLength(2);
  });

  test('saves whole entries where each write takes only a few bytes', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    disk.mostAtOnce = 7;
    writer.save(entryOf(writer, 1), KEEPS);
    writer.save(entryOf(writer, 2), KEEPS);
    worker.kill();
    expect((await leftOn(disk)).entries).toEqual([entryOf(writer, 1), entryOf(writer, 2)]);
  });
});

describe('a worker whose file fails', () => {
  test('F19 refuses the entry, and goes on in the other file if half of the entry can not be undone', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk, { durability: 'power' });
    writer.save(entryOf(writer, 1), KEEPS);
    disk.failing.set('flush', 'InvalidStateError').set('truncate', 'InvalidStateError');
    expect(() => writer.save(entryOf(writer, 2), KEEPS)).toThrow(
      expect.objectContaining({ isFull: false, message: expect.stringContaining('InvalidStateError') }),
    );
    expect(() => writer.save(entryOf(writer, 3), KEEPS)).toThrow(expect.objectContaining({ isFull: false }));
    disk.failing.clear();
    writer.save(entryOf(writer, 4), KEEPS);
    worker.kill();
    expect(sequencesOf((await leftOn(disk)).entries)).toEqual([1, 4]);
  });

  test.each(['write', 'truncate', 'flush'] as const)('by %s keeps what was saved before', async (operation) => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk, { durability: 'power' });
    for (let sequence = 1; sequence <= 3; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    disk.failing.set(operation, 'UnknownError');
    for (const operate of [() => writer.save(entryOf(writer, 4), KEEPS), () => writer.remove([entryOf(writer, 1)])]) {
      try {
        operate();
      } catch (error) {
        expect(error).toMatchObject({ name: 'StorageException' });
      }
    }
    disk.failing.clear();
    writer.save(entryOf(writer, 5), KEEPS);
    worker.kill();
    expect(sequencesOf((await leftOn(disk)).entries)).toEqual(expect.arrayContaining([2, 3, 5]));
  });
});
