import { describe, expect, test } from 'vitest';
import type { Writer } from '../../../src/core/ports/storage.js';
import { ConfigException, StorageException } from '../../../src/index.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeWebStorage } from '../../support/fakes/fake-web.js';
import { LockedOrigin } from '../../support/fakes/web-origins.js';

describe('F40 the quota of webStorage', () => {
  const open = (origin: LockedOrigin, maxLength: number): Writer => origin.open(destination, { maxLength });

  const fill = (writer: Writer, from = 1): number => {
    for (let sequence = from; ; sequence++) {
      try {
        writer.save(entryOf(writer, sequence), { clearsStaged: false });
      } catch (error) {
        expect(error).toBeInstanceOf(StorageException);
        expect(error).toMatchObject({ isFull: true });
        return sequence;
      }
    }
  };

  test('is at most maxLength, keys included, however entries and staged values come and go', () => {
    const origin = new LockedOrigin();
    const writer = open(origin, 2000);
    let next = 0;
    for (let round = 0; round < 20; round++) {
      writer.saveStaged([{ fieldId: 'a', value: 'x'.repeat(round * 7) }]);
      next = fill(writer, next + 1);
      expect(origin.localStorage.units - 'nikdev-iot/1/runs1'.length).toBeLessThanOrEqual(2000);
      expect(origin.localStorage.units).toBeGreaterThan(1700);
      writer.remove([next - 1, next - 2, next - 3].map((sequence) => entryOf(writer, sequence)));
      writer.save(entryOf(writer, ++next), { clearsStaged: round % 2 === 0 });
    }
  });

  test('counts adopted entries until they are removed', async () => {
    const origin = new LockedOrigin();
    const left = open(origin, 2000);
    fill(left);
    origin.crash(left);
    const writer = open(origin, 2000);
    const adoption = writer.adopt({ isFirst: true });
    await origin.clock.advance(5000);
    const { entries } = await adoption;
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow(StorageException);
    writer.remove(entries);
    writer.save(entryOf(writer, 2), { clearsStaged: false });
    fill(writer, 3);
    expect(origin.localStorage.units).toBeGreaterThan(1800);
  });

  test('counts the entries of a closed writer of the same page', () => {
    const origin = new LockedOrigin();
    const storage = webStorage(origin.localStorage, { maxLength: 2000 }, { locks: origin.locks.tab() });
    const [one, other] = [storage.open(destination, origin.clock), storage.open(destination, origin.clock)];
    fill(one);
    one.close();
    expect(() => other.save(entryOf(other, 1), { clearsStaged: false })).toThrow(/maxLength \(2000\)/);
  });

  test('is at most maxLength where adopted keys were deleted by others before they were removed', async () => {
    const origin = new LockedOrigin();
    const left = open(origin, 2000);
    fill(left);
    origin.crash(left);
    const writer = open(origin, 2000);
    const adoption = writer.adopt({ isFirst: true });
    await origin.clock.advance(5000);
    const { entries } = await adoption;
    origin.localStorage.items.clear();
    writer.check();
    fill(writer);
    writer.remove(entries);
    fill(writer, 100);
    expect(origin.localStorage.units).toBeLessThanOrEqual(2000);
  });

  test('counts the keys of other tabs, as of the last look', async () => {
    const origin = new LockedOrigin();
    const other = open(origin, 2000);
    fill(other);
    const writer = open(origin, 2000);
    const adoption = writer.adopt({ isFirst: true });
    await origin.clock.advance(5000);
    await adoption;
    expect(() => writer.save(entryOf(writer, 1), { clearsStaged: false })).toThrow(/maxLength \(2000\)/);
  });

  test.each([0, -1, 1.5, Number.NaN, '3000000'])('cannot be %s', (maxLength) => {
    expect(() => webStorage(new FakeWebStorage(), { maxLength: maxLength as number })).toThrow(ConfigException);
  });

  test.each([undefined, null, {}, 'localStorage'])('nor can the storage be %s', (storage) => {
    expect(() => webStorage(storage as never)).toThrow(ConfigException);
  });
});
