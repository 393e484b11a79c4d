import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Api, type ApiOptions, type StorageException, webStorage } from '../../src/index.js';
import { storageExceptionOf } from '../support/assertions/rejections.js';
import { captureOutput, SENTINEL_KEY as KEY, leaksIn, renderings } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';
import { type DiskFaults, FilePlace, PLACES, type Place, WebPlace } from '../support/fakes/places.js';

const written = captureOutput();

/** Collects all that can be seen of an `Api`, from now on. */
function watch(api: Api, place?: Place): { seen(...more: unknown[]): string; codes(): string[] } {
  const events: unknown[] = [];
  for (const name of ['commit', 'push', 'discard', 'warning'] as const)
    api.on(name, (event) => events.push(name, event));
  return {
    seen: (...more) =>
      [
        ...[api, api.status(), api.log(), events, ...more].map((one) => renderings(one)),
        ...[...(place?.stored() ?? [])].flat(),
        ...written,
      ].join('\n'),
    codes: () => api.status().warnings.map(({ code }) => code),
  };
}

function openWatched(place: Place, options: Partial<ApiOptions> = {}) {
  const api = place.open({ ...options, apiKey: KEY });
  return { api, ...watch(api, place) };
}

/** The exception of a commit that nothing saves. */
function commitException(api: Api): StorageException {
  api.addValue('temperature', 21.5);
  return storageExceptionOf(() => api.commit());
}

describe('a full storage', () => {
  test.each(PLACES)('F34 the key is in nothing that a full queue leaves behind, in %s', (_where, makePlace) => {
    const place = makePlace();
    const { api, seen } = openWatched(place, { maxQueuedEntries: 2 });
    commitEach(api, 1, 2);
    expect(leaksIn(seen(commitException(api)))).toEqual([]);
  });

  test('F34 the key is in nothing that a full localStorage leaves behind', () => {
    const place = new WebPlace();
    const { api, seen } = openWatched(place);
    commitEach(api, 1, 2);
    place.localStorage.capacity = place.localStorage.units;
    expect(leaksIn(seen(commitException(api)))).toEqual([]);
  });

  test('F34 the key is in nothing that a maxLength which is reached leaves behind', () => {
    const place = new WebPlace({ maxLength: 300 });
    const { api, seen } = openWatched(place);
    commitEach(api, 1);
    expect(leaksIn(seen(commitException(api)))).toEqual([]);
  });

  test('F34 the key is in nothing that an entry larger than maxLength leaves behind', () => {
    const place = new WebPlace({ maxLength: 100 });
    const { api, seen } = openWatched(place);
    api.addValue('text', 'x'.repeat(1000));
    expect(leaksIn(seen(commitException(api)))).toEqual([]);
  });

  test.each(PLACES)('F34 the key is in no drop event, in %s', async (_where, makePlace) => {
    const place = makePlace();
    const { api, seen } = openWatched(place, { maxQueuedEntries: 2, overflow: 'drop-oldest' });
    let dropped = 0;
    api.on('discard', ({ entries }) => {
      dropped += entries.length;
    });
    commitEach(api, 1, 2, 3, 4);
    expect(dropped).toBe(2);
    expect(leaksIn(seen())).toEqual([]);
  });

  test.each(['writeSync', 'openSync', 'mkdirSync', 'fdatasyncSync', 'fsyncSync'] as const)(
    'F34 the key is in nothing that a disk leaves behind whose %s fails',
    async (call) => {
      const place = new FilePlace();
      const faults: DiskFaults = { [call]: () => 'ENOSPC' };
      const api = place.open({ apiKey: KEY }, faults, { durability: 'power' });
      const { seen } = watch(api, place);
      expect(leaksIn(seen(commitException(api)))).toEqual([]);
    },
  );
});

describe('errors of the platform that hold the key', () => {
  // A wrapper of a storage, for logs or encryption, may put any value that it has into an error.
  test.each<[string, () => unknown]>([
    ['message', () => new Error(`no ${KEY}`)],
    ['name', () => Object.assign(new Error('no'), { name: KEY })],
    ['cause', () => new Error('no', { cause: new Error(KEY) })],
    ['properties', () => Object.assign(new Error('no'), { code: KEY, path: KEY })],
    ['text', () => KEY],
  ])('F34 a localStorage that throws it in the %s leaves it nowhere', (_what, makeError) => {
    const localStorage = new FakeWebStorage();
    const api = openApi({ apiKey: KEY, storage: webStorage(localStorage, {}, {}) }, { clock: new FakeClock() });
    localStorage.setItem = () => {
      throw makeError();
    };
    expect(leaksIn(watch(api).seen(commitException(api)))).toEqual([]);
  });

  test.each(['writeSync', 'openSync', 'mkdirSync'] as const)(
    'F34 a file system whose %s throws it as a code leaves it nowhere',
    (call) => {
      const place = new FilePlace();
      const api = place.open({ apiKey: KEY }, { [call]: () => `E_${KEY}` });
      expect(leaksIn(watch(api, place).seen(commitException(api)))).toEqual([]);
    },
  );
});

