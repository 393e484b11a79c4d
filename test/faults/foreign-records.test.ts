import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Api, StorageException } from '../../src/index.js';
import { commitEach } from '../support/builders/api.js';
import { FilePlace, PLACES, type Place, WebPlace } from '../support/fakes/places.js';

/** Records of others beside ours: of a later version of this package, or only similarly named. */
const FOREIGN: Readonly<Record<string, string>> = {
  'nikdev-iot': 'theirs',
  'nikdev-iot-1': 'theirs',
  'nikdev-iot-settings.json': '{"theirs":true}',
  'nikdev-iot-2_free_abcdefgh12345678.journal': 'of a later version',
  'nikdev-iot-1_free_x.journal': 'named alike',
  'nikdev-iot-1_free_abcdefgh12345678.journal.old': 'named alike',
  'nikdev-iot-1.lock': 'named alike',
  'notes.txt': 'theirs',
  length: '3',
};
/** Only in `localStorage`: no file's name holds a slash. */
const FOREIGN_KEYS: Readonly<Record<string, string>> = {
  'nikdev-iot/': 'theirs',
  'nikdev-iot/1': 'theirs',
  'nikdev-iot/1/': 'theirs',
  'nikdev-iot/1/short': 'theirs',
  'nikdev-iot/1/short/1': 'theirs',
  'nikdev-iot/1/settings/theme': 'dark',
  'nikdev-iot/1/abcdefgh12345678/1/2': 'theirs',
  'nikdev-iot/1/abcdefgh12345678/': 'theirs',
  'nikdev-iot/10/abcdefgh12345678': '{"theirs":true}',
  'nikdev-iot/2/abcdefgh12345678': '{"deviceId":"of a later version"}',
  'nikdev-iot/2/abcdefgh12345678/1': '{"version":2}',
};

/** All that can happen to a storage: commits, staged values, pushes, resets, crashes, and time for every timer. */
async function live(place: Place): Promise<void> {
  for (const api of [await place.reopen(), await place.reopen()]) {
    commitEach(api, 1, 2, 3);
    api.addValue('temperature', 4);
    await place.clock.advance(120_000);
    place.crash(api);
  }
  const heir = await place.reopen();
  await heir.push();
  commitEach(heir, 5);
  heir.resetUnpushedEntries();
  await place.clock.advance(600_000);
  await heir.close();
}

const keysOf = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);

describe.each([
  ['webStorage', () => new WebPlace(), { ...FOREIGN, ...FOREIGN_KEYS }],
  ['fileStorage', () => new FilePlace(), FOREIGN],
] as const)('F23 a record that is not of %s', (_where, makePlace, foreign) => {
  test.each(Object.entries(foreign))('is untouched: %s', async (name, text) => {
    const place = makePlace();
    place.put(name, text);
    await live(place);
    expect(place.stored().get(name)).toBe(text);
  });

  test('keeps nothing of ours from being delivered', async () => {
    const place = makePlace();
    for (const [name, text] of Object.entries(foreign)) place.put(name, text);
    const before = place.open();
    commitEach(before, 1, 2);
    place.crash(before);
    await (await place.reopen()).push();
    expect(place.server.uploads.flat()).toHaveLength(2);
  });
});

/** Replaces the record of the second of the entries that were committed by one that a later version could have written. */
const NEWER = {
  webStorage(place: Place): string {
    const [key = '', record = ''] = [...place.stored()].find(([, text]) => text.includes('"temperature":2')) ?? [];
    const newer = record.replace('"version":1', '"version":2').replace('}', ',"unit":"°C"}');
    place.put(key, newer);
    return newer;
  },
  fileStorage(place: Place): string {
    const [name = '', text = ''] = [...place.stored()].find(([file]) => file.endsWith('.journal')) ?? [];
    const newer = '\n2 0badc0de E abcdefgh12345678 9 {"unit":"C"}\n';
    const at = text.indexOf('\n', text.indexOf('"temperature":2')) + 1;
    place.put(name, text.slice(0, at) + newer + text.slice(at));
    return newer;
  },
};

