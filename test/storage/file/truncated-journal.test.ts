import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Writer } from '../../../src/core/ports/storage.js';
import { Api } from '../../../src/index.js';
import { type FileStorageOptions, fileStorage } from '../../../src/node.js';
import { credentials } from '../../support/builders/credentials.js';
import { destination, entryOf, otherDestinations } from '../../support/builders/stored-entry.js';
import { FakeServer } from '../../support/fakes/fake-server.js';
import {
  adoptAtStart,
  countingCalls,
  failingProcess,
  failWith,
  journalFolder,
} from '../../support/fakes/journal-folder.js';

type Durability = NonNullable<FileStorageOptions['durability']>;

const BOTH: Durability[] = ['power', 'process'];
const CUTS = [
  ['to nothing', () => 0],
  ['to half', (size: number) => size >> 1],
  ['inside its last record', (size: number) => size - 20],
  ['inside its first record', () => 30],
] as const;
const RESTORED = { clearsStaged: false };
const COMMITTED = { clearsStaged: true };

function truncate(path: string, length: (size: number) => number = () => 0): void {
  fs.truncateSync(path, length(fs.statSync(path).size));
}

function setUp(durability: Durability) {
  const setting = journalFolder();
  const { folder, machine, clock } = setting;
  const openApi = (platform = machine.start(), transport = new FakeServer()) => {
    const storage = fileStorage(folder, { durability }, platform);
    return { api: new Api({ ...credentials, storage }, { clock, transport }), transport, storage };
  };
  /** A process with an `Api` that is ready. */
  const start = async () => {
    const process = machine.start();
    const opened = openApi(process);
    await opened.api.ready;
    return { ...opened, process };
  };
  /** Kills a process, and waits until the next one is ready. */
  const restart = async (process: { kill(): void }): Promise<Api> => {
    process.kill();
    return (await start()).api;
  };
  const open = (platform = machine.start()): Writer => setting.open(platform, { durability });
  const save = (writer: Writer, ...sequences: number[]): void => {
    for (const sequence of sequences) writer.save(entryOf(writer, sequence), RESTORED);
  };
  /** The sequence numbers that the next run adopts. */
  const adopted = async (): Promise<number[]> =>
    (await adoptAtStart(open())).entries.map(({ sequence }) => sequence).sort((one, other) => one - other);
  return { ...setting, openApi, start, restart, open, save, adopted };
}

function commit(api: Api, ...values: number[]): void {
  for (const value of values) {
    api.addValue('a', value);
    api.commit();
  }
}

