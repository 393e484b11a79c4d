import { describe, expect, test } from 'vitest';
import { StorageException } from '../../../src/index.js';
import { entryKey, stagedKey, writerKey } from '../../../src/storage/web/records/keys.js';
import { encodeRecord } from '../../../src/storage/web/records/record.js';
import { destination, entryOf, otherDestinations } from '../../support/builders/stored-entry.js';
import { LockedOrigin } from '../../support/fakes/web-origins.js';

describe('the keys of webStorage', () => {
  test('writes one key per entry, below its own writer, beside its destination', () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    expect(origin.localStorage.length).toBe(0);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    expect(Object.fromEntries(origin.localStorage.items)).toEqual({
      [writerKey(writer.id)]: JSON.stringify(destination),
      [entryKey(writer.id, 1)]: encodeRecord(entryOf(writer, 1)),
      [entryKey(writer.id, 2)]: encodeRecord(entryOf(writer, 2)),
    });
  });

  test('leaves no key once the entries of a dead tab are removed', async () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    origin.crash(writer);
    const next = origin.open();
    const { entries } = await origin.adopt(next, { isFirst: true });
    next.remove(entries);
    expect(origin.localStorage.length).toBe(0);
  });

  test('removes the keys of a dead writer without entries', async () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.remove([entryOf(writer, 1)]);
    origin.crash(writer);
    await origin.adopt(origin.open(), { isFirst: true });
    expect(origin.localStorage.length).toBe(0);
  });

  test('never touches the keys of the page itself', async () => {
    const origin = new LockedOrigin();
    const own = {
      length: '1',
      'nikdev-iot': 'x',
      'nikdev-iot/2/abcdefgh12345678/1': 'newer',
      'nikdev-iot/1/short/1': 'x',
    };
    for (const [key, value] of Object.entries(own)) origin.localStorage.setItem(key, value);
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: true });
    writer.remove([entryOf(writer, 1)]);
    origin.crash(writer);
    await origin.adopt(origin.open(), { isFirst: true });
    expect(Object.fromEntries(origin.localStorage.items)).toEqual(own);
  });

  test.each([
    ['torn', '{"version":1,"timestamp":170'],
    ['of a newer version', '{"version":2,"timestamp":1700000000,"values":[{"a":1}]}'],
    ['altered so that it holds two fields in one object', '{"version":1,"timestamp":1,"values":[{"a":1,"b":2}]}'],
    ['holding what no value can be', '{"version":1,"timestamp":1,"values":[{"a":null}]}'],
    ['empty', ''],
  ])('a record that is %s is reported and left where it is, and the others are read', async (_what, record) => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
    origin.localStorage.setItem(entryKey(writer.id, 2), record);
    origin.crash(writer);
    const next = origin.open();
    const { entries, warnings } = await origin.adopt(next, { isFirst: true });
    expect(entries).toEqual([entryOf(writer, 1), entryOf(writer, 3)]);
    expect(warnings).toMatchObject([{ code: 'unreadable-records' }]);
    next.remove(entries);
    expect(Object.fromEntries(origin.localStorage.items)).toEqual({
      [writerKey(writer.id)]: JSON.stringify(destination),
      [entryKey(writer.id, 2)]: record,
    });
    expect((await origin.adopt(next, { isFirst: false })).warnings).toEqual([]);
  });

  test('a full localStorage is a StorageException, and what is there stays', () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    origin.localStorage.capacity = origin.localStorage.units + 10;
    expect(() => writer.save(entryOf(writer, 2), { clearsStaged: false })).toThrow(StorageException);
    expect(origin.localStorage.getItem(entryKey(writer.id, 1))).toBe(encodeRecord(entryOf(writer, 1)));
    writer.remove([entryOf(writer, 1)]);
    writer.save(entryOf(writer, 3), { clearsStaged: false });
    expect(origin.localStorage.getItem(entryKey(writer.id, 3))).not.toBeNull();
  });

  test('staged values that do not fit are ignored', () => {
    const origin = new LockedOrigin();
    const writer = origin.open();
    origin.localStorage.capacity = 100;
    writer.saveStaged([{ fieldId: 'a', value: 'x'.repeat(100) }]);
    expect(origin.localStorage.getItem(stagedKey(writer.id))).toBeNull();
  });

  test.each(otherDestinations)('entries of dead tabs for %o are reported as waiting', async (other) => {
    const origin = new LockedOrigin();
    const writer = origin.open(other);
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    const next = origin.open();
    expect((await origin.adopt(next, { isFirst: true })).warnings).toEqual([]);
    origin.crash(writer);
    const { warnings } = await origin.adopt(next, { isFirst: false });
    expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['entries-waiting']));
    expect(warnings[0]?.message).toContain(other.deviceId);
    expect(warnings[0]?.message).toContain(other.baseUrl);
  });
});
