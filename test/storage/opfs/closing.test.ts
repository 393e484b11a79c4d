import { describe, expect, test } from 'vitest';
import type { Writer } from '../../../src/core/ports/storage.js';
import { opfsStorage } from '../../../src/opfs.js';
import { commitEach, openApi } from '../../support/builders/api.js';
import { sequencesOf, startRun } from '../../support/builders/opfs-runs.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeOpfs } from '../../support/fakes/fake-opfs.js';
import { StubFetch } from '../../support/fakes/stub-fetch.js';

const KEEPS = { clearsStaged: false };
/** More than an adoption of three pairs has microtasks. */
const MOMENTS = 90;

/** The files of dead workers, each with a committed and a staged value. */
async function leaveEach(...values: number[]): Promise<FakeOpfs> {
  const disk = new FakeOpfs();
  const workers = values.map(() => disk.startWorker());
  for (const [index, worker] of workers.entries()) {
    const api = openApi({ fetch: new StubFetch().fetch, storage: await opfsStorage('x', {}, worker.manager) });
    await api.ready;
    commitEach(api, values[index] as number);
    api.addValue('staged', values[index] as number);
    await Promise.resolve();
  }
  for (const worker of workers) worker.kill();
  // The first pair is found last.
  const [first = ['', undefined], second = ['', undefined]] = disk.files;
  for (const [path, file] of [first, second]) {
    if (file === undefined) throw new Error('no files');
    disk.files.delete(path);
    disk.files.set(path, file);
  }
  return disk;
}

test.each([
  { name: 'the staged values of the latest worker', own: undefined, expected: 3 },
  { name: 'the values that it staged', own: 9, expected: 9 },
])(
  'an Api that is closed at any moment of an adoption leaves each entry once, and $name',
  async ({ own, expected }) => {
    const left = await leaveEach(1, 2, 3);
    const staged: unknown[] = [];
    let isAdopted = false;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const disk = left.copy();
      const storage = await opfsStorage('x', {}, disk.startWorker().manager);
      const { fetch } = new StubFetch();
      const first = openApi({ fetch, storage });
      if (own !== undefined) first.addValue('staged', own);
      for (let passed = 0; passed < moment; passed++) await undefined;
      isAdopted = first.status().committed === 3;
      void first.close();
      const second = openApi({ fetch, storage });
      await second.ready;
      const numbers = second.log().flatMap(({ values }) => values.map(({ value }) => value));
      expect(numbers.sort()).toEqual([1, 2, 3]);
      expect(second.status().warnings).toEqual([]);
      staged.push(second.commit()?.values[0]?.value);
    }
    expect(staged).toEqual(staged.map(() => expected));
    expect(isAdopted).toBe(true);
  },
);

test('an Api that is closed during an adoption opens no further files', async () => {
  const disk = await leaveEach(1, 2, 3, 4, 5);
  const storage = await opfsStorage('x', {}, disk.startWorker().manager);
  const writer = storage.open(destination, new FakeClock());
  let opened = 0;
  disk.onOperation = (operation) => {
    if (operation === 'createSyncAccessHandle' && ++opened === 1) writer.close();
  };
  await writer.adopt({ isFirst: true });
  expect(opened).toBe(2);
});

test('an Api that is opened right after the last one was closed goes on in the same files', async () => {
  const disk = new FakeOpfs();
  const storage = await opfsStorage('x', {}, disk.startWorker().manager);
  for (let run = 0; run < 3; run++) {
    const writer = storage.open(destination, new FakeClock());
    await writer.adopt({ isFirst: true });
    writer.save(entryOf(writer, 1), KEEPS);
    writer.close();
  }
  expect((await storage.open(destination, new FakeClock()).adopt({ isFirst: true })).entries).toHaveLength(3);
  expect(disk.files.size).toBe(2);
});

describe('the last Api of a worker that is closed', () => {
  test('with entries leaves them to other workers at once', async () => {
    const disk = new FakeOpfs();
    const other = await startRun(disk);
    const { writer } = await startRun(disk);
    writer.save(entryOf(writer, 1), KEEPS);
    writer.close();
    await new Promise(setImmediate);
    expect(sequencesOf((await other.writer.adopt({ isFirst: false })).entries)).toEqual([1]);
  });

  test('with entries keeps those of an Api that is opened while the worker opens new files', async () => {
    const disk = new FakeOpfs();
    const other = await startRun(disk);
    const storage = await opfsStorage('x', {}, disk.startWorker().manager);
    const first = storage.open(destination, new FakeClock());
    first.save(entryOf(first, 1), KEEPS);
    let second: Writer | undefined;
    disk.onOperation = (operation) => {
      if (operation !== 'createSyncAccessHandle' || second !== undefined) return;
      second = storage.open(destination, new FakeClock());
      second.save(entryOf(second, 2), KEEPS);
    };
    first.close();
    await new Promise(setImmediate);
    expect((await other.writer.adopt({ isFirst: false })).entries).toEqual([]);
    expect(sequencesOf((await second?.adopt({ isFirst: true }))?.entries ?? [])).toEqual([1]);
  });

  test('with nothing queued opens no files', async () => {
    const disk = new FakeOpfs();
    const { writer } = await startRun(disk);
    writer.save(entryOf(writer, 1), KEEPS);
    writer.remove([entryOf(writer, 1)]);
    writer.close();
    await new Promise(setImmediate);
    expect(disk.files.size).toBe(2);
  });
});

describe('staged values that were adopted', () => {
  const setUp = async () => {
    const disk = await leaveEach(1);
    const storage = await opfsStorage('x', {}, disk.startWorker().manager);
    const writer = storage.open(destination, new FakeClock());
    return {
      writer,
      left: async () => (await storage.open(destination, new FakeClock()).adopt({ isFirst: true })).staged,
    };
  };

  test('are left to the next Api if theirs is closed before it could use them', async () => {
    const { writer, left } = await setUp();
    await writer.adopt({ isFirst: true });
    writer.close();
    expect(await left()).toEqual([{ fieldId: 'staged', value: 1 }]);
  });

  test.each([
    ['removed', (writer: Writer) => writer.saveStaged([])],
    ['committed', (writer: Writer) => writer.save(entryOf(writer, 1), { clearsStaged: true })],
    ['received a microtask ago', () => {}],
  ])('are not left to the next Api once they were %s', async (what, use) => {
    const { writer, left } = await setUp();
    await writer.adopt({ isFirst: true });
    if (what.startsWith('received')) await undefined;
    use(writer);
    writer.close();
    expect(await left()).toEqual([]);
  });
});
