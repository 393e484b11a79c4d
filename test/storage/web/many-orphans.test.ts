import { expect, test } from 'vitest';
import { webStorage } from '../../../src/storage/web/web-storage.js';
import { binding, entryOf } from '../../support/builders/stored-entry.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeLocks, FakeWebStorage } from '../../support/fakes/fake-web.js';

/** Counts how often all keys are enumerated. */
class CountingStorage extends FakeWebStorage {
  scans = 0;

  override get length(): number {
    this.scans += 1;
    return super.length;
  }
}

test('many orphans with an entry each are adopted and removed in a few scans of the keys', async () => {
  const localStorage = new CountingStorage();
  const clock = new FakeClock();
  const locks = new FakeLocks();
  const open = () => {
    const tab = locks.tab();
    return { writer: webStorage(localStorage, {}, { locks: tab }).open(binding, clock), tab };
  };
  for (let count = 0; count < 50; count++) {
    const { writer, tab } = open();
    writer.save(entryOf(writer, 1), false);
    tab.end();
  }
  localStorage.scans = 0;
  const { writer } = open();
  const adoption = writer.adopt(true);
  await clock.advance(5000);
  const { entries } = await adoption;
  expect(entries).toHaveLength(50);
  writer.remove(entries);
  expect(localStorage.items.size).toBe(0);
  expect(localStorage.scans).toBeLessThan(10);
});
