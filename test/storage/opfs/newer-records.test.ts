import { expect, test } from 'vitest';
import { leftOn, sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';

const KEEPS = { clearsStaged: false };
const NEWER = '2 0badc0de E abcdefgh12345678 9 {"unit":"C"}\n';

/** The files of a dead worker with many entries, and one record of a newer version. */
async function setUp(count: number) {
  const disk = new FakeOpfs();
  const { worker, writer } = await startRun(disk);
  for (let sequence = 1; sequence <= count; sequence++) writer.save(entryOf(writer, sequence), KEEPS);
  worker.kill();
  const [file] = [...disk.files.values()].filter(({ bytes }) => bytes.length > 0);
  if (file === undefined) throw new Error('no file');
  file.bytes = Buffer.concat([file.bytes, Buffer.from(NEWER)]);
  return { disk, text: Buffer.from(file.bytes).toString() };
}

test('F23 a record of a newer version is reported, stays, and keeps no other record from being adopted', async () => {
  const { disk } = await setUp(3);
  for (const expected of [[1, 2, 3], [], []]) {
    const { worker, writer, adoption } = await startRun(disk);
    expect(sequencesOf(adoption.entries)).toEqual(expected);
    expect(adoption.warnings).toMatchObject([
      {
        code: 'unreadable-records',
        message: expect.stringMatching(/ 1 lines .* of a newer version.* all other records are adopted/),
      },
    ]);
    writer.remove(adoption.entries);
    worker.kill();
  }
  expect(Object.values(disk.texts).join('')).toContain(NEWER);
});

test('F23 a file with a record of a newer version is not rewritten: all that was in it stays, byte for byte', async () => {
  // Far more than what a compaction waits for.
  const { disk, text } = await setUp(3000);
  const { worker, writer, adoption } = await startRun(disk);
  expect(adoption.entries).toHaveLength(3000);
  writer.remove(adoption.entries.slice(1));
  writer.remove(adoption.entries.slice(0, 1));
  worker.kill();
  expect((await leftOn(disk)).entries).toEqual([]);
  expect(Object.values(disk.texts).some((left) => left.startsWith(text))).toBe(true);
});
