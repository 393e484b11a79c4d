import { describe, expect, test } from 'vitest';
import { sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

/** The moments at which a file fails: each read, and each look at a size, of a scan. */
const MOMENTS = ['read', 'getSize'].flatMap((operation) =>
  Array.from({ length: 8 }, (_, index) => ({ operation, index })),
);

describe('a file of a dead worker that can not be read for a moment', () => {
  test.each(['the same worker', 'another worker'])('is adopted by %s once it can be read', async (heir) => {
    let failed = 0;
    for (const moment of MOMENTS) {
      const disk = new FakeOpfs();
      const { writer } = await startRun(disk);
      const dead = await startRun(disk);
      for (const sequence of [1, 2]) dead.writer.save(entryOf(dead.writer, sequence), { clearsStaged: false });
      dead.worker.kill();
      let calls = 0;
      disk.onOperation = (operation) => {
        if (operation === moment.operation && calls++ === moment.index)
          throw Object.assign(new Error('no'), { name: 'UnknownError' });
      };
      const { entries, warnings } = await writer.adopt({ isFirst: false });
      disk.onOperation = () => {};
      if (calls <= moment.index) continue;
      failed += 1;
      expect(entries).toEqual([]);
      const message = expect.stringMatching(/^nikdev-iot\/x\/2-[\da-z]{16} could not be adopted \(UnknownError\)\. /);
      expect(warnings).toEqual([{ code: 'storage-failed', message }]);
      const next =
        heir === 'the same worker' ? await writer.adopt({ isFirst: false }) : (await startRun(disk)).adoption;
      expect(sequencesOf(next.entries)).toEqual([1, 2]);
      expect(next.warnings).toEqual([]);
    }
    expect(failed).toBeGreaterThan(6);
  });
});

test('a folder that can not be listed for a moment is reported, and scanned again', async () => {
  const disk = new FakeOpfs();
  const { writer } = await startRun(disk);
  const dead = await startRun(disk);
  dead.writer.save(entryOf(dead.writer, 1), { clearsStaged: false });
  dead.worker.kill();
  disk.onOperation = (operation) => {
    if (operation === 'keys') throw Object.assign(new Error('no'), { name: 'UnknownError' });
  };
  const message = expect.stringMatching(/^nikdev-iot\/x could not be adopted \(UnknownError\)\. /);
  expect(await writer.adopt({ isFirst: false })).toMatchObject({
    entries: [],
    warnings: [{ code: 'storage-failed', message }],
  });
  disk.onOperation = () => {};
  expect(sequencesOf((await writer.adopt({ isFirst: false })).entries)).toEqual([1]);
});

test('staged values that can not be removed from their file are left to the next worker', async () => {
  const disk = new FakeOpfs();
  const dead = await startRun(disk);
  dead.writer.saveStaged([{ fieldId: 'a', value: 1 }]);
  dead.worker.kill();
  disk.failing.set('write', 'UnknownError');
  const { worker, adoption } = await startRun(disk);
  expect(adoption.staged).toEqual([]);
  worker.kill();
  disk.failing.clear();
  expect((await startRun(disk)).adoption.staged).toEqual([{ fieldId: 'a', value: 1 }]);
});
