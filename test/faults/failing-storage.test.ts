import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Api, StorageException } from '../../src/index.js';
import type { FileSystem } from '../../src/storage/file/journal/file-system.js';
import { commitEach } from '../support/builders/api.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { received } from '../support/fakes/fake-server.js';
import { type DiskFaults, FilePlace, WebPlace } from '../support/fakes/places.js';

const valuesOf = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);

describe('F19 a localStorage that is full', () => {
  /** An `Api` with two entries queued, after which there is no room for a single unit more. */
  function openFull(): { place: WebPlace; api: Api } {
    const place = new WebPlace();
    const api = place.open();
    commitEach(api, 1, 2);
    place.localStorage.capacity = place.localStorage.units;
    return { place, api };
  }

  test('refuses a commit as often as it is tried, and keeps the values staged, also those that come later', () => {
    const { api } = openFull();
    api.addValue('a', 1);
    expect(() => api.commit()).toThrow(StorageException);
    api.addValue('b', 2);
    expect(() => api.commit()).toThrow(StorageException);
    expect(api.status()).toMatchObject({ staged: 2, committed: 2 });
  });

  test('refuses nothing once a push has freed space', async () => {
    const { place, api } = openFull();
    api.addValue('a', 1);
    expect(() => api.commit()).toThrow(StorageException);
    await api.push();
    expect(api.commit()?.values).toEqual([{ fieldId: 'a', value: 1 }]);
    await api.push();
    expect(place.server.uploads.flat()).toEqual([[{ temperature: 1 }], [{ temperature: 2 }], [{ a: 1 }]]);
  });

  test('keeps no acknowledgement from being saved: nothing is sent again after a crash', async () => {
    const { place, api } = openFull();
    await api.push();
    place.crash(api);
    expect((await place.reopen()).status().committed).toBe(0);
  });

  test('keeps a part of an acknowledgement neither: only what was not stored is sent again', async () => {
    const place = new WebPlace();
    const api = place.open({ maxEntriesPerRequest: 2 });
    commitEach(api, 1, 2, 3, 4);
    place.localStorage.capacity = place.localStorage.units;
    place.server.answerWith(() => received(place.server.requests.length === 1 ? 200 : 500));
    await api.push().catch(() => {});
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([3, 4]);
  });

  test('is adopted anyway by the next run', async () => {
    const { place, api } = openFull();
    place.crash(api);
    const next = await place.reopen();
    expect(valuesOf(next)).toEqual([1, 2]);
    await next.push();
    await next.close();
    expect((await place.reopen()).status().committed).toBe(0);
  });

  test('refuses to restore, and puts back nothing rather than a part', async () => {
    const place = new WebPlace();
    place.server.answerWith(() => received(401));
    const api = place.open();
    const entries = commitEach(api, 1, 2, 3);
    await api.push().catch(() => {});
    commitEach(api, 4);
    // There is room for one of them.
    place.localStorage.capacity = place.localStorage.units + 150;
    expect(() => api.restore(entries)).toThrow(StorageException);
    expect(valuesOf(api)).toEqual([4]);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([4]);
  });
});

