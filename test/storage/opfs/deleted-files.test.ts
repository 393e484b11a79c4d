import { describe, expect, test } from 'vitest';
import { opfsStorage } from '../../../src/opfs.js';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };

/** A worker whose files, with one own and one adopted entry, were just deleted. */
async function setUp() {
  const disk = new FakeOpfs();
  const dead = await startRun(disk);
  dead.writer.save(entryOf(dead.writer, 1), KEEPS);
  dead.worker.kill();
  const worker = disk.startWorker();
  const storage = await opfsStorage('x', {}, worker.manager);
  const open = () => storage.open(destination, new FakeClock());
  const writer = open();
  const { entries } = await writer.adopt({ isFirst: true });
  writer.save(entryOf(writer, 2), KEEPS);
  disk.clear();
  await writer.adopt({ isFirst: false });
  return { disk, worker, open, writer, queued: [...entries, entryOf(writer, 2)] };
}

describe('entries that are saved again after their files were deleted', () => {
  test('are adopted by another Api of the worker once theirs is closed, and not before', async () => {
    const { open, writer, queued } = await setUp();
    writer.saveAgain(queued);
    const other = open();
    expect((await other.adopt({ isFirst: true })).entries).toEqual([]);
    writer.close();
    const { entries, warnings } = await other.adopt({ isFirst: false });
    expect(sequencesOf(entries)).toEqual([1, 2]);
    expect(entries).toEqual(expect.arrayContaining(queued));
    expect(warnings).toEqual([]);
  });

  test('are adopted by the next Api of the worker', async () => {
    const { open, writer, queued } = await setUp();
    writer.saveAgain(queued);
    writer.close();
    expect(sequencesOf((await open().adopt({ isFirst: true })).entries)).toEqual([1, 2]);
  });

  test('leave no half record behind where a first attempt could not be undone', async () => {
    const { disk, worker, writer, queued } = await setUp();
    let writes = 0;
    disk.mostAtOnce = 300;
    disk.onOperation = (operation) => {
      if (operation === 'truncate' || (operation === 'write' && ++writes > 2))
        throw Object.assign(new Error('no'), { name: 'UnknownError' });
    };
    expect(() => writer.saveAgain(queued)).toThrow(/could not be written/);
    disk.onOperation = () => {};
    writer.saveAgain(queued.slice(0, 1));
    worker.kill();
    expect(await leftOn(disk)).toMatchObject({ entries: queued.slice(0, 1), warnings: [] });
  });
});

describe('a worker whose files are deleted while it lives', () => {
  test('saves its queued entries again, adopted ones too', async () => {
    const disk = new FakeOpfs();
    const dead = await startRun(disk);
    dead.writer.save(entryOf(dead.writer, 1), KEEPS);
    dead.worker.kill();
    const { worker, writer, adoption } = await startRun(disk);
    writer.save(entryOf(writer, 1), KEEPS);
    writer.save(entryOf(writer, 2), KEEPS);
    disk.clear();
    await writer.adopt({ isFirst: false });
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(writer.check()).toBeUndefined();
    const queued = [...adoption.entries, entryOf(writer, 2)];
    writer.saveAgain(queued);
    const { size } = disk;
    writer.saveAgain(queued);
    expect(disk.size).toBe(size);
    writer.remove([entryOf(writer, 1)]);
    worker.kill();
    const { entries } = await leftOn(disk);
    expect(entries).toEqual(expect.arrayContaining(queued));
    expect(entries).toHaveLength(2);
  });
});
