import { expect, test } from 'vitest';
import { StorageException } from '../../../src/index.js';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { destination, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../../support/fakes/fake-web.js';

/** Counts how often all keys are enumerated, and may refuse to remove one. */
class CountingStorage extends FakeWebStorage {
  scans = 0;
  /** Keys that are not removed the next time. */
  refusesOnce: RegExp | undefined;

  override get length(): number {
    this.scans += 1;
    return super.length;
  }

  override removeItem(key: string): void {
    if (this.refusesOnce?.test(key)) {
      this.refusesOnce = undefined;
      throw new Error('not now');
    }
    super.removeItem(key);
  }
}

/** Adopts the entries of many tabs that have ended, one of each. */
async function adoptMany() {
  const localStorage = new CountingStorage();
  const clock = new FakeClock();
  const locks = new FakeLocks();
  const open = () => {
    const tab = locks.tab();
    return { writer: webStorage(localStorage, {}, { locks: tab }).open(destination, clock), tab };
  };
  for (let count = 0; count < 50; count++) {
    const { writer, tab } = open();
    writer.save(entryOf(writer, 1), { clearsStaged: false });
    tab.end();
  }
  localStorage.scans = 0;
  const { writer } = open();
  const adoption = writer.adopt({ isFirst: true });
  await clock.advance(5000);
  const { entries } = await adoption;
  expect(entries).toHaveLength(50);
  const held = async () => {
    await clock.advance(0);
    return (await locks.tab().query()).held?.length;
  };
  return { localStorage, writer, entries, held };
}

test('many orphans with an entry each are adopted and removed in a few scans of the keys', async () => {
  const { localStorage, writer, entries } = await adoptMany();
  writer.remove(entries);
  expect(localStorage.items.size).toBe(0);
  expect(localStorage.scans).toBeLessThan(10);
});

test('orphans whose registration could not be removed keep no lock of the others', async () => {
  const { localStorage, writer, entries, held } = await adoptMany();
  expect(await held()).toBe(51);
  localStorage.refusesOnce = /writer$/;
  expect(() => writer.remove(entries)).toThrow(StorageException);
  writer.remove(entries);
  expect(await held()).toBe(1);
});
