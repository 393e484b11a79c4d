import { describe, expect, test } from 'vitest';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { opfsStorage } from '../../../src/opfs.js';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };

describe('a damaged file', () => {
  const KEPT = 'x'.repeat(7 * 1024);

  /** The entries 1 to 3 of a dead worker, and its file. */
  async function setUp() {
    const disk = new FakeOpfs();
    const { worker, writer } = await startRun(disk);
    for (let sequence = 1; sequence <= 3; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
    worker.kill();
    const [file] = [...disk.files.values()].filter(({ bytes }) => bytes.length > 0);
    if (file === undefined) throw new Error('no file');
    return { disk, file };
  }

  test('F22 is read around the damage, which is reported, and kept by a rewriting', async () => {
    const { disk, file } = await setUp();
    file.bytes = Buffer.from(Buffer.from(file.bytes).toString().replace('"a":2', '"a":7'));
    const damaged = Buffer.from(file.bytes)
      .toString()
      .split('\n')
      .find((line) => line.includes('"a":7'));
    if (damaged === undefined) throw new Error('no damage');
    const hasDamaged = (): boolean => Object.values(disk.texts).some((text) => text.split('\n').includes(damaged));
    const storage = await opfsStorage('x', {}, disk.startWorker().manager);
    const writer = storage.open(destination, new FakeClock());
    const { entries, warnings } = await writer.adopt({ isFirst: true });
    expect(sequencesOf(entries)).toEqual([1, 3]);
    expect(warnings).toMatchObject([{ code: 'unreadable-records', message: expect.stringContaining(' 1 lines ') }]);
    // Rejections fill the file until it is rewritten.
    const [live] = entries as [StoredEntry, StoredEntry];
    let [before, isRewritten] = [0, false];
    for (let round = 0; round < 30 && !isRewritten; round++) {
      before = disk.size;
      writer.quarantine([{ ...live, rejection: { status: 422, reason: `${round} ${KEPT}` } }]);
      isRewritten = disk.size < before;
    }
    expect(isRewritten).toBe(true);
    expect(hasDamaged()).toBe(true);
    writer.remove(entries);
    writer.close();
    const next = await leftOn(disk);
    expect(next).toMatchObject({ entries: [], warnings: [{ code: 'unreadable-records' }] });
    expect(hasDamaged()).toBe(true);
  });

  test('F22 is read whole where its header is damaged, which is reported', async () => {
    const { disk, file } = await setUp();
    file.bytes[20] = 0;
    const { entries, warnings } = await leftOn(disk);
    expect(sequencesOf(entries)).toEqual([1, 2, 3]);
    expect(warnings).toMatchObject([{ code: 'unreadable-records', message: expect.stringContaining(' 1 lines ') }]);
  });
});