describe.each(BOTH)("F20 a journal that another program truncates, with '%s':", (durability) => {
  test.each(CUTS)('%s, then commits and close(): the next run has all entries', async (_how, length) => {
    const { journal, start, restart } = setUp(durability);
    const { api, process } = await start();
    commit(api, 1, 2, 3);
    truncate(journal(), length);
    commit(api, 4, 5, 6);
    await api.close();
    const next = await restart(process);
    expect(next.log().map(({ values }) => values[0]?.value)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(next.status().warnings.filter(({ message }) => message.includes('unknown device'))).toEqual([]);
  });

  test('is reported and saved again at the next commit', async () => {
    const { journal, clock, start, restart } = setUp(durability);
    const { api, process } = await start();
    commit(api, 1, 2, 3);
    truncate(journal());
    await clock.advance(10);
    commit(api, 4);
    expect(api.status().warnings).toMatchObject([{ code: 'storage-cleared' }]);
    const next = await restart(process);
    expect(next.log()).toHaveLength(4);
  });

  test('is reported and saved again within two minutes without a commit', async () => {
    const { journal, clock, start, restart } = setUp(durability);
    const { api, process } = await start();
    commit(api, 1, 2, 3);
    truncate(journal());
    await clock.advance(92_000);
    expect(api.status().warnings).toMatchObject([{ code: 'storage-cleared' }]);
    const next = await restart(process);
    expect(next.log()).toHaveLength(3);
  });

  test('keeps staged values', async () => {
    const { journal, start, restart } = setUp(durability);
    const { api, process } = await start();
    commit(api, 1);
    api.addValue('b', 2);
    await undefined;
    truncate(journal());
    await api.close();
    const next = await restart(process);
    expect(next.log()).toHaveLength(1);
    expect(next.status().staged).toBe(1);
  });

  test('keeps no staged values that were committed', async () => {
    const { journal, start, restart } = setUp(durability);
    const { api, process } = await start();
    api.addValue('b', 2);
    await undefined;
    commit(api, 1);
    truncate(journal());
    await api.close();
    const next = await restart(process);
    expect(next.log()).toHaveLength(1);
    expect(next.status().staged).toBe(0);
  });

  test('brings no pushed entry back', async () => {
    const { journal, start, restart } = setUp(durability);
    const { api, process } = await start();
    commit(api, 1, 2, 3);
    await api.push();
    commit(api, 4);
    truncate(journal());
    commit(api, 5);
    await api.close();
    const next = await restart(process);
    expect(next.log().map(({ values }) => values[0]?.value)).toEqual([4, 5]);
  });

  test('has the destination again, though no entry is lost', async () => {
    const { open, save, journal, adopted, machine } = setUp(durability);
    const process = machine.start();
    const writer = open(process);
    save(writer, 1, 2, 3);
    truncate(journal());
    save(writer, 4);
    writer.remove([1, 2, 3].map((sequence) => entryOf(writer, sequence)));
    writer.check();
    writer.close();
    process.kill();
    expect(await adopted()).toEqual([4]);
  });

  test('of two Apis on one storage: both keep their entries', async () => {
    const { openApi, journal, machine, clock } = setUp(durability);
    const process = machine.start();
    const { api, storage, transport } = openApi(process);
    const second = new Api({ ...credentials, storage }, { clock, transport });
    await Promise.all([api.ready, second.ready]);
    commit(api, 1, 2);
    commit(second, 3, 4);
    truncate(journal());
    commit(second, 5);
    await api.close();
    await clock.advance(1000);
    await second.close();
    process.kill();
    const { api: next } = openApi();
    await next.ready;
    expect(
      next
        .log()
        .map(({ values }) => values[0]?.value)
        .sort(),
    ).toEqual([1, 2, 3, 4, 5]);
  });

  test('of one of two processes: the other one keeps its file', async () => {
    const { open, save, journals, folder, adopted, machine } = setUp(durability);
    const [process, other] = [machine.start(), machine.start()];
    const writer = open(process);
    save(writer, 1, 2);
    const [own = ''] = journals();
    const neighbour = open(other);
    save(neighbour, 3, 4);
    truncate(join(folder, own));
    expect(neighbour.check()).toBeUndefined();
    save(writer, 5);
    if (writer.check()) writer.saveAgain([1, 2, 5].map((sequence) => entryOf(writer, sequence)));
    writer.close();
    neighbour.close();
    process.kill();
    other.kill();
    expect(await adopted()).toEqual([1, 2, 3, 4, 5]);
  });

  test('with adopted entries: the next run adopts them', async () => {
    const { openApi, journal, machine } = setUp(durability);
    const first = machine.start();
    const { api } = openApi(first);
    await api.ready;
    commit(api, 1, 2, 3);
    await api.close();
    first.kill();
    const second = machine.start();
    const { api: adopter } = openApi(second);
    await adopter.ready;
    truncate(journal());
    await adopter.close();
    second.kill();
    const { api: next } = openApi();
    await next.ready;
    expect(next.log()).toHaveLength(3);
  });

  test('keeps a quarantined entry in quarantine', async () => {
    const { open, save, journal, machine } = setUp(durability);
    const process = machine.start();
    const writer = open(process);
    save(writer, 1, 2);
    const quarantined = { ...entryOf(writer, 1), rejection: { status: 422, reason: 'no' } };
    writer.quarantine([quarantined]);
    truncate(journal());
    if (writer.check()) writer.saveAgain([quarantined, entryOf(writer, 2)]);
    writer.close();
    process.kill();
    expect((await adoptAtStart(open())).entries).toEqual([quarantined, entryOf(writer, 2)]);
  });

  test('is saved again at close() after a second truncation', async () => {
    const { journal, start, restart } = setUp(durability);
    const { api, process } = await start();
    commit(api, 1, 2);
    truncate(journal());
    commit(api, 3);
    truncate(journal(), () => 20);
    commit(api, 4);
    await api.close();
    const next = await restart(process);
    expect(next.log()).toHaveLength(4);
  });
});

describe("F20 a truncated journal with 'process'", () => {
  test('is not extended by zeros when a commit fails, which would hide the truncation', async () => {
    const setting = journalFolder();
    const { broken, platform, kill } = failingProcess(setting.machine);
    const writer = setting.open(platform, { durability: 'process' });
    writer.save(entryOf(writer, 1), RESTORED);
    truncate(setting.journal());
    broken.writeSync = failWith('ENOSPC') as never;
    expect(() => writer.save(entryOf(writer, 2), RESTORED)).toThrow('full');
    delete broken.writeSync;
    writer.close(() => [entryOf(writer, 1)]);
    kill();
    expect((await adoptAtStart(setting.open())).entries).toEqual([entryOf(writer, 1)]);
  });

  test('of a killed process: commits that lack their destination are reported, and kept', async () => {
    const { open, save, journal, journals, machine, clock } = setUp('process');
    const process = machine.start();
    const writer = open(process);
    writer.check();
    save(writer, 1, 2, 3);
    truncate(journal());
    save(writer, 4, 5);
    process.kill();
    const name = journal();
    const next = open();
    for (const isFirst of [true, false]) {
      const { entries, warnings } = await next.adopt({ isFirst });
      expect(entries).toEqual([]);
      expect(warnings).toEqual([{ code: 'unreadable-records', message: expect.stringContaining('2 entries') }]);
      expect(warnings[0]?.message).toContain(name);
      await clock.advance(20_000);
    }
    next.close();
    expect(journals()).toEqual([name.slice(name.lastIndexOf('/') + 1)]);
    expect(fs.readFileSync(name, 'utf8')).toContain(entryOf(writer, 5).values);
  });

  test('of a killed process: the records that a heartbeat found are adopted', async () => {
    const { open, save, journal, adopted, machine, clock } = setUp('process');
    const process = machine.start();
    const writer = open(process);
    writer.check();
    save(writer, 1, 2, 3);
    truncate(journal());
    save(writer, 4, 5);
    await clock.advance(60_000);
    process.kill();
    expect(await adopted()).toEqual([4, 5]);
  });

  test('gets the entries of a closed Api back before they are moved out', async () => {
    const { folder, journal, machine, clock, adopted } = setUp('process');
    const process = machine.start();
    const storage = fileStorage(folder, { durability: 'process' }, process);
    const [writer, other] = [storage.open(destination, clock), storage.open(otherDestinations[0] as never, clock)];
    writer.check();
    writer.save(entryOf(writer, 1), RESTORED);
    other.save(entryOf(other, 2), RESTORED);
    truncate(journal());
    writer.close(() => [entryOf(writer, 1)]);
    await clock.advance(1);
    expect(other.check()).toEqual({ kind: 'cleared' });
    process.kill();
    expect(await adopted()).toEqual([1]);
  });

  test('is looked for at intervals, not at each commit', () => {
    const setting = journalFolder();
    const platform = setting.machine.start();
    const { counting, count } = countingCalls(platform.fs, 'fstatSync');
    const writer = setting.open({ ...platform, fs: counting }, { durability: 'process' });
    writer.save(entryOf(writer, 1), RESTORED);
    const before = count();
    for (let sequence = 2; sequence <= 1000; sequence++) {
      writer.check();
      writer.save(entryOf(writer, sequence), COMMITTED);
    }
    expect(count() - before).toBeLessThanOrEqual(1);
  });
});

test('entries without a destination are reported beside entries that are adopted, and outlast them', async () => {
  const { open, save, journal, journals, machine, folder } = setUp('power');
  const process = machine.start();
  const [writer, lost] = [open(process), open(machine.start())];
  save(writer, 1);
  const path = journal();
  save(lost, 2);
  const [, other = ''] = journals();
  const otherPath = join(folder, [...journals()].find((name) => !path.endsWith(name)) ?? other);
  const orphaned = fs
    .readFileSync(otherPath, 'utf8')
    .split('\n')
    .filter((line) => line.includes(' E '));
  lost.remove([entryOf(lost, 2)]);
  lost.close();
  fs.appendFileSync(path, `\n${orphaned[0]}\n`);
  process.kill();
  const next = open();
  const { entries, warnings } = await adoptAtStart(next);
  expect(entries).toEqual([entryOf(writer, 1)]);
  expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
  next.remove(entries);
  next.close();
  expect(journals()).toHaveLength(1);
  expect(fs.readFileSync(journal(), 'utf8')).toContain(orphaned[0]);
});