describe('F19 a localStorage that is cleared underneath', () => {
  async function openCleared(): Promise<{ place: WebPlace; api: Api; warned: unknown[] }> {
    const place = new WebPlace();
    const api = await place.reopen();
    const warned: unknown[] = [];
    api.on('warning', (warning) => warned.push(warning));
    commitEach(api, 1, 2);
    place.localStorage.items.clear();
    return { place, api, warned };
  }

  test('is reported at the next commit, in a warning that says that nothing is lost', async () => {
    const { place, api, warned } = await openCleared();
    commitEach(api, 3);
    await place.clock.advance(0);
    expect(warned).toMatchObject([{ code: 'storage-cleared', message: expect.stringContaining('saved again') }]);
    expect(api.status().warnings).toEqual(warned);
  });

  test('has all of the queue again after that commit, for the next run', async () => {
    const { place, api } = await openCleared();
    commitEach(api, 3);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1, 2, 3]);
  });

  test('has all of the queue again within a minute though nothing is committed', async () => {
    const { place, api, warned } = await openCleared();
    await place.clock.advance(60_000);
    expect(warned).toMatchObject([{ code: 'storage-cleared' }]);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1, 2]);
  });

  test('has what was adopted again, too', async () => {
    const place = new WebPlace();
    const before = place.open();
    commitEach(before, 1, 2);
    place.crash(before);
    const api = await place.reopen();
    commitEach(api, 3);
    place.localStorage.items.clear();
    await place.clock.advance(60_000);
    place.crash(api);
    const next = await place.reopen();
    expect(valuesOf(next).sort()).toEqual([1, 2, 3]);
  });

  test('again and again is filled again and again', async () => {
    const { place, api } = await openCleared();
    for (let round = 0; round < 3; round++) {
      await place.clock.advance(60_000);
      place.localStorage.items.clear();
    }
    await place.clock.advance(60_000);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1, 2]);
  });

  test('never gets back what was pushed before, or is pushed after', async () => {
    const { place, api } = await openCleared();
    await api.push();
    commitEach(api, 3);
    place.localStorage.items.clear();
    commitEach(api, 4);
    await api.push();
    await place.clock.advance(60_000);
    place.crash(api);
    expect((await place.reopen()).status().committed).toBe(0);
    expect(place.server.uploads.flat()).toEqual([1, 2, 3, 4].map((temperature) => [{ temperature }]));
  });

  test('during a push loses nothing and sends nothing twice', async () => {
    const place = new WebPlace();
    const api = await place.reopen({ maxEntriesPerRequest: 1 });
    commitEach(api, 1, 2, 3);
    place.server.answerWith(() => {
      place.localStorage.items.clear();
      return received(200);
    });
    expect(await api.push()).toEqual({ pushed: 3, requests: 3, expired: 0 });
    await place.clock.advance(60_000);
    place.crash(api);
    expect((await place.reopen()).status().committed).toBe(0);
  });

  test('and then full: the commit is refused, what is queued is pushed anyway', async () => {
    const { place, api } = await openCleared();
    place.localStorage.capacity = 10;
    api.addValue('temperature', 3);
    expect(() => api.commit()).toThrow(StorageException);
    expect(api.status()).toMatchObject({ staged: 1, committed: 2 });
    await api.push();
    expect(place.server.uploads.flat()).toEqual([[{ temperature: 1 }], [{ temperature: 2 }]]);
  });

  test('and then full, until space is freed: all of the queue is saved again then', async () => {
    const { place, api } = await openCleared();
    place.localStorage.capacity = 10;
    await place.clock.advance(60_000);
    place.localStorage.capacity = 5_242_880;
    await place.clock.advance(60_000);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toEqual([1, 2]);
  });
});

