import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ApiOptions, type Entry, memoryStorage, thin, webStorage } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import type { FileSystem } from '../../src/storage/file/journal/file-system.js';
import { rejectionOf, storageExceptionOf } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { FakeMachine } from '../support/fakes/fake-machine.js';
import { FakeLocks, FakeWebStorage } from '../support/fakes/fake-web.js';
import { deferred, reply, StubFetch } from '../support/fakes/stub-fetch.js';

const valuesOf = (entries: readonly Entry[]): unknown[] => entries.map(({ values }) => values[0]?.value);

function open(options: Partial<ApiOptions> = {}) {
  const stub = new StubFetch();
  const api = openApi({ fetch: stub.fetch, ...options });
  const dropped: unknown[] = [];
  api.on('discard', ({ reason, entries }) => reason === 'overflow' && dropped.push(...valuesOf(entries)));
  return { api, stub, dropped };
}

describe('maxQueuedEntries', () => {
  test('is unlimited by default', () => {
    const { api } = open();
    expect(commitEach(api, ...Array.from({ length: 5000 }, (_, index) => index))).toHaveLength(5000);
  });

  test('refuses a commit beyond it: says what is full, how much is queued, what to do; the values stay staged', () => {
    const { api, dropped } = open({ maxQueuedEntries: 2 });
    commitEach(api, 1, 2);
    api.addValue('temperature', 3);
    const { message, advice, isFull } = storageExceptionOf(() => api.commit());
    expect(message).toMatch(/maxQueuedEntries \(2\).*Still queued and safe: 2 \(.* bytes\).*still staged/);
    expect(advice).toMatch(/[Pp]ush/);
    expect(isFull).toBe(true);
    expect(api.status()).toMatchObject({ staged: 1, committed: 2 });
    expect(dropped).toEqual([]);
  });

  test('takes the commit again once something was pushed', async () => {
    const { api } = open({ maxQueuedEntries: 1 });
    commitEach(api, 1);
    api.addValue('temperature', 2);
    storageExceptionOf(() => api.commit());
    await api.push();
    expect(valuesOf([api.commit() as Entry])).toEqual([2]);
  });

  test('commitAndPush frees capacity by pushing first, each time', async () => {
    const { api, stub } = open({ maxQueuedEntries: 2 });
    stub.answerWith(() => reply(503));
    for (const value of [1, 2]) {
      api.addValue('temperature', value);
      await rejectionOf(api.commitAndPush());
    }
    api.addValue('temperature', 3);
    expect(await rejectionOf(api.commitAndPush())).toMatchObject({ name: 'StorageException', isFull: true });
    expect(api.status()).toMatchObject({ staged: 1, committed: 2 });
    stub.answerWith(() => reply(200));
    expect(await api.commitAndPush()).toEqual({ pushed: 3, requests: 2, expired: 0 });
    expect(api.status()).toMatchObject({ staged: 0, committed: 0 });
  });

  test('commitAndPush that frees capacity reports the entries discarded for it, and discards no more', async () => {
    const { api, stub } = open({ maxQueuedEntries: 2 });
    stub.answerWith(() => reply(401));
    const entries = commitEach(api, 1, 2);
    api.addValue('temperature', 3);
    expect(await rejectionOf(api.commitAndPush())).toMatchObject({ retainedData: false, discarded: entries });
    expect(api.status()).toMatchObject({ staged: 1, committed: 0 });
    expect(stub.uploads.map(({ length }) => length)).toEqual([2, 0]);
  });

  test('commitAndPush that frees capacity reports quarantined entries, though it goes on', async () => {
    const { api, stub } = open({ maxQueuedEntries: 3 });
    stub.answerWith(({ body }) => reply(body.includes('"temperature":1}') ? 400 : 200));
    const [, bad] = commitEach(api, 0, 1, 2);
    api.addValue('temperature', 3);
    expect(await rejectionOf(api.commitAndPush())).toMatchObject({
      retainedData: true,
      quarantined: [{ id: bad?.id }],
    });
    expect(api.status()).toMatchObject({ staged: 0, committed: 0, quarantined: 1 });
  });

  test('commitAndPush that is closed while it frees capacity reports that', async () => {
    const { api, stub } = open({ maxQueuedEntries: 1 });
    stub.answerWith(() => deferred<Response>().promise);
    commitEach(api, 1);
    api.addValue('temperature', 2);
    const refused = rejectionOf(api.commitAndPush());
    await api.close();
    expect(await refused).toMatchObject({ message: expect.stringContaining('closed') });
  });

  test('counts what is in quarantine, and says so', async () => {
    const { api, stub } = open({ maxQueuedEntries: 2 });
    stub.answerWith(({ body }) => reply(body.includes('"temperature":1') ? 400 : 200));
    commitEach(api, 0, 1);
    await rejectionOf(api.push());
    commitEach(api, 2);
    api.addValue('temperature', 3);
    const { message, advice } = storageExceptionOf(() => api.commit());
    expect(message).toMatch(/Still queued and safe: 1 \(.* bytes\); in quarantine: 1/);
    expect(advice).toContain('dropQuarantined()');
  });

  test('with overflow "drop-oldest" drops as many of the oldest as it must, in an event that carries them', () => {
    const { api, dropped } = open({ maxQueuedEntries: 3, overflow: 'drop-oldest' });
    commitEach(api, 1, 2, 3, 4, 5);
    expect(dropped).toEqual([1, 2]);
    expect(valuesOf(api.log())).toEqual([3, 4, 5]);
  });

  test('emits a drop before it happens, with what was full', () => {
    const { api } = open({ maxQueuedEntries: 1, overflow: 'drop-oldest' });
    const seen: unknown[] = [];
    api.on('discard', ({ entries, message }) => seen.push(valuesOf(entries), valuesOf(api.log()), message));
    commitEach(api, 1, 2);
    expect(seen).toEqual([[1], [1], 'maxQueuedEntries (1) is reached']);
  });

  test('never drops what is being uploaded, and refuses where that is all there is', async () => {
    const { api, stub, dropped } = open({ maxQueuedEntries: 3, maxEntriesPerRequest: 2, overflow: 'drop-oldest' });
    const answer = deferred<Response>();
    stub.answerWith((_request, index) => (index === 0 ? answer.promise : reply(200)));
    commitEach(api, 1, 2);
    const push = api.push();
    commitEach(api, 3, 4, 5);
    expect(dropped).toEqual([3, 4]);
    const held = open({ maxQueuedEntries: 1, overflow: 'drop-oldest' });
    held.stub.answerWith(() => answer.promise.then(() => reply(200)));
    commitEach(held.api, 1);
    const other = held.api.push();
    held.api.addValue('temperature', 2);
    expect(storageExceptionOf(() => held.api.commit()).isFull).toBe(true);
    expect(held.dropped).toEqual([]);
    answer.resolve(reply(200));
    await Promise.all([push, other]);
    expect(stub.uploads.flat().map(({ values }) => values)).toEqual([[['temperature', 1]], [['temperature', 2]]]);
  });

  test('a listener may commit while entries are dropped: nothing is committed twice', () => {
    const { api } = open({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
    let isNested = false;
    api.on('discard', () => {
      if (isNested) return;
      isNested = true;
      api.commit();
    });
    commitEach(api, 1, 2);
    api.addValue('temperature', 3);
    expect(api.commit()).toBeUndefined();
    expect(valuesOf(api.log())).toEqual([2, 3]);
  });

  test('restore frees capacity for all entries that it puts back, or for none', async () => {
    const { api, stub, dropped } = open({ maxQueuedEntries: 3, overflow: 'drop-oldest' });
    stub.answerWith(() => reply(401));
    const entries = commitEach(api, 1, 2);
    await rejectionOf(api.push());
    commitEach(api, 3, 4);
    api.restore(entries);
    expect(dropped).toEqual([3]);
    expect(valuesOf(api.log())).toEqual([4, 1, 2]);
    const many = Array.from({ length: 4 }, (_, index) => ({ ...(entries[0] as Entry), id: `x${index}` }));
    storageExceptionOf(() => api.restore(many));
    expect(valuesOf(api.log())).toEqual([4, 1, 2]);
    expect(dropped).toEqual([3]);
  });

  test('restore that fails reports the number of queued entries, and advice, as of then', () => {
    const { api } = open({ maxQueuedEntries: 3 });
    commitEach(api, 1);
    const entries = [2, 3, 4].map((value) => ({ id: `x-${value}`, timestamp: 1, values: [{ fieldId: 'a', value }] }));
    expect(() => api.restore(entries)).toThrow('safe: 1 ');
  });

  test('dropped entries can be put back: they have their times', () => {
    const { api } = open({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
    let dropped: readonly Entry[] = [];
    api.on('discard', ({ entries }) => {
      dropped = entries;
    });
    api.addValue('temperature', 1);
    api.commit({ timestamp: 1_600_000_000 });
    commitEach(api, 2, 3);
    api.resetUnpushedEntries();
    expect(api.restore(dropped)).toMatchObject([{ timestamp: 1_600_000_000 }]);
  });
});

describe('F40 a localStorage that is full', () => {
  function openInPage(options: Partial<ApiOptions> & { maxLength?: number } = {}) {
    const localStorage = new FakeWebStorage();
    const { maxLength, ...others } = options;
    const storage = webStorage(localStorage, { maxLength }, { locks: new FakeLocks().tab() });
    return { localStorage, ...open({ storage, ...others }) };
  }

  test.each([
    ['by the host page', {}],
    ['as maxLength is reached', { maxLength: 2000 }],
  ])('%s: with "drop-oldest" the newest are kept, and the keys of the page are unharmed', (_how, options) => {
    const { api, localStorage, dropped } = openInPage({ ...options, overflow: 'drop-oldest' });
    localStorage.setItem('of the page', 'x'.repeat(1000));
    localStorage.capacity = 4000;
    const committed = Array.from({ length: 60 }, (_, index) => index);
    commitEach(api, ...committed);
    const kept = valuesOf(api.log());
    expect([...dropped, ...kept]).toEqual(committed);
    expect(kept.length).toBeGreaterThan(10);
    expect(localStorage.getItem('of the page')).toBe('x'.repeat(1000));
  });

  test.each([
    ['by the host page', {}, /QuotaExceededError/],
    ['as maxLength is reached', { maxLength: 2000 }, /maxLength \(2000\)/],
  ])('%s: refused, with what was full; what is queued is safe, the values are staged', (_how, options, what) => {
    const { api, localStorage } = openInPage(options);
    localStorage.setItem('of the page', 'x'.repeat(1000));
    localStorage.capacity = 4000;
    const { message } = storageExceptionOf(() => commitEach(api, ...Array.from({ length: 60 }, (_, index) => index)));
    expect(message).toMatch(what);
    const { committed, staged } = api.status();
    expect(staged).toBe(1);
    expect(message).toContain(`Still queued and safe: ${committed} `);
  });

  test.each([
    ['by the host page', {}],
    ['as maxLength is reached', { maxLength: 2000 }],
  ])(
    '%s: with "drop-oldest" never drops what is being uploaded, and refuses where that is all there is',
    async (_how, options) => {
      const { api, stub, localStorage, dropped } = openInPage({
        ...options,
        overflow: 'drop-oldest',
        maxEntriesPerRequest: 5,
      });
      const answer = deferred<Response>();
      stub.answerWith(() => answer.promise);
      const underWay = [1, 2, 3, 4, 5];
      commitEach(api, ...underWay);
      const push = api.push();
      localStorage.setItem('of the page', 'x'.repeat(1000));
      localStorage.capacity = 4000;
      const later = Array.from({ length: 60 }, (_, index) => 100 + index);
      commitEach(api, ...later);
      expect(valuesOf(api.log()).slice(0, 5)).toEqual(underWay);
      expect(dropped.length).toBeGreaterThan(0);
      expect([...dropped, ...valuesOf(api.log()).slice(5)]).toEqual(later);
      stub.answerWith(() => reply(200));
      answer.resolve(reply(200));
      await push;
      expect(stub.uploads[0]?.map(({ values }) => values[0]?.[1])).toEqual(underWay);
    },
  );

  test('by the page while all of ours is being uploaded: refused, and nothing is dropped', async () => {
    const { api, stub, localStorage, dropped } = openInPage({ overflow: 'drop-oldest' });
    const answer = deferred<Response>();
    stub.answerWith(() => answer.promise);
    commitEach(api, 1, 2);
    const push = api.push();
    localStorage.capacity = localStorage.units;
    storageExceptionOf(() => commitEach(api, 3));
    expect(dropped).toEqual([]);
    answer.resolve(reply(200));
    expect(await push).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(valuesOf([api.commit() as Entry])).toEqual([3]);
  });

  test('by the page only: refused, as there is nothing to drop', () => {
    const { api, localStorage, dropped } = openInPage({ overflow: 'drop-oldest' });
    localStorage.setItem('of the page', 'x'.repeat(1000));
    localStorage.capacity = localStorage.units;
    storageExceptionOf(() => commitEach(api, 1));
    expect(dropped).toEqual([]);
  });
});

describe('F20 a disk that is full', () => {
  /** A process whose files may take `capacity` bytes in all. */
  function openOnDisk(capacity: number, options: Partial<ApiOptions> = {}) {
    const folder = temporaryFolder();
    const machine = new FakeMachine();
    const process = machine.start();
    const used = (): number =>
      fs.readdirSync(folder).reduce((sum, name) => sum + fs.statSync(join(folder, name)).size, 0);
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    const writeSync = (fd: number, data: Buffer | string, ...where: [number?, number?, (number | null)?]): number => {
      const [offset = 0, , position = null] = where;
      const bytes = Buffer.from(data as string).subarray(offset);
      const end = position === null ? Number.POSITIVE_INFINITY : position + bytes.length;
      if (end > fs.fstatSync(fd).size && used() + bytes.length > capacity) throw full;
      return fs.writeSync(fd, bytes, 0, bytes.length, position);
    };
    const platform = { ...process, fs: { ...process.fs, writeSync } as unknown as FileSystem };
    const storage = fileStorage(folder, { durability: 'process' }, platform);
    const reopen = () => {
      process.kill();
      return openApi({ storage: fileStorage(folder, {}, machine.start()) });
    };
    return { used, reopen, ...open({ storage, ...options }) };
  }

  test('with "drop-oldest" the newest are kept, on the disk too', async () => {
    const { api, dropped, reopen } = openOnDisk(8000, { overflow: 'drop-oldest' });
    const committed = Array.from({ length: 500 }, (_, index) => index);
    commitEach(api, ...committed);
    const kept = valuesOf(api.log());
    expect([...dropped, ...kept]).toEqual(committed);
    expect(kept.length).toBeGreaterThan(50);
    const next = reopen();
    await next.ready;
    expect(valuesOf(next.log())).toEqual(kept);
  });

  test('is refused, with what was full; nothing is dropped', () => {
    const { api, dropped } = openOnDisk(4000);
    const { message, isFull } = storageExceptionOf(() =>
      commitEach(api, ...Array.from({ length: 500 }, (_, index) => index)),
    );
    expect(message).toMatch(/the disk is full \(ENOSPC.*The values are still staged/);
    expect(isFull).toBe(true);
    expect(api.status().staged).toBe(1);
    expect(dropped).toEqual([]);
  });

  test('removes pushed entries from the disk, though a removal record does not fit', async () => {
    const { api, stub, reopen } = openOnDisk(4000, { maxEntriesPerRequest: 5 });
    storageExceptionOf(() => commitEach(api, ...Array.from({ length: 500 }, (_, index) => index)));
    stub.answerWith((_request, index) => reply(index < 3 ? 200 : 500));
    await rejectionOf(api.push());
    const left = valuesOf(api.log());
    expect(left[0]).toBe(15);
    const next = reopen();
    await next.ready;
    expect(valuesOf(next.log())).toEqual(left);
  });
});

describe('maxQueuedBytes', () => {
  const value = 'x'.repeat(80);
  /** `[{"temperature":"<80>"}]` */
  const BYTES = 100;
  const commitText = (api: ReturnType<typeof open>['api'], text = value): Entry | undefined => {
    api.addValue('temperature', text);
    return api.commit();
  };

  test('refuses a commit beyond it, as maxQueuedEntries does, and counts bytes of UTF-8', () => {
    const { api } = open({ maxQueuedBytes: 3 * BYTES });
    commitText(api);
    commitText(api, 'ä'.repeat(40));
    expect(api.status()).toMatchObject({ bytes: 2 * BYTES, queuedBytes: 2 * BYTES });
    commitText(api);
    const { message, isFull } = storageExceptionOf(() => commitText(api));
    expect(message).toMatch(/maxQueuedBytes \(300\) is reached.*Still queued and safe: 3 \(300 bytes\).*still staged/);
    expect(isFull).toBe(true);
    expect(api.status()).toMatchObject({ staged: 1, committed: 3 });
  });

  test('entries in quarantine count, and make space as they leave', async () => {
    const { api, stub } = open({ maxQueuedBytes: 2 * BYTES });
    commitText(api, 'y'.repeat(80));
    commitText(api);
    stub.answerWith(({ body }) => reply(body.includes('yyy') ? 400 : 200));
    await api.push().catch(() => {});
    await api.push().catch(() => {});
    expect(api.status()).toMatchObject({ committed: 0, quarantined: 1, bytes: 0, queuedBytes: BYTES });
    commitText(api);
    expect(storageExceptionOf(() => commitText(api)).isFull).toBe(true);
    expect(api.restore(api.quarantined())).toHaveLength(1);
    expect(api.status()).toMatchObject({ committed: 2, quarantined: 0, queuedBytes: 2 * BYTES });
  });

  test("'drop-oldest' drops as many as the new entry needs", () => {
    const { api, dropped } = open({ maxQueuedBytes: 5 * BYTES, overflow: 'drop-oldest' });
    for (let index = 0; index < 5; index++) commitText(api, String(index).repeat(80));
    commitText(api, 'z'.repeat(80 + 150));
    expect(dropped).toEqual([0, 1, 2].slice(0, 3).map((index) => String(index).repeat(80)));
    expect(api.status()).toMatchObject({ committed: 3, queuedBytes: 450 });
  });

  test('an entry that is larger than all of it is refused, and drops nothing', async () => {
    const { api, dropped } = open({ maxQueuedBytes: 2 * BYTES, overflow: 'drop-oldest' });
    commitText(api);
    api.addValue('temperature', 'z'.repeat(500));
    const { message, advice, isFull } = storageExceptionOf(() => api.commit());
    expect(message).toMatch(/520 bytes exceed maxQueuedBytes \(200\)/);
    expect(advice).toMatch(/Raise maxQueuedBytes/);
    expect(isFull).toBe(false);
    expect(await rejectionOf(api.commitAndPush())).toMatchObject({ name: 'StorageException', isFull: false });
    expect(dropped).toEqual([]);
    expect(api.status()).toMatchObject({ committed: 1, staged: 1 });
  });

  test('holds for all storages', () => {
    const ofPage = webStorage(new FakeWebStorage(), {}, { locks: new FakeLocks().tab() });
    for (const storage of [ofPage, fileStorage(temporaryFolder()), memoryStorage()]) {
      const { api } = open({ maxQueuedBytes: BYTES, storage });
      commitText(api);
      expect(storageExceptionOf(() => commitText(api)).message).toContain('maxQueuedBytes');
    }
  });
});

describe('overflow: thin()', () => {
  test('a full queue gets thinner: a quarter leaves, by a discard event with the limit', async () => {
    const { api, dropped } = open({ maxQueuedEntries: 100, overflow: thin() });
    const messages: string[] = [];
    api.on('discard', ({ message }) => messages.push(message));
    commitEach(api, ...Array.from({ length: 1000 }, (_, index) => index + 1));
    const left = valuesOf(api.log()) as number[];
    expect(left.length).toBeLessThanOrEqual(100);
    expect([left[0], left.at(-1)]).toEqual([1, 1000]);
    expect(left.slice(1).map((value, index) => value - (left[index] ?? 0))).toSatisfy((gaps: number[]) =>
      gaps.every((gap) => gap <= 40),
    );
    expect([...(dropped as number[]), ...left].sort((one, other) => one - other)).toEqual(
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    expect(messages[0]).toBe('maxQueuedEntries (100) is reached');
  });

  test('entries in quarantine leave first, and urgent ones and those in flight stay', async () => {
    const { api, stub, dropped } = open({ maxQueuedEntries: 20, overflow: thin(), maxEntriesPerRequest: 5 });
    commitEach(api, 0, 1);
    stub.answerWith(({ body }) => reply(body.includes(':0}') ? 400 : 200));
    await api.push().catch(() => {});
    await api.push().catch(() => {});
    expect(api.status()).toMatchObject({ committed: 0, quarantined: 1 });
    const answer = deferred<Response>();
    stub.answerWith(() => answer.promise);
    commitEach(api, 1, 2, 3, 4, 5);
    const push = api.push();
    commitEach(api, 6, 7, 8);
    api.addValue('temperature', 9);
    api.commit({ urgent: true });
    commitEach(api, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
    expect(dropped).toEqual([]);
    commitEach(api, 20, 21, 22, 23, 24, 25);
    expect(dropped[0]).toBe(0);
    expect(dropped.length).toBeGreaterThanOrEqual(5);
    for (const kept of [1, 2, 3, 4, 5, 9]) expect(dropped).not.toContain(kept);
    answer.resolve(reply(200));
    await push;
  });

  test('commit throws if no queued entry may be evicted', () => {
    const { api, dropped } = open({ maxQueuedEntries: 3, overflow: thin() });
    for (const field of ['a', 'b', 'c']) {
      api.addValue(field, 1);
      api.commit();
    }
    api.addValue('d', 1);
    expect(storageExceptionOf(() => api.commit()).message).toContain('maxQueuedEntries (3)');
    expect(dropped).toEqual([]);
  });

  test('thins for bytes and for a full storage too', () => {
    const byBytes = open({ maxQueuedBytes: 2000, overflow: thin() });
    commitEach(byBytes.api, ...Array.from({ length: 500 }, (_, index) => index + 100));
    expect(byBytes.api.status().queuedBytes).toBeLessThanOrEqual(2000);
    const storage = webStorage(new FakeWebStorage(), { maxLength: 10_000 }, { locks: new FakeLocks().tab() });
    const byStorage = open({ storage, overflow: thin() });
    commitEach(byStorage.api, ...Array.from({ length: 500 }, (_, index) => index));
    const left = valuesOf(byStorage.api.log());
    expect([left[0], left.at(-1)]).toEqual([0, 499]);
  });

  test('many leave in events of a thousand', () => {
    const { api } = open({ maxQueuedEntries: 10_000, overflow: thin() });
    const sizes: number[] = [];
    api.on('discard', ({ entries }) => sizes.push(entries.length));
    commitEach(api, ...Array.from({ length: 10_001 }, (_, index) => index));
    expect(sizes).toEqual([1000, 1000, 500]);
  });

  test.each([['thin'], [{}], [{ choose: 5 }], [() => {}], [[]], [null]])('%o as overflow is refused', (overflow) => {
    expect(() => open({ overflow: overflow as never })).toThrow(/overflow must be "refuse", "drop-oldest" or thin\(\)/);
  });
});
