import { describe, expect, test } from 'vitest';
import { StorageException } from '../../../src/index.js';
import { stagedKey } from '../../../src/storage/web/records/keys.js';
import { entryOf } from '../../support/builders/stored-entry.js';
import { LooseWebStorage } from '../../support/fakes/fake-web.js';
import { LockedOrigin, PlainOrigin } from '../../support/fakes/web-origins.js';

describe.each([
  ['with Web Locks', () => new LockedOrigin()],
  ['on plain http', () => new PlainOrigin()],
  ['with Web Locks, and undefined for a missing key', () => new LockedOrigin(new LooseWebStorage())],
  ['on plain http, and undefined for a missing key', () => new PlainOrigin(new LooseWebStorage())],
])('F19 webStorage %s whose keys are deleted by others', (_where, makeOrigin) => {
  const clear = ({ localStorage }: LockedOrigin | PlainOrigin): void => localStorage.items.clear();

  test('reports it until all entries are saved again', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    clear(origin);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain([entryOf(writer, 1)]);
    expect(writer.check()).toBeUndefined();
  });

  test('saves all entries again, its own and adopted ones, for the next writer', async () => {
    const origin = makeOrigin();
    const left = origin.open();
    for (const sequence of [1, 2]) left.save(entryOf(left, sequence), { clearsStaged: false });
    await origin.crash(left);
    const writer = origin.open();
    const { entries } = await origin.adopt(writer, { isFirst: true });
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    clear(origin);
    expect(writer.check()).toEqual({ kind: 'cleared' });
    writer.saveAgain([...entries, entryOf(writer, 1)]);
    writer.remove(entries.slice(0, 1));
    await origin.crash(writer);
    const again = await origin.adopt(origin.open(), { isFirst: true });
    expect(again.entries).toHaveLength(2);
    expect(again.entries).toEqual(expect.arrayContaining([entryOf(left, 2), entryOf(writer, 1)]));
  });

  test('notices that its adopted keys are gone where it has none of its own', async () => {
    const origin = makeOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    await origin.crash(left);
    const writer = origin.open();
    await origin.adopt(writer, { isFirst: true });
    clear(origin);
    expect(writer.check()).toEqual({ kind: 'cleared' });
  });

  test('notices that its adopted keys are gone, though it has staged a value since', async () => {
    const origin = makeOrigin();
    const left = origin.open();
    left.save(entryOf(left, 1), { clearsStaged: false });
    await origin.crash(left);
    const writer = origin.open();
    await origin.adopt(writer, { isFirst: true });
    clear(origin);
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    expect(writer.check()).toEqual({ kind: 'cleared' });
  });

  test('removes with their commit the values that it has staged since', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.saveStaged([{ fieldId: 'a', value: 1 }]);
    clear(origin);
    writer.saveStaged([{ fieldId: 'a', value: 2 }]);
    writer.check();
    writer.save(entryOf(writer, 1), { clearsStaged: true });
    expect(origin.localStorage.items.has(stagedKey(writer.id))).toBe(false);
  });

  test('reports nothing once it is closed', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    writer.close();
    clear(origin);
    expect(writer.check()).toBeUndefined();
  });

  test('saves nothing again once it is closed', () => {
    const origin = makeOrigin();
    const writer = origin.open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    clear(origin);
    writer.check();
    writer.close();
    writer.saveAgain([entryOf(writer, 1)]);
    expect([...origin.localStorage.items]).toEqual([]);
  });

  test('can be saved again in part and then in full, where the storage was full at first', async () => {
    const origin = makeOrigin();
    const writer = origin.open();
    for (const sequence of [1, 2, 3]) writer.save(entryOf(writer, sequence), { clearsStaged: false });
    clear(origin);
    writer.check();
    origin.localStorage.capacity = 300;
    const all = [1, 2, 3].map((sequence) => entryOf(writer, sequence));
    expect(() => writer.saveAgain(all)).toThrow(StorageException);
    origin.localStorage.capacity = 5_242_880;
    writer.saveAgain(all);
    await origin.crash(writer);
    expect((await origin.adopt(origin.open(), { isFirst: true })).entries).toEqual(all);
  });
});

test('F19 F28 a page that only lost its adopted keys, which do not fit any more, goes on with its heartbeat', async () => {
  const origin = new PlainOrigin();
  const left = origin.open();
  left.save(entryOf(left, 1), { clearsStaged: false });
  origin.crash(left);
  const [writer, other] = [origin.open(), origin.open()];
  const { entries } = await origin.adopt(writer, { isFirst: true });
  origin.localStorage.items.clear();
  writer.save(entryOf(writer, 1), { clearsStaged: false });
  origin.localStorage.capacity = origin.localStorage.units;
  for (let look = 0; look < 10; look++) {
    expect(writer.check()).toEqual({ kind: 'cleared' });
    expect(() => writer.saveAgain([...entries, entryOf(writer, 1)])).toThrow(StorageException);
    expect((await origin.adopt(other, { isFirst: false })).entries).toEqual([]);
    await origin.clock.advance(25_000);
    void writer.adopt({ isFirst: false });
  }
});