/** The calls by which something is written or made; each fails with each of these. */
const CALLS: readonly (readonly [call: keyof FileSystem, codes: readonly string[]])[] = [
  ['mkdirSync', ['EACCES', 'EROFS', 'ENOSPC', 'ENOTDIR']],
  ['openSync', ['EACCES', 'EROFS', 'ENOSPC', 'EMFILE', 'EIO']],
  ['writeSync', ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG']],
];
const FAILURES = CALLS.flatMap(([call, codes]) => codes.map((code) => [call, code] as const));

describe('F20 a disk that fails', () => {
  test.each(FAILURES)(
    'from the first commit on (%s: %s): StorageException, staged values kept, and saved once it works',
    async (call, code) => {
      const place = new FilePlace(join(temporaryFolder(), 'missing'));
      const faults: DiskFaults = { [call]: () => code };
      const api = place.open({}, faults);
      api.addValue('temperature', 1);
      for (let attempt = 0; attempt < 3; attempt++) expect(() => api.commit()).toThrow(StorageException);
      expect(api.status()).toMatchObject({ staged: 1, committed: 0 });
      delete faults[call];
      expect(api.commit()?.values).toEqual([{ fieldId: 'temperature', value: 1 }]);
      place.crash(api);
      expect(valuesOf(await place.reopen())).toEqual([1]);
    },
  );

  test.each(FAILURES)(
    'from the second commit on (%s: %s): what was committed is there, and what was refused is not',
    async (call, code) => {
      const place = new FilePlace();
      const faults: DiskFaults = {};
      const api = place.open({}, faults);
      const committed = [1];
      commitEach(api, 1);
      Object.assign(faults, { [call]: () => code });
      for (const number of [2, 3]) {
        api.addValue('temperature', number);
        try {
          api.commit();
          // It may do without that call.
          committed.push(number);
        } catch (error) {
          expect(error).toBeInstanceOf(StorageException);
        }
      }
      await place.clock.advance(120_000);
      expect(valuesOf(api)).toEqual(committed);
      place.crash(api);
      expect(valuesOf(await place.reopen())).toEqual(committed);
    },
  );

  test.each(FAILURES)(
    'while pushed entries are removed (%s: %s): nothing is sent again in this run',
    async (call, code) => {
      const place = new FilePlace();
      const faults: DiskFaults = {};
      const api = place.open({}, faults);
      commitEach(api, 1, 2);
      Object.assign(faults, { [call]: () => code });
      expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
      await place.clock.advance(120_000);
      expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
      delete faults[call];
      await place.clock.advance(120_000);
      place.crash(api);
      // And once it works, in none that comes later.
      expect((await place.reopen()).status().committed).toBe(0);
    },
  );

  test.each(['EIO', 'EACCES', 'EMFILE'])(
    'when entries of earlier runs are read (%s): kept, reported, and adopted once it works',
    async (code) => {
      const place = new FilePlace();
      const before = place.open();
      commitEach(before, 1, 2);
      place.crash(before);
      const real = place.stored();
      const faults: DiskFaults = { readSync: () => code };
      const api = place.open({}, faults);
      await place.clock.advance(300_000);
      expect(valuesOf(api)).toEqual([]);
      expect(api.status().warnings).toMatchObject([{ code: 'storage-failed', message: expect.stringContaining(code) }]);
      expect([...place.stored().values()]).toEqual(expect.arrayContaining([...real.values()]));
      delete faults.readSync;
      await place.clock.advance(300_000);
      expect(valuesOf(api)).toEqual([1, 2]);
    },
  );

  test('a folder that cannot be read at the start stops no commit and no push, and is reported', async () => {
    const place = new FilePlace();
    const api = place.open({}, { readdirSync: () => 'EACCES' });
    await place.clock.advance(60_000);
    await api.ready;
    commitEach(api, 1);
    expect(await api.push()).toMatchObject({ pushed: 1 });
    expect(api.status().warnings).toMatchObject([{ code: 'storage-failed' }]);
  });
});

describe('F20 a folder that others meddle with', () => {
  const HARMS: readonly (readonly [how: string, harm: (place: FilePlace) => void])[] = [
    ['is removed with all that is in it', ({ folder }) => fs.rmSync(folder, { recursive: true })],
    [
      'is renamed, and another made in its place',
      ({ folder }) => {
        fs.renameSync(folder, `${folder}.old`);
        fs.mkdirSync(folder);
        fs.rmSync(`${folder}.old`, { recursive: true });
      },
    ],
    [
      'is emptied',
      (place) => {
        for (const name of place.stored().keys()) fs.rmSync(`${place.folder}/${name}`);
      },
    ],
    [
      'has its files replaced by empty ones',
      (place) => {
        for (const name of place.stored().keys()) {
          fs.rmSync(`${place.folder}/${name}`);
          place.put(name, '');
        }
      },
    ],
  ];
  const CUTS: typeof HARMS = [
    [
      'has its files cut to nothing',
      (place) => {
        for (const name of place.stored().keys()) fs.truncateSync(`${place.folder}/${name}`);
      },
    ],
    [
      'has its files cut in half',
      (place) => {
        for (const [name, text] of place.stored()) fs.truncateSync(`${place.folder}/${name}`, text.length >> 1);
      },
    ],
  ];

  test.each([...HARMS, ...CUTS])('that %s: what is queued is pushed by this run anyway', async (_how, harm) => {
    const place = new FilePlace();
    const api = place.open();
    commitEach(api, 1, 2);
    harm(place);
    await place.clock.advance(120_000);
    commitEach(api, 3);
    expect(await api.push()).toMatchObject({ pushed: 3 });
    expect(place.server.uploads.flat()).toEqual([1, 2, 3].map((temperature) => [{ temperature }]));
  });

  test.each([...HARMS, ...CUTS])(
    'that %s: within two minutes all that is queued is saved again, for the next run',
    async (_how, harm) => {
      const place = new FilePlace();
      const api = place.open();
      commitEach(api, 1, 2);
      harm(place);
      await place.clock.advance(120_000);
      commitEach(api, 3);
      place.crash(api);
      expect(valuesOf(await place.reopen()).sort()).toEqual([1, 2, 3]);
    },
  );

  test.each(CUTS)('that %s: what is committed after that is there for the next run', async (_how, harm) => {
    const place = new FilePlace();
    const api = place.open();
    commitEach(api, 1, 2);
    harm(place);
    await place.clock.advance(120_000);
    commitEach(api, 3);
    place.crash(api);
    expect(valuesOf(await place.reopen())).toContain(3);
  });

  // As F19 has it for every storage that is cleared underneath.
  test.each(HARMS)('that %s: is reported', async (_how, harm) => {
    const place = new FilePlace();
    const api = place.open();
    commitEach(api, 1, 2);
    harm(place);
    await place.clock.advance(120_000);
    expect(api.status().warnings).toMatchObject([{ code: 'storage-cleared' }]);
  });
});