describe('warnings', () => {
  test('F34 the key is in no warning that localStorage was cleared', async () => {
    const place = new WebPlace();
    const { api, seen, codes } = openWatched(place);
    commitEach(api, 1);
    place.localStorage.items.clear();
    commitEach(api, 2);
    await place.clock.advance(0);
    expect(codes()).toEqual(['storage-cleared']);
    expect(leaksIn(seen())).toEqual([]);
  });

  test('F34 the key is in no warning of fenced entries', async () => {
    const localStorage = new FakeWebStorage();
    const [frozen, awake] = [new FakeClock(), new FakeClock()];
    const open = (clock: FakeClock) =>
      openApi({ apiKey: KEY, storage: webStorage(localStorage, {}, { page: new EventTarget() }) }, { clock });
    const fenced = open(frozen);
    const { seen, codes } = watch(fenced);
    commitEach(fenced, 1);
    // For one of them time stands still, as for a page that is frozen.
    const other = watch(open(awake));
    await awake.advance(300_000);
    await frozen.advance(300_000);
    commitEach(fenced, 2);
    await frozen.advance(0);
    expect(codes()).toEqual(['taken-over']);
    expect(leaksIn([seen(), other.seen(), ...localStorage.items].flat().join('\n'))).toEqual([]);
  });

  test.each(PLACES)('F34 the key is in no warning that entries wait, in %s', async (_where, makePlace) => {
    const place = makePlace();
    const before = place.open({ deviceId: '33333333-3333-4333-8333-333333333333', apiKey: KEY });
    commitEach(before, 1);
    place.crash(before);
    const { seen, codes } = openWatched(place);
    await place.clock.advance(120_000);
    expect(codes()).toEqual(['entries-waiting']);
    expect(leaksIn(seen())).toEqual([]);
  });

  test.each(PLACES)(
    'F34 the key is in no warning that entries wait of a run that had device id and key swapped, in %s',
    async (_where, makePlace) => {
      const place = makePlace();
      const before = place.open({ deviceId: KEY, apiKey: DEVICE_ID });
      commitEach(before, 1);
      place.crash(before);
      const api = place.open({ apiKey: KEY });
      // The records of the former run are not watched.
      const { seen, codes } = watch(api);
      await place.clock.advance(120_000);
      expect(codes()).toEqual(['entries-waiting']);
      expect(leaksIn(seen())).toEqual([]);
    },
  );

  test.each(PLACES)('F34 the key is in no warning that records are unreadable, in %s', async (_where, makePlace) => {
    const place = makePlace();
    const before = place.open({ apiKey: KEY });
    commitEach(before, 1, 2);
    place.crash(before);
    for (const [name, text] of place.stored()) {
      if (text.includes('"temperature":1')) place.put(name, text.replace('"temperature":1', `"${KEY}":1,`));
    }
    const { seen, codes } = openWatched({ ...place, open: (options) => place.open(options), stored: () => new Map() });
    await place.clock.advance(5000);
    expect(codes()).toEqual(['unreadable-records']);
    expect(leaksIn(seen())).toEqual([]);
  });

  test('F34 the key is in no warning that a file cannot be read', async () => {
    const place = new FilePlace();
    const before = place.open({ apiKey: KEY });
    commitEach(before, 1);
    place.crash(before);
    const api = place.open({ apiKey: KEY }, { readSync: () => 'EIO' });
    const { seen, codes } = watch(api, place);
    await place.clock.advance(120_000);
    expect(codes()).toEqual(['storage-failed']);
    expect(leaksIn(seen())).toEqual([]);
  });
});

describe('saved data', () => {
  test.each(PLACES)(
    'F34 the key is in no record, key or name of a file, whatever a run does, in %s',
    async (_where, makePlace) => {
      const place = makePlace();
      const found: string[] = [];
      const look = (): void => void found.push(...[...place.stored()].flat());
      for (let run = 0; run < 3; run++) {
        const api = await place.reopen({ apiKey: KEY });
        commitEach(api, 1, 2, 3);
        api.setApiKey(KEY.toUpperCase());
        api.addValue('temperature', 4);
        await place.clock.advance(60_000);
        look();
        if (run === 1) await api.push();
        look();
        place.crash(api);
      }
      const last = await place.reopen({ apiKey: KEY });
      look();
      await last.close();
      look();
      expect(found.join()).toContain('temperature');
      expect(leaksIn(found.join('\n'))).toEqual([]);
    },
  );

  test('F34 the key is in no file that damaged records are moved to, nor in its name', async () => {
    const place = new FilePlace();
    const before = place.open({ apiKey: KEY });
    commitEach(before, 1, 2);
    place.crash(before);
    for (const [name, text] of place.stored()) place.put(name, text.replace('"temperature":1', '"temperature":9'));
    const { api, seen } = openWatched(place);
    await place.clock.advance(5000);
    await api.push();
    await api.close();
    const aside = readdirSync(place.folder).filter((name) => name.endsWith('.unreadable'));
    expect(aside).toHaveLength(1);
    expect(leaksIn(seen(join(place.folder, aside[0] ?? '')))).toEqual([]);
  });
});