describe.each(PLACES)('F23 a record of a newer version in %s', (where, makePlace) => {
  /** A dead run's records, one of which is newer. */
  async function leave(place: Place): Promise<string> {
    const before = place.open();
    commitEach(before, 1, 2, 3);
    place.crash(before);
    await place.clock.advance(0);
    return NEWER[where as keyof typeof NEWER](place);
  }

  const storedText = (place: Place): string => [...place.stored().values()].join('\n');

  test('is reported, and the others are pushed', async () => {
    const place = makePlace();
    await leave(place);
    const api = await place.reopen();
    await api.push();
    expect(place.server.uploads.flat().flat()).toEqual(
      expect.arrayContaining([{ temperature: 1 }, { temperature: 3 }]),
    );
    expect(api.status().warnings).toMatchObject([{ code: 'unreadable-records' }]);
  });

  test('is not reported again and again, however long the run lasts', async () => {
    const place = makePlace();
    await leave(place);
    const api = await place.reopen();
    await api.push();
    await place.clock.advance(600_000);
    const { length } = api.status().warnings;
    await place.clock.advance(3_600_000);
    expect(api.status().warnings).toHaveLength(length);
  });

  test('is there after its neighbours were pushed, the rest removed, and the storage used and closed', async () => {
    const place = makePlace();
    const newer = await leave(place);
    await live(place);
    expect(storedText(place)).toContain(newer);
  });

  test('is there after thousands of commits and pushes in the run that found it', async () => {
    const place = makePlace();
    const newer = await leave(place);
    const api = await place.reopen();
    for (let round = 0; round < 20; round++) {
      commitEach(api, ...Array.from({ length: 150 }, (_, index) => index));
      await api.push();
    }
    expect(storedText(place)).toContain(newer);
  });

  test('is not dropped to free space', async () => {
    const place = makePlace();
    const newer = await leave(place);
    const api = await place.reopen({ maxQueuedEntries: 2, overflow: 'drop-oldest' });
    commitEach(api, 10, 11, 12, 13);
    expect(keysOf(api)).toEqual([12, 13]);
    expect(storedText(place)).toContain(newer);
  });

  test('is found again by each run that comes later', async () => {
    const place = makePlace();
    await leave(place);
    for (let run = 0; run < 3; run++) {
      const api = await place.reopen();
      await api.push();
      expect(api.status().warnings).toMatchObject([{ code: 'unreadable-records' }]);
      await api.close();
    }
  });
});

test('F23 a file with a record of a newer version is not compacted: all that was in it stays, byte for byte', async () => {
  const place = new FilePlace();
  const before = place.open();
  // Far more than what a compaction waits for.
  commitEach(before, ...Array.from({ length: 3000 }, (_, index) => index));
  place.crash(before);
  NEWER.fileStorage(place);
  const bytes = journalOf(place);
  const api = await place.reopen();
  await api.push();
  commitEach(api, 1);
  await api.push();
  await place.clock.advance(600_000);
  await api.close();
  expect(api.status().committed).toBe(0);
  expect(journalOf(place).startsWith(bytes)).toBe(true);
});

test('F23 a localStorage that is full, with records of a newer version in it, refuses rather than to remove them', async () => {
  const place = new WebPlace();
  const before = place.open();
  commitEach(before, 1, 2);
  place.crash(before);
  const newer = NEWER.webStorage(place);
  const api = await place.reopen({ overflow: 'drop-oldest' });
  place.localStorage.capacity = place.localStorage.units;
  api.addValue('text', 'x'.repeat(1000));
  expect(() => api.commit()).toThrow(StorageException);
  expect([...place.stored().values()]).toContain(newer);
});

function journalOf(place: Place): string {
  const journals = [...place.stored()].filter(([name]) => name.endsWith('.journal'));
  return journals.map(([, text]) => text).find((text) => text.includes('0badc0de')) ?? '';
}

test.each([
  ['a directory', (path: string) => mkdirSync(path)],
  ['a link that leads nowhere', (path: string) => symlinkSync(`${path}.gone`, path)],
  ['a file that is empty', (path: string) => writeFileSync(path, '')],
  ['a megabyte of zeros', (path: string) => writeFileSync(path, Buffer.alloc(1_000_000))],
])('F23 %s under a name like ours keeps nothing from being committed, adopted and delivered', async (_what, make) => {
  const place = new FilePlace();
  make(join(place.folder, 'nikdev-iot-1_free_abcdefgh12345678.journal'));
  const before = place.open();
  commitEach(before, 1, 2);
  place.crash(before);
  const api = await place.reopen();
  commitEach(api, 3);
  expect(await api.push()).toMatchObject({ pushed: 3 });
  await place.clock.advance(600_000);
  await api.close();
});

test.each(['', 'x', '-1', '1e400', '9007199254740993', '99999999999999999999999', 'NaN', '\u0000\u0000'])(
  'F22 a damaged count of runs (%j) costs no staged values, of this run and of later ones',
  async (damage) => {
    for (const [place, name] of [
      [new FilePlace(), 'nikdev-iot-1.runs'],
      [new WebPlace(), 'nikdev-iot/1/runs'],
    ] as const) {
      const before = place.open();
      before.addValue('temperature', 1);
      await place.clock.advance(0);
      // Otherwise there is no such count.
      expect(place.stored().has(name)).toBe(true);
      place.crash(before);
      place.put(name, damage);
      const next = await place.reopen();
      expect(next.status()).toMatchObject({ staged: 1, warnings: [] });
      next.addValue('temperature', 2);
      await place.clock.advance(0);
      place.crash(next);
      const last = await place.reopen();
      expect(last.commit()?.values).toEqual([{ fieldId: 'temperature', value: 2 }]);
    }
  },
);
