import { describe, expect, test } from 'vitest';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };

const MESSAGE = /^the quota of this site is exceeded \(nikdev-iot\/x\/1-[\da-z]{16}\)$/;

describe('a worker whose site has no space left', () => {
  test('F19 refuses an entry as full, saves all others, and can remove entries, which makes space', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    for (let sequence = 1; sequence <= 5; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    disk.quota = disk.size;
    const refused = entryOf(writer, 6);
    expect(() => writer.save(refused, KEEPS)).toThrow(
      expect.objectContaining({ name: 'StorageException', isFull: true, message: expect.stringMatching(MESSAGE) }),
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

test('F19 staged values for which there is no space are not saved, and throw nothing', async () => {
  const disk = new FakeOpfs();
  const { worker, writer } = await startRun(disk);
  writer.save(entryOf(writer, 1), KEEPS);
  disk.quota = disk.size;
  expect(() => writer.saveStaged([{ fieldId: 'a', value: 1 }])).not.toThrow();
  worker.kill();
  disk.quota = Number.POSITIVE_INFINITY;
  expect(await leftOn(disk)).toMatchObject({ entries: [{ sequence: 1 }], staged: [], warnings: [] });
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

  test('F19 refuses entries as long as half an entry can not be undone', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    writer.save(entryOf(writer, 1), KEEPS);
    disk.quota = disk.size + 20;
    disk.mostAtOnce = 20;
    disk.failing.set('truncate', 'UnknownError');
    expect(() => writer.save(entryOf(writer, 2), KEEPS)).toThrow(expect.objectContaining({ isFull: true }));
    disk.quota = Number.POSITIVE_INFINITY;
    expect(() => writer.save(entryOf(writer, 3), KEEPS)).toThrow(/UnknownError/);
    disk.failing.clear();
    writer.save(entryOf(writer, 4), KEEPS);
    worker.kill();
    expect(await leftOn(disk)).toMatchObject({ entries: [{ sequence: 1 }, { sequence: 4 }], warnings: [] });
  });

  test.each(['write', 'truncate', 'flush'] as const)('by %s keeps what was saved before', async (operation) => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk, { durability: 'power' });
    for (let sequence = 1; sequence <= 3; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    disk.failing.set(operation, 'UnknownError');
    const isDone = (operate: () => void): boolean => {
      try {
        operate();
        return true;
      } catch (error) {
        expect(error).toMatchObject({ name: 'StorageException' });
        return false;
      }
    };
    const isSaved = isDone(() => writer.save(entryOf(writer, 4), KEEPS));
    const isRemoved = isDone(() => writer.remove([entryOf(writer, 1)]));
    disk.failing.clear();
    writer.save(entryOf(writer, 5), KEEPS);
    worker.kill();
    const expected = [...(isRemoved ? [] : [1]), 2, 3, ...(isSaved ? [4] : []), 5];
    expect(await leftOn(disk)).toMatchObject({ entries: expected.map((sequence) => ({ sequence })), warnings: [] });
  });
  test('as its last entries are removed refuses that, and removes them when asked again', async () => {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    const entries = [entryOf(writer, 1), entryOf(writer, 2)];
    for (const entry of entries) writer.save(entry, KEEPS);
    disk.failing.set('truncate', 'UnknownError');
    expect(() => writer.remove(entries)).toThrow(
      expect.objectContaining({ name: 'StorageException', message: expect.stringContaining('UnknownError') }),
    );
    disk.failing.clear();
    writer.remove(entries);
    writer.save(entryOf(writer, 3), KEEPS);
    worker.kill();
    expect(await leftOn(disk)).toMatchObject({ entries: [{ sequence: 3 }], warnings: [] });
  });

  test('removes its entries from all other files, and throws', async () => {
    const disk = new FakeOpfs();
    const dead = [await startRun(disk), await startRun(disk), await startRun(disk)];
    for (const [index, { writer }] of dead.entries()) writer.save(entryOf(writer, index + 1), KEEPS);
    for (const { worker } of dead) worker.kill();
    const { worker, writer, adoption } = await startRun(disk);
    const [failing] = Object.entries(disk.texts).find(([, text]) => text.includes('"a":2')) ?? [];
    disk.onOperation = (operation, path) => {
      if (operation === 'truncate' && path === failing) throw Object.assign(new Error('no'), { name: 'UnknownError' });
    };
    expect(() => writer.remove(adoption.entries)).toThrow(/UnknownError/);
    disk.onOperation = () => {};
    worker.kill();
    expect(sequencesOf((await leftOn(disk)).entries)).toEqual([2]);
  });
});

test.each([
  ['process', 0],
  ['power', 3],
] as const)('with %s, saving three entries syncs files %i times', async (durability, expected) => {
  const disk = new FakeOpfs();
  const { writer } = await startRun(disk, { durability });
  let flushes = 0;
  disk.onOperation = (operation) => {
    if (operation === 'flush') flushes += 1;
  };
  for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), KEEPS);
  // Best effort, or harmless if undone.
  writer.saveStaged([{ fieldId: 'a', value: 1 }]);
  writer.remove([entryOf(writer, 1)]);
  expect(flushes).toBe(expected);
});
